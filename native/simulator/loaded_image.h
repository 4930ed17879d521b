// A host image that dlopen has loaded: its kernels, its shared memory, its code.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "include/image.h"

namespace gridstride {

// A `__shared__` array.
struct SharedVariable {
  std::string name;      // as written
  std::string function;  // that it is declared in, without namespaces; empty if in none
  size_t offset, bytes;  // within the static shared memory of the image
};

struct Image {
  unsigned id;  // never used again, though addresses are
  void* handle;
  const GridstrideKernel* kernels;
  bool checked;
  std::string path;
  uintptr_t bias;       // what the loader added to the file's addresses
  uintptr_t low, high;  // the loaded segments
  GridstrideShared* locate;  // fills in where shared memory lies for the calling host thread
  ptrdiff_t static_offset;   // from its anchor to the first byte of static shared memory
  size_t static_bytes;       // up to the end, dynamic shared memory in between included
  std::vector<SharedVariable> shared;  // by offset; empty without a symbol table
};

// The shared variables that a kernel can use: not those in the bodies of other kernels.
std::vector<SharedVariable> shared_of(const Image& image, const GridstrideKernel& kernel);

// Throws std::runtime_error if simcc has not made it.
Image* image_of(void* handle);

}  // namespace gridstride
