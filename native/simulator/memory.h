// Device memory as the executor and the checker see it: which allocation an address lies in, which of
// its bytes have been written, and which ranges one launch touched.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace gridstride {

enum class MemoryKind : uint8_t { DEVICE, MANAGED, PINNED, MODULE };  // MODULE: the variables of an image

// A live or freed piece of memory that kernels may, or might once, use.
struct Allocation {
  uintptr_t base = 0;
  size_t bytes = 0;
  uint64_t id = 0;  // counts from 1 in order of allocation; messages say #id
  MemoryKind kind = MemoryKind::DEVICE;
  int device = 0;
  const char* made_by = "";   // the call, e.g. "cuMemAlloc_v2"
  const char* freed_by = "";  // the call, for freed ranges

  // One bit a byte, 1 = written since it was allocated. Empty: not followed, every byte counts as written.
  std::vector<uint64_t> written;

  uintptr_t end() const { return base + bytes; }
  bool contains(uintptr_t p) const { return p - base < bytes; }
};

// The live allocation that holds the byte at p, or null. Valid until the next call that frees it.
const Allocation* find_allocation(const void* p);
// The freed range (kept aside for a while) that holds p, or null.
const Allocation* find_freed(const void* p);
// "0x7f.. (byte 68 of allocation #3, 64 bytes, cuMemAlloc_v2)", "... of freed allocation #3 ...", "... 4 bytes past
// the end of allocation #3 ...", or "... in no allocation".
std::string describe_address(const void* p);

// Marks [p, p + bytes) as written; a no-op where the allocation is not followed.
void mark_written(const Allocation& a, uintptr_t p, size_t bytes);
// The first byte of [p, p + bytes) that has not been written, or 0 if all have.
uintptr_t first_unwritten(const Allocation& a, uintptr_t p, size_t bytes);

// What one launch read and wrote in global memory, in words of 4 bytes. The checker calls note() on every global access
// of a launch whose Launch::accesses is not null; the driver compares the sets of launches that nothing orders.
class AccessSet {
 public:
  struct Touched {
    const Allocation* allocation;
    uint64_t id;
    uintptr_t base;
    size_t words;
    std::vector<uint64_t> read, written;
  };

  void note(const Allocation& a, uintptr_t p, size_t bytes, bool write) {
    if (last_ == nullptr || last_->id != a.id) last_ = &touched(a);
    size_t first = (p - a.base) / 4, end = (p - a.base + bytes + 3) / 4;
    std::vector<uint64_t>& bits = write ? last_->written : last_->read;
    for (size_t w = first; w < end; w++) bits[w / 64] |= uint64_t{1} << (w % 64);
  }

  const std::vector<Touched*>& all() const { return all_; }
  AccessSet() = default;
  AccessSet(const AccessSet&) = delete;
  AccessSet& operator=(const AccessSet&) = delete;
  ~AccessSet();

 private:
  Touched& touched(const Allocation& a);
  std::vector<Touched*> all_;
  Touched* last_ = nullptr;
};

}  // namespace gridstride
