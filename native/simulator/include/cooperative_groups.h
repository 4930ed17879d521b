#error "the simulated device has no <cooperative_groups.h>: keep what needs it behind #if !defined(GRIDSTRIDE_SIMULATOR)"
