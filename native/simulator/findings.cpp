#include "findings.h"

#include <cstdio>

#include "memory.h"
#include "source_place.h"

namespace gridstride::findings {

namespace {

const char* verb(checker::Access a) { return a == checker::Access::READ ? "reads" : a == checker::Access::WRITE ? "writes" : "changes atomically"; }
const char* noun(checker::Access a) { return a == checker::Access::READ ? "read" : "write"; }

// "byte 12 of tile (__shared__, 1024 bytes)"
std::string describe_static(uintptr_t p) {
  GridstrideSharedPlace place{};
  block.image->locate(&place);
  size_t offset = p - (reinterpret_cast<uintptr_t>(place.anchor) + static_cast<uintptr_t>(block.image->static_offset));
  char text[200];
  const SharedVariable* best = nullptr;
  std::vector<SharedVariable> variables = shared_of(*block.image, *block.launch->kernel);
  for (const SharedVariable& v : variables) {
    if (v.offset <= offset) best = &v;
  }
  if (best == nullptr) {
    std::snprintf(text, sizeof text, "byte %zu of static shared memory", offset);
  } else if (offset < best->offset + best->bytes) {
    std::snprintf(text, sizeof text, "byte %zu of %s (__shared__, %zu bytes)", offset - best->offset, best->name.c_str(), best->bytes);
  } else {
    std::snprintf(text, sizeof text, "%zu bytes past the end of %s (__shared__, %zu bytes)", offset - best->offset - best->bytes, best->name.c_str(), best->bytes);
  }
  return text;
}

std::string describe_dynamic(uintptr_t p, uintptr_t base) {
  char text[120];
  size_t bytes = block.launch->dynamic_shared;
  if (p < base) {
    std::snprintf(text, sizeof text, "%zu bytes before dynamic shared memory (%zu bytes)", static_cast<size_t>(base - p), bytes);
  } else if (p - base < bytes) {
    std::snprintf(text, sizeof text, "byte %zu of dynamic shared memory (%zu bytes)", static_cast<size_t>(p - base), bytes);
  } else {
    std::snprintf(text, sizeof text, "%zu bytes past the end of dynamic shared memory (%zu bytes)", static_cast<size_t>(p - base - bytes), bytes);
  }
  return text;
}

std::string describe(const Shadow& s, uintptr_t p) {
  switch (s.space) {
    case Space::STATIC_SHARED: return describe_static(p);
    case Space::DYNAMIC_SHARED: return describe_dynamic(p, s.low);
    default: return describe_address(reinterpret_cast<void*>(p));
  }
}

const char* name(Space s) { return s == Space::STATIC_SHARED ? "static shared memory" : s == Space::DYNAMIC_SHARED ? "dynamic shared memory" : "global memory"; }

std::string name_of_reader(Stamp s) {
  unsigned who = s.who();
  if (who == Stamp::BLOCKS) return "threads of several blocks";
  std::string in = happens_before.same_block(s) ? "" : name_of_block(happens_before.block_of(s)) + ", ";
  if (who == Stamp::WARPS) return in + "threads of several warps";
  if (who >= Stamp::LANES) return in + "several lanes of warp " + std::to_string(who - Stamp::LANES);
  return in + name_of(block.threads[who]);
}

}  // namespace

void out_of_bounds(uintptr_t p, size_t bytes, checker::Access access, const void* pc) {
  auto* at = reinterpret_cast<void*>(p);
  if (find_freed(at) != nullptr) {
    std::string kind = std::string(noun(access)) + " of freed memory";
    fail(700, block.current, pc, kind.c_str(), "%s %zu bytes at %s", verb(access), bytes, describe_address(at).c_str());
  }
  // Shared memory, or close to it?
  GridstrideSharedPlace place{};
  block.image->locate(&place);
  constexpr uintptr_t CLOSE = 64 * 1024;
  auto dynamic = reinterpret_cast<uintptr_t>(place.dynamic);
  if (dynamic != 0 && p + CLOSE >= dynamic && p < dynamic + place.dynamic_capacity) {
    std::string kind = std::string("out-of-bounds ") + noun(access) + " of dynamic shared memory";
    fail(700, block.current, pc, kind.c_str(), "%s %zu bytes at %p, %s", verb(access), bytes, at, describe_dynamic(p, dynamic).c_str());
  }
  auto anchor = reinterpret_cast<uintptr_t>(place.anchor);
  if (anchor != 0 && block.image->static_bytes != 0) {
    uintptr_t low = anchor + static_cast<uintptr_t>(block.image->static_offset), high = low + block.image->static_bytes;
    if (p + CLOSE >= low && p < high + CLOSE && !block.image->shared.empty()) {
      std::string kind = std::string("out-of-bounds ") + noun(access) + " of static shared memory";
      fail(700, block.current, pc, kind.c_str(), "%s %zu bytes at %p, %s", verb(access), bytes, at,
           p < low ? "before all __shared__ variables" : describe_static(p).c_str());
    }
  }
  std::string kind = std::string(p < 4096 ? "null pointer " : "out-of-bounds ") + noun(access) + (p < 4096 ? "" : " of global memory");
  fail(700, block.current, pc, kind.c_str(), "%s %zu bytes at %s", verb(access), bytes, describe_address(at).c_str());
}

void unset(const Shadow& s, uintptr_t p, const void* pc) {
  while (get_bits(s.written, p - s.base, 1) != 0) p++;
  if (s.space == Space::GLOBAL) {
    fail(719, block.current, pc, "read of unset global memory", "nothing has been written to %s", describe(s, p).c_str());
  }
  // Perhaps another thread writes it later in the block, and a barrier is missing: that says more.
  if (postponed.code == 0) postponed = failure(719, block.current, pc, "read of unset shared memory", "nothing has been written to %s", describe(s, p).c_str());
}

void copy_not_awaited(const Shadow& s, uintptr_t p, unsigned bytes, checker::Access access, const void* pc) {
  for (const Thread& thread : block.threads) {
    for (const PendingCopy& copy : thread.copies) {
      auto to = reinterpret_cast<uintptr_t>(copy.to);
      if (to < p + bytes && p < to + copy.bytes) {
        fail(719, block.current, pc, "missing wait for an asynchronous copy", "%s %u bytes at %s, to which %s copies since %s and has not waited", verb(access), bytes,
             describe(s, p).c_str(), name_of(thread).c_str(), source_place(*block.image, copy.pc).c_str());
      }
    }
  }
  fail(719, block.current, pc, "missing wait for an asynchronous copy", "%s %u bytes at %s", verb(access), bytes, describe(s, p).c_str());
}

void copy_not_to_shared(uintptr_t p, const void* pc) {
  fail(700, block.current, pc, "asynchronous copy to other than shared memory", "to %s", describe_address(reinterpret_cast<void*>(p)).c_str());
}

void race(const Shadow& s, uintptr_t p, checker::Access access, const void* pc, Stamp earlier, bool earlier_writes, uint32_t earlier_pc) {
  std::string kind;
  const char* missing;
  unsigned who = earlier.who();
  unsigned self = block.current->number;
  if (!happens_before.same_block(earlier)) {
    kind = "race between blocks";
    missing = "nothing orders the blocks of a launch";
  } else {
    bool same_warp = who < Stamp::LANES ? who / WARP_SIZE == self / WARP_SIZE : who < Stamp::WARPS && who - Stamp::LANES == self / WARP_SIZE;
    kind = std::string(same_warp ? "missing __syncwarp or __syncthreads" : "missing __syncthreads") + ": race in " + name(s.space);
    missing = same_warp ? "no barrier of the warp or the block in between" : "no __syncthreads in between";
  }
  auto* from = reinterpret_cast<void*>(block.image->low + earlier_pc);
  fail(719, block.current, pc, kind.c_str(), "%s %s, which %s %s at %s; %s", verb(access), describe(s, p).c_str(), name_of_reader(earlier).c_str(),
       earlier_writes ? "wrote" : "read", source_place(*block.image, from).c_str(), missing);
}

void barrier_after_exit(const Thread& waiting, const void* pc, const Thread* exited) {
  unsigned gone = 0;
  if (exited != nullptr) {
    gone = exited->number;
  } else {
    while (gone < block.count && (block.warps[gone / WARP_SIZE].exited >> (gone % WARP_SIZE) & 1u) == 0) gone++;
  }
  fail(719, &waiting, pc, "divergent barrier", "__syncthreads has to be reached by all threads of the block, and %s has ended", name_of(block.threads[gone]).c_str());
}

void check_same_barrier(const Thread& thread, const void* pc) {
  static const void* last[2];
  static unsigned last_image;
  const Barrier& b = block.barrier;
  if (last[0] == pc && last[1] == b.pc && last_image == block.image->id) return;
  std::string here = source_place(*block.image, pc), there = source_place(*block.image, b.pc);
  if (here != there) {
    fail(719, &thread, pc, "divergent barrier", "waits at this __syncthreads while %s waits at the one at %s", name_of(block.threads[b.first]).c_str(), there.c_str());
  }
  last[0] = pc;
  last[1] = b.pc;
  last_image = block.image->id;
}

}  // namespace gridstride::findings
