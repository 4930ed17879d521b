// cp.async: copies to shared memory that really arrive late, when they are waited for.

#include <cstring>

#include "block.h"
#include "checker_hooks.h"
#include "include/device_calls.h"

namespace gridstride {

void arrive_copies(Thread& thread, unsigned pending_groups) {
  // Group g has arrived if at most `pending_groups` newer ones have been committed.
  size_t done = 0;
  for (PendingCopy& copy : thread.copies) {
    if (copy.group + pending_groups >= thread.groups) break;
    std::memcpy(copy.to, copy.from, copy.valid);
    std::memset(static_cast<unsigned char*>(copy.to) + copy.valid, 0, copy.bytes - copy.valid);
    if (hooks::on) hooks::copy_arrives(thread, copy);
    done++;
  }
  thread.copies.erase(thread.copies.begin(), thread.copies.begin() + static_cast<ptrdiff_t>(done));
}

}  // namespace gridstride

using namespace gridstride;

void gridstride_sim_copy_async(void* to, const void* from, unsigned bytes, unsigned valid) {
  Thread& self = *block.current;
  const void* pc = __builtin_return_address(0);
  if (bytes != 4 && bytes != 8 && bytes != 16) {
    fail(719, &self, pc, "asynchronous copy of a bad size", "4, 8 or 16 bytes can be copied, not %u", bytes);
  }
  if (((reinterpret_cast<uintptr_t>(to) | (valid != 0 ? reinterpret_cast<uintptr_t>(from) : 0)) & (bytes - 1)) != 0) {
    fail(716, &self, pc, "misaligned address", "asynchronous copy of %u bytes from %p to %p", bytes, from, to);
  }
  PendingCopy copy{to, from, bytes, valid < bytes ? valid : bytes, self.groups, pc};
  if (hooks::on) hooks::copy_begins(self, copy);
  self.copies.push_back(copy);
}

void gridstride_sim_copy_async_commit() { block.current->groups++; }

void gridstride_sim_copy_async_wait(unsigned pending) { arrive_copies(*block.current, pending); }

void gridstride_sim_copy_async_wait_all() {
  block.current->groups++;
  arrive_copies(*block.current, 0);
}
