// A launch as a task: limits, arguments and pointers checked.
#pragma once

#include "work.h"

namespace gridstride {

void kernel_task(KernelTask& k, Function& f, const unsigned (&grid)[3], const unsigned (&block)[3], unsigned shared,
                 void** parameters, void** extra, const Context& context);

// The pointers among the arguments, once more.
void check_pointers(const KernelTask& k, const Context& context);

// In copy.cpp. False if there is nothing to copy.
bool copy_task(CopyTask& c, const CUDA_MEMCPY3D& p, const Context& context);
void fill_task(FillTask& f, CUdeviceptr to, size_t pitch, unsigned value, unsigned element, size_t width, size_t height,
               const Context& context);

}  // namespace gridstride
