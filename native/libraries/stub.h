// Stubs of a library's calls that are not simulated: they say so once and give the library's NOT_SUPPORTED.
#pragma once

int gridstride_library_unsupported(const char* name);

#define STUB(name) \
  extern "C" __attribute__((weak, visibility("default"))) int name() { return gridstride_library_unsupported(#name); }
