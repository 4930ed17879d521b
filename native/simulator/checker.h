// What the checker has to be told about device memory, so that it can judge the accesses of kernels
// compiled with `simcc --checked`.
#pragma once

#include <cstddef>
#include <cstdint>

namespace gridstride::checker {

// From now on accesses are judged. Every allocation, past and future, lies in [base, base + bytes):
// address space reserved once, of which only touched pages cost memory. Allocations that exist
// already are to be reported with allocated() and written() right after. Calling again does nothing.
void start(const void* base, size_t bytes);
bool started();

// An allocation with its exact size. Between two allocations there must be a gap, 256 bytes or
// more, or an overrun is taken for a good access of the neighbour.
void allocated(const void* base, size_t bytes);
void freed(const void* base);

// The host (or a copy between devices) has written these bytes. Copies from device to device:
// written(to) if the source is set; see set().
void written(const void* at, size_t bytes);

// Whether every byte has been written since it was allocated; true if the checker is not started.
bool set(const void* at, size_t bytes);

}  // namespace gridstride::checker
