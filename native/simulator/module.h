// Images and their kernels.
#pragma once

#include <string>
#include <vector>

#include "include/image.h"
#include "state.h"

namespace gridstride {

struct Function {
  Module* module = nullptr;
  const GridstrideKernel* kernel = nullptr;
  std::vector<unsigned> offset;  // of each parameter in the packed buffer
  unsigned packed = 0;           // bytes up to the end of the last parameter
  unsigned packed_padded = 0;    // the same, rounded up to the largest alignment
  size_t static_shared = 0;
  size_t max_dynamic_shared = 0;
  std::string where() const;  // "kernel axpy_f32 (axpy.cu:12)"
};

struct Module {
  Context* context = nullptr;
  int file = -1;
  void* handle = nullptr;
  const GridstrideKernel* table = nullptr;
  bool checked = false;
  std::vector<std::unique_ptr<Function>> functions;
  std::vector<const void*> segments;
  std::vector<char> image;
};

void unload(Module& module);

}  // namespace gridstride
