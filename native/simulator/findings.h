// What the checker says when it has found something. All of these end the launch.
#pragma once

#include <cstddef>
#include <cstdint>

#include "block.h"
#include "checker.h"
#include "shadow.h"

namespace gridstride::findings {

[[noreturn]] void out_of_bounds(uintptr_t p, size_t bytes, checker::Access access, const void* pc);
// Returns if the memory is shared: the finding is postponed until the end of the block.
void unset(const Shadow& s, uintptr_t p, const void* pc);
[[noreturn]] void copy_not_awaited(const Shadow& s, uintptr_t p, unsigned bytes, checker::Access access, const void* pc);
[[noreturn]] void copy_not_to_shared(uintptr_t p, const void* pc);
// The running thread against an earlier access.
[[noreturn]] void race(const Shadow& s, uintptr_t p, checker::Access access, const void* pc, Stamp earlier, bool earlier_writes, uint32_t earlier_pc);
[[noreturn]] void barrier_after_exit(const Thread& waiting, const void* pc, const Thread* exited = nullptr);
// Returns if both barriers are the same line of the source (the compiler may double code).
void check_same_barrier(const Thread& thread, const void* pc);

}  // namespace gridstride::findings
