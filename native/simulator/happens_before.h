// Which accesses of one launch are ordered by barriers.
//
// Blocks are counted through all launches; within a block a clock ticks at each barrier. An access
// is stamped with block and clock, so whether a later one is ordered after it is a comparison with
// the clock at the last barrier that both threads took part in.
//
// __syncthreads orders a block, __syncwarp the lanes of its mask. Shuffles and votes order nothing,
// as CUDA says. Between blocks only __threadfence() followed by an atomic operation, seen by an
// atomic operation of the other block, orders.
#pragma once

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "block.h"

namespace gridstride {

// An access, or several alike that were not ordered among each other. 0 is none.
struct Stamp {
  // serial of the block: 32, clock: 16, who: 12, bytes of the word: 4
  uint64_t bits = 0;

  static constexpr unsigned LANES = 1024;        // + warp: several lanes of that warp
  static constexpr unsigned WARPS = 1024 + 32;   // lanes of several warps
  static constexpr unsigned BLOCKS = WARPS + 1;  // threads of several blocks
  static constexpr unsigned ATOMIC = 2048;       // + thread

  uint32_t serial() const { return static_cast<uint32_t>(bits >> 32); }
  unsigned clock() const { return static_cast<unsigned>(bits >> 16) & 0xffffu; }
  unsigned who() const { return static_cast<unsigned>(bits >> 4) & 0x7ffu; }
  bool atomic() const { return (bits >> 4 & ATOMIC) != 0; }
  unsigned bytes() const { return static_cast<unsigned>(bits) & 15u; }
  Stamp as(unsigned new_who) const { return {(bits & ~uint64_t{0xfff0}) | uint64_t{new_who} << 4}; }
};

class HappensBefore {
 public:
  void launch_begins();
  void block_begins(uint64_t linear);

  void block_barrier();
  void warp_barrier(unsigned warp, uint32_t mask, uint32_t alive);
  void fence() { fenced_ = true; }
  void atomic_at(uintptr_t address);  // in global memory

  Stamp stamp(unsigned thread, unsigned bytes, bool atomic) const {
    return {base_ | static_cast<uint64_t>(thread | (atomic ? Stamp::ATOMIC : 0)) << 4 | bytes};
  }
  // Accesses with smaller stamps are over for everybody: those before this launch; in the memory of
  // the block, those before its last __syncthreads.
  uint64_t launch_limit() const { return launch_limit_; }
  uint64_t block_limit() const { return block_limit_; }
  // Whether an earlier access is ordered before whatever `thread` does now.
  bool ordered(Stamp earlier, unsigned thread) const {
    if (earlier.serial() < launch_serial_) return true;
    if (earlier.who() == thread && earlier.serial() >= block_serial_) return true;
    return ordered_slowly(earlier, thread);
  }
  bool same_block(Stamp earlier) const { return earlier.serial() >= block_serial_ && earlier.who() != Stamp::BLOCKS; }
  bool same_launch(Stamp earlier) const { return earlier.serial() >= launch_serial_; }
  // Index of the block of a stamp of this launch.
  uint64_t block_of(Stamp s) const { return blocks_[s.serial() - launch_serial_]; }

  // The clock has been set back so often that shadow memory of old launches is worthless.
  static constexpr uint32_t LAST_SERIAL = 0xfffff000u;
  bool worn_out() const { return serial_ >= LAST_SERIAL; }
  void restart() { serial_ = 0; }

 private:
  bool ordered_slowly(Stamp earlier, unsigned thread) const;
  void tick();
  void next_serial();

  uint32_t serial_ = 0;         // of the running block
  uint32_t launch_serial_ = 1;  // first of this launch
  uint32_t block_serial_ = 1;   // first of this block (it gets another when the clock overflows)
  unsigned clock_ = 0;
  uint64_t base_ = 0;           // serial and clock, as in a Stamp
  uint64_t launch_limit_ = 0, block_limit_ = 0;
  unsigned block_clock_ = 0;    // at the last __syncthreads
  unsigned warp_clock_[MAX_THREADS / WARP_SIZE] = {};
  bool partial_[MAX_THREADS / WARP_SIZE] = {};             // a barrier of some lanes since
  uint16_t known_[MAX_THREADS][WARP_SIZE] = {};            // [thread][lane]: clock at the last common barrier; if partial_
  std::vector<uint64_t> blocks_;                           // index of the block, by serial - launch_serial_
  bool fenced_ = false;
  std::unordered_map<uintptr_t, std::vector<bool>> released_;  // by address: blocks (serial - launch_serial_)
  std::vector<bool> acquired_;                             // blocks that are ordered before the running one
};

extern HappensBefore happens_before;

}  // namespace gridstride
