#include "harness.h"

#include <dlfcn.h>

#include <cstdio>
#include <cstdlib>
#include <map>

#include "../simulator/memory.h"

// The driver's memory.h, for the arrays of the harness.
namespace gridstride {

namespace {

struct Piece {
  Allocation allocation;
  std::unique_ptr<unsigned char[]> storage;
  bool live = true;
};

std::map<uintptr_t, Piece> pieces;
uint64_t next_id = 1;

const Allocation* find(const void* p, bool live) {
  auto at = reinterpret_cast<uintptr_t>(p);
  auto after = pieces.upper_bound(at);
  if (after == pieces.begin()) return nullptr;
  Piece& piece = std::prev(after)->second;
  return piece.live == live && piece.allocation.contains(at) ? &piece.allocation : nullptr;
}

}  // namespace

const Allocation* find_allocation(const void* p) { return find(p, true); }
const Allocation* find_freed(const void* p) { return find(p, false); }

std::string describe_address(const void* p) {
  char text[160];
  auto at = reinterpret_cast<uintptr_t>(p);
  auto after = pieces.upper_bound(at);
  if (after == pieces.begin()) {
    std::snprintf(text, sizeof text, "%p (in no allocation)", p);
    return text;
  }
  const Piece& piece = std::prev(after)->second;
  const Allocation& a = piece.allocation;
  if (a.contains(at)) {
    std::snprintf(text, sizeof text, "%p (byte %zu of %sallocation #%lu, %zu bytes)", p, static_cast<size_t>(at - a.base), piece.live ? "" : "freed ",
                  static_cast<unsigned long>(a.id), a.bytes);
  } else {
    std::snprintf(text, sizeof text, "%p (%zu bytes past the end of allocation #%lu, %zu bytes)", p, static_cast<size_t>(at - a.end()),
                  static_cast<unsigned long>(a.id), a.bytes);
  }
  return text;
}

void mark_written(const Allocation& a, uintptr_t p, size_t bytes) {
  auto& bits = const_cast<Allocation&>(a).written;
  for (size_t i = p - a.base; i < p - a.base + bytes; i++) bits[i / 64] |= uint64_t{1} << (i % 64);
}

uintptr_t first_unwritten(const Allocation& a, uintptr_t p, size_t bytes) {
  for (size_t i = p - a.base; i < p - a.base + bytes; i++) {
    if ((a.written[i / 64] >> (i % 64) & 1u) == 0) return a.base + i;
  }
  return 0;
}

namespace test {

namespace {
constexpr size_t ROOM = 4096;
}

Harness::Harness(const std::string& image) {
  image_ = dlopen(image.find('/') == std::string::npos ? ("./" + image).c_str() : image.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (image_ == nullptr) {
    std::fprintf(stderr, "%s\n", dlerror());
    std::exit(1);
  }
}

Harness::~Harness() {
  forget_image(image_);
  dlclose(image_);
}

void* Harness::allocate_bytes(size_t bytes) {
  Piece piece;
  piece.storage = std::make_unique<unsigned char[]>(bytes + 2 * ROOM);
  auto base = (reinterpret_cast<uintptr_t>(piece.storage.get()) + ROOM) & ~uintptr_t{255};
  std::memset(reinterpret_cast<void*>(base), 0xff, bytes);
  piece.allocation.base = base;
  piece.allocation.bytes = bytes;
  piece.allocation.id = next_id++;
  piece.allocation.written.resize((bytes + 63) / 64);
  pieces.emplace(base, std::move(piece));
  return reinterpret_cast<void*>(base);
}

void Harness::free_bytes(void* at) { pieces.at(reinterpret_cast<uintptr_t>(at)).live = false; }

void Harness::written(const void* at, size_t bytes) { mark_written(*find_allocation(at), reinterpret_cast<uintptr_t>(at), bytes); }

bool Harness::checked() const { return *static_cast<const int*>(dlsym(image_, "gridstride_image_checked")) != 0; }

const GridstrideKernel* Harness::kernel(const std::string& name) const {
  for (auto* k = static_cast<const GridstrideKernel*>(dlsym(image_, "gridstride_image")); k->name != nullptr; k++) {
    if (name == k->name) return k;
  }
  return nullptr;
}

Outcome Harness::launch(const std::string& name, Extent grid, Extent block, size_t dynamic_shared, void** arguments) {
  Launch launch;
  launch.kernel = kernel(name);
  if (launch.kernel == nullptr) {
    std::fprintf(stderr, "no kernel %s\n", name.c_str());
    std::exit(1);
  }
  launch.image = image_;
  launch.grid = grid;
  launch.block = block;
  launch.dynamic_shared = dynamic_shared;
  launch.arguments = arguments;
  launch.seed = seed;
  launch.checked = listen && checked();
  return execute(launch);
}

bool succeeded(const Outcome& outcome) {
  if (outcome.code == 0) return true;
  std::printf("%d: %s\n", outcome.code, outcome.message.c_str());
  return false;
}

}  // namespace test
}  // namespace gridstride
