// Memory pools: stream-ordered allocation.
#pragma once

#include "state.h"

namespace gridstride {

struct Pool {
  Device* device = nullptr;
  bool is_default = false;
  bool destroyed = false;
  size_t max_bytes = 0, used = 0, high = 0, release_threshold = 0;
  long allocations = 0;
};

Pool& default_pool(Device& device);
void pool_freed(Pool& pool, size_t bytes);

}  // namespace gridstride
