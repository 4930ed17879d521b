// File and line of an instruction.
#pragma once

#include <string>

#include "loaded_image.h"

namespace gridstride {

// "kernel.cu:12" for a return address within the image, "tile.cuh:7, called from kernel.cu:12" for
// code that was inlined; function + offset without debugging information.
std::string source_place(const Image& image, const void* return_address);

}  // namespace gridstride
