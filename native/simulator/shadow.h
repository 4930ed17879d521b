// What the checker knows about memory: for each word the last accesses, for each byte whether it has
// been written and whether an asynchronous copy to it is under way.
#pragma once

#include <cstddef>
#include <cstdint>

#include "happens_before.h"
#include "memory.h"

namespace gridstride {

struct Cell {
  Stamp write, read;
  uint32_t write_pc, read_pc;  // return address within the image
};

enum class Space : uint8_t { GLOBAL, STATIC_SHARED, DYNAMIC_SHARED, PRIVATE };

// Shadow of a piece of memory.
struct Shadow {
  Space space = Space::PRIVATE;
  uintptr_t base = 0;             // where cells and bits begin to count
  uintptr_t low = 0;              // first good byte
  size_t bytes = 0;               // from there
  Cell* cells = nullptr;          // of the word at base / 4 * 4 and on; null for PRIVATE
  uint64_t* written = nullptr;    // a bit a byte; null: everything counts as written
  uint64_t* in_flight = nullptr;  // shared memory only
  const Allocation* allocation = nullptr;

  Cell& cell(uintptr_t p) const { return cells[(p >> 2) - (base >> 2)]; }
};

// `count` (at most 16) bits from bit i on.
inline unsigned get_bits(const uint64_t* bits, size_t i, unsigned count) {
  uint64_t v = bits[i / 64] >> (i % 64);
  if (i % 64 + count > 64) v |= bits[i / 64 + 1] << (64 - i % 64);
  return static_cast<unsigned>(v) & ((1u << count) - 1);
}

inline void set_bits(uint64_t* bits, size_t i, unsigned count) {
  uint64_t ones = (uint64_t{1} << count) - 1;
  bits[i / 64] |= ones << (i % 64);
  if (i % 64 + count > 64) bits[i / 64 + 1] |= ones >> (64 - i % 64);
}

inline void clear_bits(uint64_t* bits, size_t i, unsigned count) {
  uint64_t ones = (uint64_t{1} << count) - 1;
  bits[i / 64] &= ~(ones << (i % 64));
  if (i % 64 + count > 64) bits[i / 64 + 1] &= ~(ones >> (64 - i % 64));
}

// Shadow of a live allocation; made when it is first asked for. Stays valid until the launch ends.
Shadow shadow_of(const Allocation& allocation);

// Throws away the shadow of allocations that are gone; with `all`, of every one.
void drop_shadows(bool all);

// Shadow of the shared memory of a block; the same memory for each.
class SharedShadow {
 public:
  // For a range that all static and dynamic shared memory lies in.
  void cover(uintptr_t base, size_t bytes);
  // Nothing is written, nothing under way.
  void forget(const Shadow& part);
  Shadow part(Space space, uintptr_t base, size_t bytes) const;
  void drop();

 private:
  uintptr_t base_ = 0;
  size_t capacity_ = 0;
  Cell* cells_ = nullptr;
  uint64_t* written_ = nullptr;
  uint64_t* in_flight_ = nullptr;
};

}  // namespace gridstride
