#include "shadow.h"

#include <sys/mman.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>

namespace gridstride {

namespace {

// Zero, and only touched pages cost memory.
void* reserve_zero(size_t bytes) {
  void* p = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (p == MAP_FAILED) {
    std::fprintf(stderr, "gridstride: no memory for the checker (%zu bytes)\n", bytes);
    std::abort();
  }
  return p;
}

struct Cells {
  uint64_t id;
  Cell* cells;
  size_t bytes;
};

std::map<uintptr_t, Cells> of_allocations;  // by base

size_t words(uintptr_t base, size_t bytes) { return ((base + bytes + 3) >> 2) - (base >> 2); }

}  // namespace

Shadow shadow_of(const Allocation& a) {
  auto known = of_allocations.find(a.base);
  if (known != of_allocations.end() && (known->second.id != a.id || known->second.bytes < words(a.base, a.bytes) * sizeof(Cell))) {
    munmap(known->second.cells, known->second.bytes);
    of_allocations.erase(known);
    known = of_allocations.end();
  }
  if (known == of_allocations.end()) {
    size_t bytes = words(a.base, a.bytes) * sizeof(Cell);
    known = of_allocations.emplace(a.base, Cells{a.id, static_cast<Cell*>(reserve_zero(bytes)), bytes}).first;
  }
  Shadow s;
  s.space = Space::GLOBAL;
  s.base = s.low = a.base;
  s.bytes = a.bytes;
  s.cells = known->second.cells;
  if (!a.written.empty()) s.written = const_cast<uint64_t*>(a.written.data());
  s.allocation = &a;
  return s;
}

void drop_shadows(bool all) {
  for (auto i = of_allocations.begin(); i != of_allocations.end();) {
    const Allocation* a = all ? nullptr : find_allocation(reinterpret_cast<void*>(i->first));
    if (a != nullptr && a->id == i->second.id) {
      ++i;
      continue;
    }
    munmap(i->second.cells, i->second.bytes);
    i = of_allocations.erase(i);
  }
}

void SharedShadow::cover(uintptr_t base, size_t bytes) {
  base_ = base;
  if (bytes <= capacity_) return;
  drop();
  base_ = base;
  capacity_ = bytes;
  cells_ = static_cast<Cell*>(reserve_zero((bytes / 4 + 2) * sizeof(Cell)));
  written_ = static_cast<uint64_t*>(reserve_zero(bytes / 8 + 16));
  in_flight_ = static_cast<uint64_t*>(reserve_zero(bytes / 8 + 16));
}

void SharedShadow::drop() {
  if (cells_ != nullptr) {
    munmap(cells_, (capacity_ / 4 + 2) * sizeof(Cell));
    munmap(written_, capacity_ / 8 + 16);
    munmap(in_flight_, capacity_ / 8 + 16);
  }
  *this = SharedShadow{};
}

Shadow SharedShadow::part(Space space, uintptr_t base, size_t bytes) const {
  Shadow s;
  s.space = space;
  s.base = base_ + (base - base_) / 64 * 64;  // a whole word of bits
  s.low = base;
  s.bytes = bytes;
  s.cells = cells_ + ((s.base >> 2) - (base_ >> 2));
  s.written = written_ + (s.base - base_) / 64;
  s.in_flight = in_flight_ + (s.base - base_) / 64;
  return s;
}

void SharedShadow::forget(const Shadow& part) {
  size_t bytes = (part.low - part.base + part.bytes + 63) / 64 * 8;
  std::memset(part.written, 0, bytes);
  std::memset(part.in_flight, 0, bytes);
}

}  // namespace gridstride
