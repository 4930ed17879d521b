#include "happens_before.h"

#include <algorithm>
#include <cstring>

namespace gridstride {

HappensBefore happens_before;

namespace {

void merge(std::vector<bool>& to, const std::vector<bool>& from) {
  if (to.size() < from.size()) to.resize(from.size());
  for (size_t i = 0; i < from.size(); i++) {
    if (from[i]) to[i] = true;
  }
}

}  // namespace

void HappensBefore::launch_begins() {
  launch_serial_ = serial_ + 1;
  launch_limit_ = static_cast<uint64_t>(launch_serial_) << 32;
  blocks_.clear();
  released_.clear();
}

void HappensBefore::next_serial() {
  serial_++;
  clock_ = 0;
  block_clock_ = 0;
  std::memset(warp_clock_, 0, sizeof warp_clock_);
  std::memset(partial_, 0, sizeof partial_);
  base_ = static_cast<uint64_t>(serial_) << 32;
  block_limit_ = base_;
}

void HappensBefore::block_begins(uint64_t linear) {
  next_serial();
  block_serial_ = serial_;
  blocks_.push_back(linear);
  fenced_ = false;
  acquired_.clear();
}

void HappensBefore::tick() {
  if (clock_ == 0xffff) {
    blocks_.push_back(blocks_.back());
    next_serial();
  }
  clock_++;
  base_ = static_cast<uint64_t>(serial_) << 32 | static_cast<uint64_t>(clock_) << 16;
}

void HappensBefore::block_barrier() {
  tick();
  block_clock_ = clock_;
  block_limit_ = base_;
  std::memset(partial_, 0, sizeof partial_);
}

void HappensBefore::warp_barrier(unsigned warp, uint32_t mask, uint32_t alive) {
  tick();
  if ((alive & ~mask) == 0) {
    warp_clock_[warp] = clock_;
    partial_[warp] = false;
    return;
  }
  auto* known = &known_[warp * WARP_SIZE];
  if (!partial_[warp]) {
    partial_[warp] = true;
    for (unsigned lane = 0; lane < WARP_SIZE; lane++) std::fill_n(known[lane], WARP_SIZE, static_cast<uint16_t>(warp_clock_[warp]));
  }
  uint16_t joined[WARP_SIZE] = {};
  for (uint32_t m = mask; m != 0; m &= m - 1) {
    auto lane = static_cast<unsigned>(__builtin_ctz(m));
    for (unsigned other = 0; other < WARP_SIZE; other++) joined[other] = std::max(joined[other], known[lane][other]);
  }
  for (uint32_t m = mask; m != 0; m &= m - 1) joined[__builtin_ctz(m)] = static_cast<uint16_t>(clock_);
  for (uint32_t m = mask; m != 0; m &= m - 1) std::memcpy(known[__builtin_ctz(m)], joined, sizeof joined);
}

void HappensBefore::atomic_at(uintptr_t address) {
  if (fenced_) {
    std::vector<bool>& blocks = released_[address];
    size_t self = serial_ - launch_serial_;
    if (blocks.size() <= self) blocks.resize(self + 1);
    blocks[self] = true;
    merge(blocks, acquired_);
  }
  auto known = released_.find(address);
  if (known != released_.end()) merge(acquired_, known->second);
}

bool HappensBefore::ordered_slowly(Stamp earlier, unsigned thread) const {
  unsigned who = earlier.who();
  if (earlier.serial() < block_serial_ || who == Stamp::BLOCKS) {
    size_t i = earlier.serial() - launch_serial_;
    return who != Stamp::BLOCKS && i < acquired_.size() && acquired_[i];
  }
  if (earlier.serial() < serial_) return true;
  if (earlier.clock() < block_clock_) return true;
  if (who == Stamp::WARPS) return false;
  unsigned warp = who >= Stamp::LANES ? who - Stamp::LANES : who / WARP_SIZE;
  if (warp != thread / WARP_SIZE) return false;
  if (earlier.clock() < warp_clock_[warp]) return true;
  if (!partial_[warp]) return false;
  // Who the several lanes were is not known: rather silent than wrong.
  return who >= Stamp::LANES || earlier.clock() < known_[thread][who % WARP_SIZE];
}

}  // namespace gridstride
