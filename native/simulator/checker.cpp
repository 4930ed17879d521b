// The rules: bounds, initialisation, asynchronous copies, races. Words of findings are in findings.cpp.

#include "checker.h"

#include <algorithm>
#include <iterator>

#include "checker_hooks.h"
#include "findings.h"
#include "happens_before.h"
#include "shadow.h"

namespace gridstride {

namespace {

// Shared memory of the running launch.
SharedShadow shared_shadow;
std::vector<Shadow> shared_parts;

// One call in the code mostly meets the same piece of memory again and again.
struct Site {
  uint64_t key;  // of pc and launch
  Shadow shadow;
};

constexpr size_t SITES = 1024;
Site sites[SITES];
uint32_t launch_number;
unsigned under_way;  // asynchronous copies

__attribute__((noinline)) Shadow find_shadow(uintptr_t p, size_t bytes, checker::Access access, const void* pc) {
  for (const Shadow& s : shared_parts) {
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

inline const Shadow& shadow_at(uintptr_t p, size_t bytes, checker::Access access, const void* pc) {
  auto place = reinterpret_cast<uintptr_t>(pc);
  Site& site = sites[(place ^ place >> 10) % SITES];
  uint64_t key = place ^ static_cast<uint64_t>(launch_number) << 48;
  size_t offset = p - site.shadow.low;
  if (__builtin_expect(site.key != key || offset >= site.shadow.bytes || bytes > site.shadow.bytes - offset, 0)) {
    site.shadow = find_shadow(p, bytes, access, pc);
    site.key = key;
  }
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

// One access to one word.
struct Touch {
  const Shadow& shadow;
  uintptr_t p;
  checker::Access access;
  unsigned thread;
  const void* pc;
  uint64_t limit;  // earlier stamps cannot be in conflict
  bool shared;
};

// Whether nothing has to be said about an access after this earlier one.
bool ordered(const Touch& t, Stamp earlier) {
  return happens_before.ordered(earlier, t.thread) || (t.shared && !happens_before.same_block(earlier));
}

bool conflict(const Touch& t, Stamp earlier, unsigned bytes) {
  return earlier.bits >= t.limit && (earlier.bytes() & bytes) != 0 && !ordered(t, earlier);
}

// A read while an earlier one of this launch, or of this stretch of the block, is on record.
void join_reads(Cell& cell, Stamp now, unsigned bytes, const Touch& t) {
  if (cell.read.bits == now.bits) return;
  if (cell.read.bytes() == bytes) {
    // Once threads of several blocks have read, that stays so until the launch ends.
    if (cell.read.who() == Stamp::BLOCKS) {
      now = now.as(Stamp::BLOCKS);
    } else if (!ordered(t, cell.read)) {
      now = join(cell.read, now, t.thread);
    }
  }
  cell.read = now;
  cell.read_pc = short_pc(t.pc);
}

inline void read_word(Cell& cell, unsigned bytes, const Touch& t) {
  if (conflict(t, cell.write, bytes)) findings::race(t.shadow, t.p, t.access, t.pc, cell.write, true, cell.write_pc);
  Stamp now = happens_before.stamp(t.thread, bytes, false);
  if (cell.read.bits < t.limit) {
    cell.read = now;
    cell.read_pc = short_pc(t.pc);
  } else if (!(t.shared && cell.read.who() == Stamp::WARPS && cell.read.bytes() == bytes)) {
    join_reads(cell, now, bytes, t);
  }
}

inline void write_word(Cell& cell, unsigned bytes, const Touch& t) {
  bool atomic = t.access == checker::Access::ATOMIC;
  if (!(atomic && cell.write.atomic()) && conflict(t, cell.write, bytes)) {
    findings::race(t.shadow, t.p, t.access, t.pc, cell.write, true, cell.write_pc);
  }
  if (conflict(t, cell.read, bytes)) findings::race(t.shadow, t.p, t.access, t.pc, cell.read, false, cell.read_pc);
  cell.write = happens_before.stamp(t.thread, bytes, atomic);
  cell.write_pc = short_pc(t.pc);
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
  bool shared = s.space != Space::GLOBAL;
  Touch t{s, p, access, thread, pc, shared ? happens_before.block_limit() : happens_before.launch_limit(), shared};
  for (uintptr_t word = p & ~uintptr_t{3}, end = p + bytes; word < end; word += 4) {
    unsigned mask = 15;
    if (word < p) mask &= 15u << (p - word);
    if (end - word < 4) mask &= (1u << (end - word)) - 1;
    Cell& cell = s.cell(word);
    t.p = std::max(word, p);
    if (access == checker::Access::READ) {
      read_word(cell, mask, t);
    } else {
      write_word(cell, mask, t);
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

template <unsigned BYTES, checker::Access ACCESS>
void checker::judge_fixed(const void* at, const void* pc) {
  if (!hooks::on) return;
  auto p = reinterpret_cast<uintptr_t>(at);
  const Shadow& s = shadow_at(p, BYTES, ACCESS, pc);
  if (s.space == Space::PRIVATE) return;
  constexpr unsigned ALIGNMENT = BYTES < 4 ? BYTES : 4;
  if (__builtin_expect(p % ALIGNMENT != 0 || under_way != 0 || block.launch->accesses != nullptr, 0)) {
    judge_for(*block.current, at, BYTES, ACCESS, pc);
    return;
  }
  if (s.written != nullptr) {
    size_t offset = p - s.base;
    if (ACCESS == Access::WRITE) {
      set_bits(s.written, offset, BYTES);
    } else if (__builtin_expect(get_bits(s.written, offset, BYTES) != (1u << BYTES) - 1, 0)) {
      findings::unset(s, p, pc);
    }
  }
  bool shared = s.space != Space::GLOBAL;
  Touch t{s, p, ACCESS, block.current->number, pc, shared ? happens_before.block_limit() : happens_before.launch_limit(), shared};
  unsigned mask = BYTES < 4 ? ((1u << BYTES) - 1) << (p % 4) : 15;
  Cell* cell = &s.cell(p);
  for (unsigned word = 0; word < (BYTES + 3) / 4; word++, t.p += 4) {
    if (ACCESS == Access::READ) {
      read_word(cell[word], mask, t);
    } else {
      write_word(cell[word], mask, t);
    }
  }
}

#define SIZE(bytes)                                                                                \
  template void checker::judge_fixed<bytes, checker::Access::READ>(const void* at, const void* pc); \
  template void checker::judge_fixed<bytes, checker::Access::WRITE>(const void* at, const void* pc);
SIZE(1)
SIZE(2)
SIZE(4)
SIZE(8)
SIZE(16)

void checker::judge(const void* at, size_t bytes, Access access, const void* pc) {
  if (hooks::on) judge_for(*block.current, at, bytes, access, pc);
}

namespace hooks {

bool on;

void launch_begins(const SharedMemory& shared) {
  if (happens_before.worn_out()) {
    drop_shadows(true);
    shared_shadow.drop();
    happens_before.restart();
  }
  if (++launch_number % 64 == 0) drop_shadows(false);
  if (launch_number % 65536 == 0) std::fill(std::begin(sites), std::end(sites), Site{});  // keys begin anew
  happens_before.launch_begins();
  under_way = 0;
  shared_parts.clear();
  std::vector<SharedPart> parts = shared.statics;
  parts.push_back(shared.dynamic);
  uintptr_t low = UINTPTR_MAX, high = 0;
  for (const SharedPart& part : parts) {
    if (part.bytes == 0) continue;
    low = std::min(low, reinterpret_cast<uintptr_t>(part.at));
    high = std::max(high, reinterpret_cast<uintptr_t>(part.at) + part.bytes);
  }
  if (high == 0) return;
  low &= ~uintptr_t{63};
  shared_shadow.cover(low, high - low);
  for (const SharedPart& part : parts) {
    if (part.bytes == 0) continue;
    Space space = part.at == shared.dynamic.at ? Space::DYNAMIC_SHARED : Space::STATIC_SHARED;
    shared_parts.push_back(shared_shadow.part(space, reinterpret_cast<uintptr_t>(part.at), part.bytes));
  }
}

void block_begins() {
  happens_before.block_begins(block.linear);
  for (const Shadow& part : shared_parts) shared_shadow.forget(part);
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

void reads(const Thread& thread, const void* at, size_t bytes, const void* pc) { judge_for(thread, at, bytes, checker::Access::READ, pc); }
void writes(const Thread& thread, const void* at, size_t bytes, const void* pc) { judge_for(thread, at, bytes, checker::Access::WRITE, pc); }

void copy_begins(const Thread& thread, const PendingCopy& copy) {
  if (copy.valid != 0) reads(thread, copy.from, copy.valid, copy.pc);
  auto p = reinterpret_cast<uintptr_t>(copy.to);
  const Shadow s = shadow_at(p, copy.bytes, checker::Access::WRITE, copy.pc);
  if (s.in_flight == nullptr) findings::copy_not_to_shared(p, copy.pc);
  bool was_written = get_bits(s.written, p - s.base, copy.bytes) == (1u << copy.bytes) - 1;
  writes(thread, copy.to, copy.bytes, copy.pc);
  if (!was_written) clear_bits(s.written, p - s.base, copy.bytes);
  set_bits(s.in_flight, p - s.base, copy.bytes);
  under_way++;
}

void copy_arrives(const Thread& thread, const PendingCopy& copy) {
  auto p = reinterpret_cast<uintptr_t>(copy.to);
  const Shadow s = shadow_at(p, copy.bytes, checker::Access::WRITE, copy.pc);
  clear_bits(s.in_flight, p - s.base, copy.bytes);
  under_way--;
  writes(thread, copy.to, copy.bytes, copy.pc);
}

}  // namespace hooks

}  // namespace gridstride
