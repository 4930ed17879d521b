#include "source_place.h"

#include <dlfcn.h>

#include <cstdio>

namespace gridstride {

std::string source_place(const Image& image, const void* return_address) {
  auto address = reinterpret_cast<uintptr_t>(return_address) - 1;
  char text[64];
  Dl_info info;
  if (dladdr(reinterpret_cast<void*>(address), &info) != 0 && info.dli_sname != nullptr) {
    std::snprintf(text, sizeof text, "+0x%zx", static_cast<size_t>(address - reinterpret_cast<uintptr_t>(info.dli_saddr)));
    return std::string(info.dli_sname) + text;
  }
  std::snprintf(text, sizeof text, "image+0x%zx", static_cast<size_t>(address - image.bias));
  return text;
}

}  // namespace gridstride
