// Device memory: which allocation an address lies in, and which words one launch touched.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

namespace gridstride {

struct Context;

enum class MemoryKind : uint8_t { DEVICE, MANAGED, PINNED, REGISTERED, MODULE };  // MODULE: the variables of an image

// A live or freed piece of memory that kernels may, or once might, use.
struct Allocation {
  uintptr_t base = 0;
  size_t bytes = 0;
  uint64_t id = 0;  // counts from 1; messages say #id
  MemoryKind kind = MemoryKind::DEVICE;
  int device = 0;
  Context* context = nullptr;
  const char* made_by = "";   // the call, e.g. "cuMemAlloc_v2"
  const char* freed_by = "";  // the call, for freed ranges; set early while a stream-ordered free waits
  void* pool = nullptr;
  unsigned flags = 0;
  int size_class = 0;

  // One bit a byte, 1 = written since it was allocated. Empty: not followed, every byte counts as written.
  std::vector<uint64_t> written;

  uintptr_t end() const { return base + bytes; }
  bool contains(uintptr_t p) const { return p - base < bytes; }
};

// The live allocation that holds the byte at p, or null. Valid until it is freed.
const Allocation* find_allocation(const void* p);
// The freed range that held p, or null: addresses are used again late, so that a stale pointer can be told.
const Allocation* find_freed(const void* p);
// "0x7f.. (byte 68 of allocation #3, 64 bytes, cuMemAlloc_v2)", "... in freed allocation #3 ...", "... 4 bytes past
// the end of allocation #3 ..." or "... in no allocation".
std::string describe_address(const void* p);

// Marks [p, p + bytes) as written; nothing happens where the allocation is not followed.
void mark_written(const Allocation& a, uintptr_t p, size_t bytes);
// What was written there no longer counts.
void mark_unwritten(const Allocation& a, uintptr_t p, size_t bytes);
// The first byte of [p, p + bytes) that has not been written, or 0 if all have.
uintptr_t first_unwritten(const Allocation& a, uintptr_t p, size_t bytes);

// The words of 4 bytes that one launch read and wrote in device memory. The checker calls note() on every global access
// of a launch whose Launch::accesses is not null; the driver compares launches that nothing orders.
class AccessSet {
 public:
  static constexpr size_t CHUNK = 1 << 16, WORDS = CHUNK / 4 / 64;
  struct Chunk {
    uint64_t read[WORDS] = {}, written[WORDS] = {};
  };

  void note(const Allocation&, uintptr_t p, size_t bytes, bool write) { note(p, bytes, write); }
  void note(uintptr_t p, size_t bytes, bool write) {
    for (uintptr_t w = p / 4, end = (p + bytes + 3) / 4; w < end; w++) {
      uintptr_t key = w / (CHUNK / 4);
      if (last_ == nullptr || key != last_key_) {
        last_ = &chunks_[key];
        last_key_ = key;
      }
      size_t i = w % (CHUNK / 4);
      (write ? last_->written : last_->read)[i / 64] |= uint64_t{1} << (i % 64);
    }
  }

  // The first address that both touch and at least one writes, or 0; says in `theirs` and `ours` who writes.
  uintptr_t conflict(const AccessSet& other, bool* ours_writes, bool* theirs_writes) const;
  bool empty() const { return chunks_.empty(); }

 private:
  std::unordered_map<uintptr_t, Chunk> chunks_;
  Chunk* last_ = nullptr;
  uintptr_t last_key_ = 0;
};

}  // namespace gridstride
