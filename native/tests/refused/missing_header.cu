#include <cooperative_groups.h>

extern "C" __global__ void nothing() {}
