// Device and pinned memory: one reserved range of addresses, allocations with gaps between them, late reuse.
#include "memory.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <deque>
#include <map>

#include "event.h"
#include "graph.h"
#include "pool.h"
#include "state.h"
#include "work.h"

namespace gridstride {

namespace {

constexpr size_t RANGE = size_t{1} << 39;  // 512 GiB of addresses; memory only where touched
constexpr size_t ALIGN = 512;              // as cuMemAlloc on cards
constexpr size_t GAP = 512;                // never given out, between any two allocations
constexpr size_t PAGE = 4096;
constexpr size_t LARGE = 64 * 1024;    // from here on in pages of its own
constexpr unsigned char FRESH = 0xFF;  // NaN as float, -1 as integer

uintptr_t range_base = 0, range_next = 0;
auto& live = *new std::map<uintptr_t, std::unique_ptr<Allocation>>;  // by base
auto& gone = *new std::map<uintptr_t, std::unique_ptr<Allocation>>;  // freed, not given out again yet
auto& waiting = *new std::map<int, std::deque<uintptr_t>>;           // freed ranges by size class, oldest first
uint64_t next_id = 1;

// The allocation found last for an address; a page each. The checker asks for every access.
constexpr size_t CACHED = 256;
Allocation* cache[CACHED];

Allocation*& cached(uintptr_t p) { return cache[(p / PAGE) % CACHED]; }

void forget_cached() { std::fill(std::begin(cache), std::end(cache), nullptr); }

// Sizes are rounded up to one of four steps between powers of two, or thereabouts, so that freed ranges fit again; all
// are multiples of the alignment, and so all bases.
size_t class_bytes(size_t bytes, int* size_class) {
  size_t rounded = ALIGN;
  int index = 0;
  while (rounded < bytes) {
    size_t step = std::max(rounded / 4 / ALIGN * ALIGN, ALIGN);
    for (int i = 0; i < 4 && rounded < bytes; i++) {
      rounded += step;
      index++;
    }
  }
  *size_class = index;
  return rounded;
}

size_t ranges_kept(size_t bytes) { return bytes <= LARGE ? 256 : bytes <= (size_t{16} << 20) ? 32 : 2; }

void reserve_range() {
  if (range_base != 0) return;
  void* p = mmap(nullptr, RANGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (p == MAP_FAILED) {
    fail(CUDA_ERROR_OUT_OF_MEMORY,
         "cannot reserve %zu GiB of addresses (is there a limit on virtual memory, `ulimit -v`?)", RANGE >> 30);
  }
  madvise(p, RANGE, MADV_NOHUGEPAGE);
  range_base = reinterpret_cast<uintptr_t>(p);
  range_next = range_base + GAP;
}

// Free memory of this machine, in bytes; large if not known.
size_t machine_free() {
  size_t kib = SIZE_MAX >> 10;
  if (std::FILE* f = std::fopen("/proc/meminfo", "r")) {
    char line[128];
    while (std::fgets(line, sizeof line, f) != nullptr) {
      if (std::sscanf(line, "MemAvailable: %zu kB", &kib) == 1) break;
    }
    std::fclose(f);
  }
  return kib << 10;
}

uintptr_t take_range(size_t bytes, int* size_class) {
  reserve_range();
  size_t rounded = class_bytes(bytes, size_class);
  std::deque<uintptr_t>& freed = waiting[*size_class];
  if (freed.size() >= ranges_kept(rounded)) {
    uintptr_t base = freed.front();
    freed.pop_front();
    gone.erase(base);
    return base;
  }
  uintptr_t base = range_next;
  if (rounded >= LARGE) base = (base + PAGE - 1) / PAGE * PAGE;
  if (base + rounded + GAP > range_base + RANGE) {
    if (freed.empty()) fail(CUDA_ERROR_OUT_OF_MEMORY, "the simulator's %zu GiB of addresses are used up", RANGE >> 30);
    base = freed.front();
    freed.pop_front();
    gone.erase(base);
    return base;
  }
  range_next = base + rounded + GAP;
  return base;
}

Allocation* find_in(std::map<uintptr_t, std::unique_ptr<Allocation>>& all, uintptr_t p) {
  auto after = all.upper_bound(p);
  if (after == all.begin()) return nullptr;
  Allocation* a = std::prev(after)->second.get();
  return a->contains(p) ? a : nullptr;
}

std::string name_of(const Allocation& a) {
  const char* what = a.kind == MemoryKind::MODULE                                       ? "module variables"
                     : a.kind == MemoryKind::PINNED || a.kind == MemoryKind::REGISTERED ? "pinned host memory"
                                                                                        : "allocation";
  return text("%s #%llu (%zu bytes, %s)", what, static_cast<unsigned long long>(a.id), a.bytes, a.made_by);
}

}  // namespace

Allocation* live_allocation(uintptr_t p) {
  Allocation*& known = cached(p);
  if (known != nullptr && known->contains(p)) return known;
  Allocation* a = find_in(live, p);
  if (a != nullptr) known = a;
  return a;
}

const Allocation* find_allocation(const void* p) { return live_allocation(reinterpret_cast<uintptr_t>(p)); }

const Allocation* find_freed(const void* p) { return find_in(gone, reinterpret_cast<uintptr_t>(p)); }

std::string describe_address(const void* p) {
  uintptr_t at = reinterpret_cast<uintptr_t>(p);
  if (at == 0) return "the null pointer";
  unsigned long long shown = at;
  if (const Allocation* a = find_allocation(p)) {
    return text("0x%llx (byte %zu of ", shown, static_cast<size_t>(at - a->base)) + name_of(*a) + ")";
  }
  if (const Allocation* a = find_freed(p)) {
    return text("0x%llx (byte %zu of ", shown, static_cast<size_t>(at - a->base)) + name_of(*a) +
           text(", freed by %s)", a->freed_by);
  }
  auto after = live.upper_bound(at);
  if (after != live.begin()) {
    const Allocation& before = *std::prev(after)->second;
    if (at - before.end() < GAP) {
      return text("0x%llx (%zu bytes past the end of ", shown, static_cast<size_t>(at - before.end())) +
             name_of(before) + ")";
    }
  }
  if (after != live.end() && after->first - at <= GAP) {
    return text("0x%llx (%zu bytes before ", shown, static_cast<size_t>(after->first - at)) + name_of(*after->second) +
           ")";
  }
  return text("0x%llx (in no allocation)", shown);
}

Allocation& allocate(Context& context, size_t bytes, MemoryKind kind, const char* made_by) {
  if (bytes == 0) fail(CUDA_ERROR_INVALID_VALUE, "0 bytes asked for");
  Device& device = *context.device;
  bool on_device = kind == MemoryKind::DEVICE || kind == MemoryKind::MANAGED;
  size_t charged = (bytes + ALIGN - 1) / ALIGN * ALIGN;
  if (on_device && (charged < bytes || charged > settings.memory - std::min(device.used, settings.memory))) {
    fail(CUDA_ERROR_OUT_OF_MEMORY, "%zu bytes asked for, %zu of %zu free on device %d", bytes,
         settings.memory - std::min(device.used, settings.memory), settings.memory, device.ordinal);
  }
  if (bytes >= (size_t{64} << 20)) {
    size_t available = machine_free();
    if (bytes > available) {
      fail(CUDA_ERROR_OUT_OF_MEMORY,
           "%zu bytes asked for; the simulated device would have them, but this machine has only %zu left", bytes,
           available);
    }
  }
  auto a = std::make_unique<Allocation>();
  a->base = take_range(bytes, &a->size_class);
  a->bytes = bytes;
  a->id = next_id++;
  a->kind = kind;
  a->device = device.ordinal;
  a->context = &context;
  a->made_by = made_by;
  std::memset(reinterpret_cast<void*>(a->base), FRESH, bytes);
  if (on_device) device.used += charged;
  if (settings.checked && kind == MemoryKind::DEVICE) {
    a->written.assign((bytes + 63) / 64, 0);  // the host writes other kinds unseen
  }
  Allocation& made = *a;
  live[made.base] = std::move(a);
  return made;
}

void release(Allocation& allocation, const char* freed_by) {
  forget_cached();
  auto at = live.find(allocation.base);
  std::unique_ptr<Allocation> a = std::move(at->second);
  live.erase(at);
  if (a->kind == MemoryKind::DEVICE || a->kind == MemoryKind::MANAGED) {
    device_at(a->device).used -= (a->bytes + ALIGN - 1) / ALIGN * ALIGN;
  }
  if (a->pool != nullptr) pool_freed(*static_cast<Pool*>(a->pool), a->bytes);
  a->freed_by = freed_by;
  a->written = {};
  if (a->bytes >= LARGE) {
    madvise(reinterpret_cast<void*>(a->base), a->bytes, MADV_DONTNEED);
  } else {
    std::memset(reinterpret_cast<void*>(a->base), FRESH, a->bytes);
  }
  waiting[a->size_class].push_back(a->base);
  uintptr_t base = a->base;
  gone[base] = std::move(a);
}

void adopt(Context& context, const void* base, size_t bytes, MemoryKind kind, const char* made_by) {
  auto a = std::make_unique<Allocation>();
  a->base = reinterpret_cast<uintptr_t>(base);
  a->bytes = bytes;
  a->id = next_id++;
  a->kind = kind;
  a->device = context.device->ordinal;
  a->context = &context;
  a->made_by = made_by;
  live[a->base] = std::move(a);
}

void disown(const void* base) {
  forget_cached();
  live.erase(reinterpret_cast<uintptr_t>(base));
}

void release_allocations(Context& context) {
  std::vector<Allocation*> mine;
  for (auto& [base, a] : live) {
    if (a->context == &context) mine.push_back(a.get());
  }
  for (Allocation* a : mine) {
    if (a->kind == MemoryKind::REGISTERED || a->kind == MemoryKind::MODULE) {
      disown(reinterpret_cast<void*>(a->base));
    } else {
      release(*a, "the destruction of its context");
    }
  }
}

long allocation_count() {
  return std::count_if(live.begin(), live.end(), [](const auto& e) {
    return e.second->kind == MemoryKind::DEVICE || e.second->kind == MemoryKind::MANAGED;
  });
}

long pinned_count() {
  return std::count_if(live.begin(), live.end(), [](const auto& e) {
    return e.second->kind == MemoryKind::PINNED || e.second->kind == MemoryKind::REGISTERED;
  });
}

// Memory that is there already counts as written: nobody followed it.
void start_checking() { settings.checked = true; }

void mark_all_written() {
  for (auto& [base, a] : live) mark_written(*a, a->base, a->bytes);
}

namespace {

void mark(const Allocation& allocation, uintptr_t p, size_t bytes, bool written) {
  std::vector<uint64_t>& bits = const_cast<Allocation&>(allocation).written;
  if (bits.empty() || bytes == 0) return;
  size_t from = p - allocation.base, to = from + bytes;
  for (size_t word = from / 64; word <= (to - 1) / 64; word++) {
    uint64_t mask = ~uint64_t{0};
    if (word == from / 64) mask &= ~uint64_t{0} << (from % 64);
    if (word == (to - 1) / 64) mask &= ~uint64_t{0} >> (63 - (to - 1) % 64);
    bits[word] = written ? bits[word] | mask : bits[word] & ~mask;
  }
}

}  // namespace

void mark_written(const Allocation& a, uintptr_t p, size_t bytes) { mark(a, p, bytes, true); }
void mark_unwritten(const Allocation& a, uintptr_t p, size_t bytes) { mark(a, p, bytes, false); }

uintptr_t first_unwritten(const Allocation& a, uintptr_t p, size_t bytes) {
  if (a.written.empty() || bytes == 0) return 0;
  size_t from = p - a.base, to = from + bytes;
  for (size_t word = from / 64; word <= (to - 1) / 64; word++) {
    uint64_t mask = ~uint64_t{0};
    if (word == from / 64) mask &= ~uint64_t{0} << (from % 64);
    if (word == (to - 1) / 64) mask &= ~uint64_t{0} >> (63 - (to - 1) % 64);
    uint64_t missing = ~a.written[word] & mask;
    if (missing != 0) return a.base + word * 64 + static_cast<size_t>(__builtin_ctzll(missing));
  }
  return 0;
}

uintptr_t AccessSet::conflict(const AccessSet& other, bool* ours_writes, bool* theirs_writes) const {
  for (const auto& [key, mine] : chunks_) {
    auto found = other.chunks_.find(key);
    if (found == other.chunks_.end()) continue;
    const Chunk& theirs = found->second;
    for (size_t i = 0; i < WORDS; i++) {
      uint64_t both = (mine.written[i] & (theirs.written[i] | theirs.read[i])) | (mine.read[i] & theirs.written[i]);
      if (both == 0) continue;
      int bit = __builtin_ctzll(both);
      *ours_writes = (mine.written[i] >> bit) & 1;
      *theirs_writes = (theirs.written[i] >> bit) & 1;
      return (key * (CHUNK / 4) + i * 64 + static_cast<size_t>(bit)) * 4;
    }
  }
  return 0;
}

}  // namespace gridstride
