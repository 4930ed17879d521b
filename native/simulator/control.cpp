// The functions beyond CUDA: settings, faults, counts, the last failure.
#include "control.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "graph.h"
#include "order.h"
#include "state.h"
#include "work.h"

namespace gridstride {

bool known_capability(int major, int minor);  // device.cpp
void seed_changed();                          // work.cpp

namespace {

// "1073741824", "512M", "2G".
size_t size_value(const std::string& value) {
  char* end = nullptr;
  errno = 0;
  unsigned long long n = std::strtoull(value.c_str(), &end, 10);
  std::string unit = end;
  int shift = unit.empty() ? 0 : unit == "K" ? 10 : unit == "M" ? 20 : unit == "G" ? 30 : -1;
  if (end == value.c_str() || errno != 0 || shift < 0 || value[0] == '-' || n > (SIZE_MAX >> shift)) {
    fail(CUDA_ERROR_INVALID_VALUE, "%s is no number of bytes (a whole number, with K, M or G if wanted)",
         value.c_str());
  }
  return static_cast<size_t>(n) << shift;
}

bool flag_value(const std::string& key, const std::string& value) {
  if (value == "1" || value == "true") return true;
  if (value == "0" || value == "false") return false;
  fail(CUDA_ERROR_INVALID_VALUE, "%s is 0 or 1, not %s", key.c_str(), value.c_str());
}

void no_context(const std::string& key) {
  if (handle_count(Handle::CONTEXT) > 0) {
    fail(CUDA_ERROR_NOT_PERMITTED, "%s cannot change while a context lives (%ld do)", key.c_str(),
         handle_count(Handle::CONTEXT));
  }
}

void set(const std::string& key, const std::string& value) {
  if (key == "devices") {
    no_context(key);
    size_t n = size_value(value);
    if (n > 64) fail(CUDA_ERROR_INVALID_VALUE, "at most 64 devices, not %zu", n);
    settings.devices = static_cast<int>(n);
  } else if (key == "memory") {
    size_t bytes = size_value(value);
    if (bytes == 0) fail(CUDA_ERROR_INVALID_VALUE, "a device has some memory");
    settings.memory = bytes;
  } else if (key == "compute_capability") {
    no_context(key);
    int major = 0, minor = 0;
    char rest = 0;
    if (std::sscanf(value.c_str(), "%d.%d%c", &major, &minor, &rest) != 2 || !known_capability(major, minor)) {
      fail(CUDA_ERROR_INVALID_VALUE, "compute capability %s is not known; 7.5, 8.0, 8.6, 8.9, 9.0, 10.0 and 12.0 are",
           value.c_str());
    }
    settings.major = major;
    settings.minor = minor;
  } else if (key == "driver_version") {
    int major = 0, minor = 0;
    char rest = 0;
    if (std::sscanf(value.c_str(), "%d.%d%c", &major, &minor, &rest) != 2 || major < 1 || major > 99 || minor < 0 ||
        minor > 9) {
      fail(CUDA_ERROR_INVALID_VALUE, "driver version %s is no CUDA version, such as 12.6", value.c_str());
    }
    settings.driver_version = 1000 * major + 10 * minor;
  } else if (key == "seed") {
    char* end = nullptr;
    errno = 0;
    unsigned long long n = std::strtoull(value.c_str(), &end, 10);
    if (end == value.c_str() || *end != '\0' || errno != 0) {
      fail(CUDA_ERROR_INVALID_VALUE, "%s is no seed (a whole number; 0 is program order)", value.c_str());
    }
    settings.seed = n;
    seed_changed();
  } else if (key == "checked") {
    if (flag_value(key, value)) {
      start_checking();
    } else {
      settings.checked = false;
    }
  } else if (key == "verbose") {
    settings.verbose = flag_value(key, value);
  } else if (key == "empty_launches") {
    settings.empty_launches = flag_value(key, value);
  } else {
    fail(CUDA_ERROR_INVALID_VALUE,
         "unknown setting %s; there are devices, memory, compute_capability, driver_version, seed, checked, "
         "verbose, empty_launches", key.c_str());
  }
}

long count(const std::string& what) {
  if (what == "allocations") return allocation_count();
  if (what == "pinned") return pinned_count();
  if (what == "modules") return handle_count(Handle::MODULE);
  if (what == "streams") return handle_count(Handle::STREAM);
  if (what == "events") return handle_count(Handle::EVENT);
  if (what == "graphs") return handle_count(Handle::GRAPH) + handle_count(Handle::EXEC);
  if (what == "pools") return handle_count(Handle::POOL);
  if (what == "contexts") return handle_count(Handle::CONTEXT);
  if (what == "pending") return pending_count();
  if (what == "unordered") return order_count();
  if (what == "launches") return launches_run();
  long of_libraries = library_count(what);
  return of_libraries >= 0 ? of_libraries : call_count(what);
}

}  // namespace

}  // namespace gridstride

