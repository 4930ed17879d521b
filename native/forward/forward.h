// A library that passes its calls on to a later version of itself, function for function: libcublas.so.12 to libcublas.so.13.
// JCuda's natives want the names and versions of CUDA 12; on a machine that has CUDA 13 alone the functions are there all the
// same, with the same arguments. The later library is opened at the first call. Each forwarding library defines:
#pragma once

#include <cstddef>

namespace gridstride::forward {

extern const char* const OWN;        // "libcublas.so.12"
extern const char* const TARGET;     // "libcublas.so.13"
extern const char* const COMPANION;  // how the names of libraries begin that the target opens itself
extern const int UNAVAILABLE;        // status of all calls where the target is not to be had
extern const int MISSING_FUNCTION;   // status of a function that the target lacks
extern const char* const TEXT_CALLS[];  // functions that give a string; null at the end

extern const char* const NAMES[];    // of the functions, in the order of their places in the table; made by CMake

}  // namespace gridstride::forward

extern "C" {
// Where calls go; null until the first one.
extern void* gridstride_forward_targets[];
// The place for function i, which is never null: where the target lacks it, something that says so and gives a status.
void* gridstride_forward_resolve(size_t i);
// Why calls cannot be passed on, or null if they can: the target is opened if it was not.
const char* gridstride_forward_problem();
// The file that calls go to, or null.
const char* gridstride_forward_target();
}
