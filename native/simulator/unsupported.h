// Stubs of driver calls that are not simulated.
#pragma once

// Says on the standard error stream, once a call, that it is not simulated; 801.
int gridstride_unsupported(const char* name);

#define STUB(name) \
  extern "C" __attribute__((weak, visibility("default"))) int name() { return gridstride_unsupported(#name); }
