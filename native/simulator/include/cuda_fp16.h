#error "the simulated device has no <cuda_fp16.h>: keep what needs it behind #if !defined(GRIDSTRIDE_SIMULATOR)"
