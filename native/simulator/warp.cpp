// Warp instructions: barriers, shuffles, votes, matches, reductions.

#include <cstring>

#include "block.h"
#include "checker_hooks.h"
#include "include/device_calls.h"

namespace gridstride {

namespace {

template <typename Operands>
Operands& operands(Post* posts, unsigned lane) {
  return *static_cast<Operands*>(posts[lane].operands);
}

template <typename F>
void each_lane(uint32_t mask, F f) {
  for (; mask != 0; mask &= mask - 1) f(static_cast<unsigned>(__builtin_ctz(mask)));
}

struct Shuffle {
  int kind;
  unsigned lane, width;
  uint64_t bits;
  uint64_t result;
};

// The lane that `lane` reads, as the PTX manual defines it; its own if that would leave the segment.
unsigned source(const Shuffle& s, unsigned lane) {
  unsigned first = lane & ~(s.width - 1), last = first + s.width - 1;
  switch (s.kind) {
    case GRIDSTRIDE_SHUFFLE_IDX:
      return first | (s.lane & (s.width - 1));
    case GRIDSTRIDE_SHUFFLE_UP:
      return s.lane > lane - first ? lane : lane - s.lane;
    case GRIDSTRIDE_SHUFFLE_DOWN:
      return s.lane > last - lane ? lane : lane + s.lane;
    default: {
      unsigned from = lane ^ (s.lane & 31u);
      return from > last ? lane : from;
    }
  }
}

void run_shuffle(Post* posts, uint32_t mask) {
  each_lane(mask, [&](unsigned lane) {
    auto& to = operands<Shuffle>(posts, lane);
    unsigned from = source(to, lane);
    if ((mask >> from & 1u) != 0) {
      to.result = operands<Shuffle>(posts, from).bits;
      return;
    }
    to.result = ~uint64_t{0};  // undefined on a card
    const Thread& reader = thread_of(posts, lane);
    if (hooks::on && (posts[lane].mask >> from & 1u) != 0 && reader.warp() * WARP_SIZE + from < block.count) {
      fail(719, &reader, posts[lane].pc, "warp instruction after an early exit", "lane %u reads from lane %u in %s, and that thread has ended", lane,
           from, posts[lane].name);
    }
  });
}

struct Vote {
  bool predicate;
  uint32_t result;
};

void run_vote(Post* posts, uint32_t mask) {
  uint32_t ballot = 0;
  each_lane(mask, [&](unsigned lane) { ballot |= static_cast<uint32_t>(operands<Vote>(posts, lane).predicate) << lane; });
  each_lane(mask, [&](unsigned lane) { operands<Vote>(posts, lane).result = ballot; });
}

uint32_t vote(const char* name, unsigned mask, int predicate, const void* pc) {
  Vote v{predicate != 0, 0};
  collective(name, run_vote, mask, &v, pc);
  return v.result;
}

struct Match {
  uint64_t value;
  uint32_t result;
};

void run_match(Post* posts, uint32_t mask) {
  each_lane(mask, [&](unsigned lane) {
    auto& m = operands<Match>(posts, lane);
    m.result = 0;
    each_lane(mask, [&](unsigned other) { m.result |= static_cast<uint32_t>(operands<Match>(posts, other).value == m.value) << other; });
  });
}

struct Reduce {
  int kind;
  uint32_t value;
  uint32_t result;
};

uint32_t combine(int kind, uint32_t a, uint32_t b) {
  switch (kind) {
    case GRIDSTRIDE_ADD: return a + b;
    case GRIDSTRIDE_MIN: return static_cast<int32_t>(a) < static_cast<int32_t>(b) ? a : b;
    case GRIDSTRIDE_MAX: return static_cast<int32_t>(a) > static_cast<int32_t>(b) ? a : b;
    case GRIDSTRIDE_UMIN: return a < b ? a : b;
    case GRIDSTRIDE_UMAX: return a > b ? a : b;
    case GRIDSTRIDE_AND: return a & b;
    case GRIDSTRIDE_OR: return a | b;
    default: return a ^ b;
  }
}

void run_reduce(Post* posts, uint32_t mask) {
  auto first = static_cast<unsigned>(__builtin_ctz(mask));
  uint32_t result = operands<Reduce>(posts, first).value;
  each_lane(mask & (mask - 1), [&](unsigned lane) {
    const auto& r = operands<Reduce>(posts, lane);
    result = combine(r.kind, result, r.value);
  });
  each_lane(mask, [&](unsigned lane) { operands<Reduce>(posts, lane).result = result; });
}

}  // namespace

}  // namespace gridstride

using namespace gridstride;

void gridstride_sim_syncwarp(unsigned mask) { collective("__syncwarp", nullptr, mask, nullptr, __builtin_return_address(0)); }

unsigned long long gridstride_sim_shuffle(int kind, unsigned mask, unsigned long long bits, int lane, int width) {
  static const char* const names[] = {"__shfl_sync", "__shfl_up_sync", "__shfl_down_sync", "__shfl_xor_sync"};
  const void* pc = __builtin_return_address(0);
  if (width < 1 || width > 32 || (width & (width - 1)) != 0) {
    fail(719, block.current, pc, "shuffle with a bad width", "%s: width is 1, 2, 4, 8, 16 or 32, not %d", names[kind], width);
  }
  Shuffle s{kind, static_cast<unsigned>(lane), static_cast<unsigned>(width), bits, 0};
  collective(names[kind], run_shuffle, mask, &s, pc);
  return s.result;
}

unsigned gridstride_sim_ballot(unsigned mask, int predicate) { return vote("__ballot_sync", mask, predicate, __builtin_return_address(0)); }

int gridstride_sim_all(unsigned mask, int predicate) {
  // Nobody votes against; lanes that have ended do not count.
  uint32_t ballot = vote("__all_sync", mask, predicate == 0, __builtin_return_address(0));
  return ballot == 0;
}

int gridstride_sim_any(unsigned mask, int predicate) { return vote("__any_sync", mask, predicate, __builtin_return_address(0)) != 0; }

unsigned gridstride_sim_match_any(unsigned mask, unsigned long long value) {
  Match m{value, 0};
  collective("__match_any_sync", run_match, mask, &m, __builtin_return_address(0));
  return m.result;
}

unsigned gridstride_sim_match_all(unsigned mask, unsigned long long value, int* predicate) {
  Match m{value, 0};
  collective("__match_all_sync", run_match, mask, &m, __builtin_return_address(0));
  const Warp& warp = block.warps[block.current->warp()];
  *predicate = m.result == (mask & warp.exists & ~warp.exited);
  return *predicate != 0 ? mask : 0;
}

unsigned gridstride_sim_reduce(int kind, unsigned mask, unsigned value) {
  Reduce r{kind, value, 0};
  collective("__reduce_sync", run_reduce, mask, &r, __builtin_return_address(0));
  return r.result;
}

// A card answers some set of lanes that run together; this one runs alone.
unsigned gridstride_sim_activemask() { return 1u << block.current->lane(); }
