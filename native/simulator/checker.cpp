// The rules: bounds, initialisation, asynchronous copies, races. Words of findings are in findings.cpp.

#include "checker.h"

#include <algorithm>
#include <cstring>

#include "checker_hooks.h"
#include "findings.h"
#include "happens_before.h"
#include "shadow.h"

namespace gridstride {

namespace {

// Shared memory of the running launch.
SharedShadow shared_shadow;
Shadow shared_parts[3];
unsigned shared_count;

// One call in the code mostly meets the same piece of memory again and again.
struct Site {
  const void* pc;
  uint32_t launch;
  Shadow shadow;
};

constexpr size_t SITES = 1024;
Site sites[SITES];
uint32_t launch_number;

Shadow find_shadow(uintptr_t p, size_t bytes, checker::Access access, const void* pc) {
  for (unsigned i = 0; i < shared_count; i++) {
    const Shadow& s = shared_parts[i];
    if (p - s.low < s.bytes) {
      if (p - s.low + bytes > s.bytes) findings::out_of_bounds(p, bytes, access, pc);
      return s;
    }
  }
  if (const Allocation* a = find_allocation(reinterpret_cast<void*>(p))) {
    if (p - a->base + bytes > a->bytes) findings::out_of_bounds(p, bytes, access, pc);
    return shadow_of(*a);
  }
  // The thread's own variables, and constants of the image.
  Shadow s;
  if (fiber::on_a_stack(reinterpret_cast<void*>(p))) {
    s.base = s.low = p & ~uintptr_t{7};
    s.bytes = 64;
    return s;
  }
  if (p >= block.image->low && p + bytes <= block.image->high) {
    s.base = s.low = block.image->low;
    s.bytes = block.image->high - block.image->low;
    return s;
  }
  findings::out_of_bounds(p, bytes, access, pc);
}

const Shadow& shadow_at(uintptr_t p, size_t bytes, checker::Access access, const void* pc) {
  Site& site = sites[(reinterpret_cast<uintptr_t>(pc) ^ reinterpret_cast<uintptr_t>(pc) >> 10) % SITES];
  size_t offset = p - site.shadow.low;
  if (__builtin_expect(site.pc == pc && site.launch == launch_number && offset < site.shadow.bytes && bytes <= site.shadow.bytes - offset, 1)) {
    return site.shadow;
  }
  site.shadow = find_shadow(p, bytes, access, pc);
  site.pc = pc;
  site.launch = launch_number;
  return site.shadow;
}

uint32_t short_pc(const void* pc) { return static_cast<uint32_t>(reinterpret_cast<uintptr_t>(pc) - block.image->low); }

// Two readers of the same bytes that nothing orders, as one stamp.
Stamp join(Stamp a, Stamp b, unsigned b_thread) {
  if (!happens_before.same_block(a)) return b.as(Stamp::BLOCKS);
  unsigned who = a.who();
  if (who == Stamp::WARPS) return b.as(Stamp::WARPS);
  unsigned warp = who >= Stamp::LANES ? who - Stamp::LANES : who / WARP_SIZE;
  return b.as(warp == b_thread / WARP_SIZE ? Stamp::LANES + warp : Stamp::WARPS);
}

// Whether nothing has to be said about an access after this earlier one.
bool ordered(const Shadow& s, Stamp earlier, unsigned thread) {
  return happens_before.ordered(earlier, thread) || (s.space != Space::GLOBAL && !happens_before.same_block(earlier));
}

void read_word(Cell& cell, unsigned thread, unsigned bytes, uintptr_t p, const Shadow& s, const void* pc) {
  if ((cell.write.bytes() & bytes) != 0 && !ordered(s, cell.write, thread)) {
    findings::race(s, p, checker::Access::READ, pc, cell.write, true, cell.write_pc);
  }
  Stamp now = happens_before.stamp(thread, bytes, false);
  if (cell.read.bits == now.bits) return;
  if (cell.read.bytes() == bytes && !ordered(s, cell.read, thread)) now = join(cell.read, now, thread);
  // Once threads of several blocks have read, that stays so until the launch ends.
  if (s.space == Space::GLOBAL && cell.read.who() == Stamp::BLOCKS && cell.read.bytes() == bytes && happens_before.same_launch(cell.read)) now = now.as(Stamp::BLOCKS);
  cell.read = now;
  cell.read_pc = short_pc(pc);
}

void write_word(Cell& cell, unsigned thread, unsigned bytes, uintptr_t p, const Shadow& s, checker::Access access, const void* pc) {
  bool atomic = access == checker::Access::ATOMIC;
  if ((cell.write.bytes() & bytes) != 0 && !(atomic && cell.write.atomic()) && !ordered(s, cell.write, thread)) {
    findings::race(s, p, access, pc, cell.write, true, cell.write_pc);
  }
  if ((cell.read.bytes() & bytes) != 0 && !ordered(s, cell.read, thread)) {
    findings::race(s, p, access, pc, cell.read, false, cell.read_pc);
  }
  cell.write = happens_before.stamp(thread, bytes, atomic);
  cell.write_pc = short_pc(pc);
}

// All rules but bounds, for a piece of at most 16 bytes.
void judge_piece(const Shadow& s, uintptr_t p, unsigned bytes, checker::Access access, unsigned thread, const void* pc) {
  size_t offset = p - s.base;
  if (s.in_flight != nullptr && get_bits(s.in_flight, offset, bytes) != 0) findings::copy_not_awaited(s, p, bytes, access, pc);
  if (s.written != nullptr) {
    if (access == checker::Access::WRITE) {
      set_bits(s.written, offset, bytes);
    } else if (get_bits(s.written, offset, bytes) != (1u << bytes) - 1) {
      findings::unset(s, p, pc);
    }
  }
  for (uintptr_t word = p & ~uintptr_t{3}, end = p + bytes; word < end; word += 4) {
    unsigned mask = 15;
    if (word < p) mask &= 15u << (p - word);
    if (end - word < 4) mask &= (1u << (end - word)) - 1;
    Cell& cell = s.cell(word);
    if (access == checker::Access::READ) {
      read_word(cell, thread, mask, std::max(word, p), s, pc);
    } else {
      write_word(cell, thread, mask, std::max(word, p), s, access, pc);
    }
  }
}

void judge_for(const Thread& thread, const void* at, size_t bytes, checker::Access access, const void* pc) {
  auto p = reinterpret_cast<uintptr_t>(at);
  if (bytes == 0) return;
  const Shadow& s = shadow_at(p, bytes, access, pc);
  if (access == checker::Access::ATOMIC) happens_before.atomic_at(p);
  if (s.space == Space::PRIVATE) return;
  if (s.allocation != nullptr) {
    if (block.launch->accesses != nullptr) block.launch->accesses->note(*s.allocation, p, bytes, access != checker::Access::READ);
  }
  for (size_t done = 0; done < bytes; done += 16) {
    judge_piece(s, p + done, static_cast<unsigned>(std::min<size_t>(16, bytes - done)), access, thread.number, pc);
  }
}

}  // namespace

void checker::judge(const void* at, size_t bytes, Access access, const void* pc) {
  if (hooks::on) judge_for(*block.current, at, bytes, access, pc);
}

namespace hooks {

bool on;

void launch_begins(const void* first, size_t first_bytes, const void* second, size_t second_bytes, const void* dynamic, size_t dynamic_bytes) {
  if (happens_before.worn_out()) {
    drop_shadows(true);
    shared_shadow.drop();
    happens_before.restart();
  }
  if (++launch_number % 64 == 0) drop_shadows(false);
  happens_before.launch_begins();
  struct Range {
    Space space;
    const void* at;
    size_t bytes;
  };
  const Range ranges[] = {{Space::STATIC_SHARED, first, first_bytes}, {Space::DYNAMIC_SHARED, dynamic, dynamic_bytes}, {Space::STATIC_SHARED, second, second_bytes}};
  uintptr_t low = UINTPTR_MAX, high = 0;
  for (const Range& r : ranges) {
    if (r.at == nullptr || r.bytes == 0) continue;
    low = std::min(low, reinterpret_cast<uintptr_t>(r.at));
    high = std::max(high, reinterpret_cast<uintptr_t>(r.at) + r.bytes);
  }
  shared_count = 0;
  if (high == 0) return;
  low &= ~uintptr_t{63};
  shared_shadow.cover(low, high - low);
  for (const Range& r : ranges) {
    if (r.at != nullptr && r.bytes != 0) shared_parts[shared_count++] = shared_shadow.part(r.space, reinterpret_cast<uintptr_t>(r.at), r.bytes);
  }
}

void launch_ends() {}

void block_begins() {
  happens_before.block_begins(block.linear);
  for (unsigned i = 0; i < shared_count; i++) shared_shadow.forget(shared_parts[i]);
}

void at_barrier(const Thread& thread, const void* pc) {
  if (block.alive < block.count) findings::barrier_after_exit(thread, pc);
  if (block.barrier.waiting != 0 && block.barrier.pc != pc) findings::check_same_barrier(thread, pc);
}

void block_synchronised() { happens_before.block_barrier(); }

void barrier_without(const Thread& exited) { findings::barrier_after_exit(block.threads[block.barrier.first], block.barrier.pc, &exited); }

void warp_synchronised(unsigned warp, uint32_t mask) {
  const Warp& w = block.warps[warp];
  happens_before.warp_barrier(warp, mask, w.exists & ~w.exited);
}

void exited(const Thread&) {}

void reads(const Thread& thread, const void* at, size_t bytes, const void* pc) { judge_for(thread, at, bytes, checker::Access::READ, pc); }
void writes(const Thread& thread, const void* at, size_t bytes, const void* pc) { judge_for(thread, at, bytes, checker::Access::WRITE, pc); }
void atomic(const Thread& thread, const void* at, size_t bytes, const void* pc) { judge_for(thread, at, bytes, checker::Access::ATOMIC, pc); }

void copy_begins(const Thread& thread, const PendingCopy& copy) {
  if (copy.valid != 0) reads(thread, copy.from, copy.valid, copy.pc);
  auto p = reinterpret_cast<uintptr_t>(copy.to);
  const Shadow s = shadow_at(p, copy.bytes, checker::Access::WRITE, copy.pc);
  if (s.in_flight == nullptr) findings::copy_not_to_shared(p, copy.pc);
  bool was_written = get_bits(s.written, p - s.base, copy.bytes) == (1u << copy.bytes) - 1;
  writes(thread, copy.to, copy.bytes, copy.pc);
  if (!was_written) clear_bits(s.written, p - s.base, copy.bytes);
  set_bits(s.in_flight, p - s.base, copy.bytes);
}

void copy_arrives(const Thread& thread, const PendingCopy& copy) {
  auto p = reinterpret_cast<uintptr_t>(copy.to);
  const Shadow s = shadow_at(p, copy.bytes, checker::Access::WRITE, copy.pc);
  clear_bits(s.in_flight, p - s.base, copy.bytes);
  writes(thread, copy.to, copy.bytes, copy.pc);
}

}  // namespace hooks

}  // namespace gridstride
