#include "library.h"

#include <algorithm>
#include <cstdarg>

namespace gridstride::library {

namespace {

std::string words(const char* format, va_list arguments) {
  va_list again;
  va_copy(again, arguments);
  int length = std::vsnprintf(nullptr, 0, format, arguments);
  std::string out(length > 0 ? static_cast<size_t>(length) : 0, '\0');
  std::vsnprintf(out.data(), out.size() + 1, format, again);
  va_end(again);
  return out;
}

// Runs a step of the device's; its failure becomes the call's.
template <class Step>
void device(Step&& step) {
  std::string why;
  int code = step(&why);
  if (code != CUDA_SUCCESS) throw Failure{status_of(code), why};
}

using Bytes = std::pair<uintptr_t, uintptr_t>;  // from, to

bool share(const Bytes& a, const Bytes& b) { return a.first < b.second && b.first < a.second; }

Bytes bounds(const Range& r) { return {r.at, r.at + r.reach()}; }

std::vector<Bytes> rows(const Range& r) {
  std::vector<Bytes> all;
  for (size_t z = 0; z < r.depth; z++) {
    for (size_t y = 0; y < r.height; y++) {
      uintptr_t from = r.at + z * r.slice + y * r.pitch;
      all.emplace_back(from, from + r.width);
    }
  }
  std::sort(all.begin(), all.end());
  return all;
}

bool overlap(const Range& a, const Range& b) {
  if (a.empty() || b.empty() || !share(bounds(a), bounds(b))) return false;
  std::vector<Bytes> mine = rows(a), theirs = rows(b);
  for (size_t i = 0, j = 0; i < mine.size() && j < theirs.size();) {
    if (share(mine[i], theirs[j])) return true;
    mine[i].second <= theirs[j].second ? i++ : j++;
  }
  return false;
}

bool overlaps_itself(const Range& r) {
  bool apart = r.empty() || ((r.height == 1 || r.pitch >= r.width) &&
                             (r.depth == 1 || r.slice >= (r.height - 1) * r.pitch + r.width));
  if (apart) return false;
  std::vector<Bytes> all = rows(r);
  return std::adjacent_find(all.begin(), all.end(), share) != all.end();
}

}  // namespace

thread_local const char* current_call = nullptr;

void fail(int status, const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  std::string message = words(format, arguments);
  va_end(arguments);
  throw Failure{status, message};
}

std::string text(const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  std::string out = words(format, arguments);
  va_end(arguments);
  return out;
}

int failed(const Failure& failure) {
  gridstride_library_failed(current_call, status_name(failure.status), failure.status, failure.message.c_str());
  return failure.status;
}

void begin() {
  int demanded = 0;
  std::string why;
  int code = gridstride_library_begin(current_call, &demanded, &why);
  if (code != CUDA_SUCCESS) throw Failure{status_of(code), why};
  if (demanded != 0) throw Failure{demanded, why};
}

uint64_t current_context() {
  uint64_t number = 0;
  device([&](std::string* why) { return gridstride_library_context(current_call, &number, why); });
  return number;
}

void check_context(uint64_t made_in, int status) {
  uint64_t now = current_context();
  if (now == made_in) return;
  fail(status, "the handle was made in context #%llu, the current one is #%llu",
       static_cast<unsigned long long>(made_in), static_cast<unsigned long long>(now));
}

int capability() { return gridstride_library_capability(); }

void check_stream(CUstream stream, uint64_t context) {
  device([&](std::string* why) { return gridstride_library_stream(current_call, stream, context, why); });
}

void check_range(const Range& range) {
  device([&](std::string* why) { return gridstride_library_range(current_call, range, why); });
}

bool on_device(const void* p) { return gridstride_library_on_device(p); }

void* allocate(size_t bytes) {
  void* p = nullptr;
  device([&](std::string* why) { return gridstride_library_allocate(current_call, bytes, &p, why); });
  return p;
}

void release(void* p, uint64_t context) {
  device([&](std::string* why) { return gridstride_library_free(current_call, p, context, why); });
}

void enqueue(CUstream stream, Job&& job) {
  device([&](std::string* why) { return gridstride_library_enqueue(stream, std::move(job), why); });
}

void refuse_overlap(const std::vector<Range>& ranges, int status) {
  for (size_t i = 0; i < ranges.size(); i++) {
    if (ranges[i].writes() && overlaps_itself(ranges[i])) fail(status, "%s shares memory with itself", ranges[i].role);
    for (size_t j = 0; j < i; j++) {
      if (!(ranges[i].writes() || ranges[j].writes()) || !overlap(ranges[i], ranges[j])) continue;
      fail(status, "%s and %s share memory", ranges[j].role, ranges[i].role);
    }
  }
}

}  // namespace gridstride::library

// Tells the library from NVIDIA's.
extern "C" __attribute__((visibility("default"))) const int gridstride_simulated_library = 1;

// Stubs of calls that are not simulated.
int gridstride_library_unsupported(const char* name) {
  using namespace gridstride::library;
  return call(name, [&]() -> int {
    static auto& said = *new std::set<std::string>;
    static std::mutex lock;
    std::lock_guard<std::mutex> hold(lock);
    if (said.insert(name).second) {
      std::fprintf(stderr, "gridstride simulated device: %s is not simulated (%s)\n", name,
                   status_name(STATUS_UNSUPPORTED));
    }
    fail(STATUS_UNSUPPORTED, "not simulated");
  });
}
