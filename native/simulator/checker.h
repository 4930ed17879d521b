// Judges the accesses of checked kernels.
#pragma once

#include <cstddef>
#include <cstdint>

namespace gridstride::checker {

enum class Access : uint8_t { READ, WRITE, ATOMIC };

// An access by the running thread; pc is the return address of the instrumentation's call. Ends the
// launch if it is a bad one.
void judge(const void* at, size_t bytes, Access access, const void* pc);

// The same for a size that is known, 1, 2, 4, 8 or 16: what most accesses are.
template <unsigned BYTES, Access ACCESS>
void judge_fixed(const void* at, const void* pc);

}  // namespace gridstride::checker
