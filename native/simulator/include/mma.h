#error "the simulated device has no <mma.h>: keep what needs it behind #if !defined(GRIDSTRIDE_SIMULATOR)"
