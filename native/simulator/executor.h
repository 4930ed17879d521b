// Runs a kernel of a host image: one block at a time, one fiber per CUDA thread.
//
// Calls from several host threads are served one after the other. A failed launch leaves device
// memory as the kernel left it; the executor itself can be used again at once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "include/image.h"

namespace gridstride {

class AccessSet;  // memory.h

struct Extent {
  unsigned x = 1, y = 1, z = 1;
};

// The caller has checked the limits of the card, the launch bound and the arguments' sizes.
struct Launch {
  const GridstrideKernel* kernel = nullptr;
  void* image = nullptr;  // as dlopen returned it
  Extent grid, block;
  size_t dynamic_shared = 0;    // bytes
  void** arguments = nullptr;   // arguments[i] points to parameter i
  uint64_t seed = 0;            // order of blocks and threads; 0: program order
  bool checked = false;         // the image has the checker's instrumentation and it is to be heard
  AccessSet* accesses = nullptr;  // checked launches note here what they read and write
};

// What became of a launch.
struct Outcome {
  int code = 0;         // CUresult: 0, 700 illegal address, 710 assert, 716 misaligned, 719 launch failed
  std::string kind;     // a few words, e.g. "out-of-bounds write of global memory"; empty on success
  std::string message;  // all of it: kernel, kind, block, thread, address, file:line
};

Outcome execute(const Launch& launch);

// Bytes of `__shared__` arrays that are declared in the kernel's own body and in the functions that
// all kernels of its image share; dynamic shared memory is not in it.
size_t static_shared_bytes(void* image, const GridstrideKernel* kernel);

// To be called before dlclose.
void forget_image(void* image);

}  // namespace gridstride