using namespace gridstride;

#define EXPORTED extern "C" __attribute__((visibility("default")))

EXPORTED int gridstride_sim_set(const char* key, const char* value) {
  CALL(OTHER)
  if (key == nullptr || value == nullptr) fail(CUDA_ERROR_INVALID_VALUE, "the key or the value is null");
  set(key, value);
  END_CALL
}

EXPORTED int gridstride_sim_fault(const char* name, long nth, int code) {
  CALL(OTHER)
  if (name == nullptr || nth < 1) fail(CUDA_ERROR_INVALID_VALUE, "which call, and the how manieth from 1?");
  bool status = std::strncmp(name, "cublas", 6) == 0 || std::strncmp(name, "cudnn", 5) == 0;  // the library's own
  if (code <= 0 || (!status && code_name(code) == nullptr)) {
    fail(CUDA_ERROR_INVALID_VALUE, "%d is no code of a failure", code);
  }
  if (std::strncmp(name, "cu", 2) != 0 && !is_call_kind(name)) {
    fail(CUDA_ERROR_INVALID_VALUE, "%s is neither a call nor one of alloc, copy, launch, module, sync, library, any", name);
  }
  add_fault(name, nth, code);
  END_CALL
}

EXPORTED void gridstride_sim_clear_faults() {
  std::lock_guard<std::mutex> hold(driver_lock);
  clear_faults();
}

EXPORTED void gridstride_sim_start_trace() {
  std::lock_guard<std::mutex> hold(driver_lock);
  start_trace();
}

EXPORTED const char* gridstride_sim_end_trace() {
  thread_local std::string mine;
  std::lock_guard<std::mutex> hold(driver_lock);
  mine = end_trace();
  return mine.c_str();
}

EXPORTED const char* gridstride_sim_last_error() {
  thread_local std::string mine;
  std::lock_guard<std::mutex> hold(driver_lock);
  mine = last_failure_text();
  return mine.c_str();
}

EXPORTED long gridstride_sim_count(const char* what) {
  if (what == nullptr) return -1;
  std::lock_guard<std::mutex> hold(driver_lock);
  return count(what);
}

EXPORTED const char* gridstride_sim_limits() {
  return "The simulated device shows whether a program is right, not how it would fare on a card. It cannot show:\n"
         "- time: event times are the host's, occupancy knows no registers, bandwidth and caches do not exist;\n"
         "- rounding of tensor cores, fast-math, fused operations as nvcc picks them, flushed denormals;\n"
         "- the memory model: every write is seen at once, whatever fences and volatile say;\n"
         "- waiting between blocks (grid barriers, look-back): blocks run one after the other, so a spin never ends;\n"
         "- inline PTX and code under #if on the architecture: only what g++ compiles runs;\n"
         "- what NVIDIA's libraries make of an algorithm: libcublas and libcudnn are plain loops, in an order of their own;\n"
         "- clusters, TMA, wgmma, textures, surfaces, dynamic parallelism, cooperative launches, peer access, IPC;\n"
         "- registers, local memory and spills: nvcc reports those;\n"
         "- an index that leaves a shared variable for another of the same kernel through a pointer, or an array for another in one\n"
         "  allocation: AddressSanitizer's images find the former;\n"
         "- malloc and new in kernels: the checker takes their memory for foreign;\n"
         "- races that the order of one run hides from an unchecked image: use the checked one, and several seeds.\n"
         "In images without the checker, accesses out of bounds or of freed memory go unnoticed unless they leave all "
         "memory.\n";
}
