// What a library for the simulated device, such as libcublas, asks of it: work on streams that the device runs, orders, checks
// and captures as it does its own. The library is built with the device, so C++ types cross the border.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "api.h"

namespace gridstride::library {

enum class Access : uint8_t {
  READ,
  WRITE,   // every byte, without a look at what was there
  UPDATE,  // reads and writes
  SCRATCH  // a workspace: what the work leaves in it is nobody's
};

// A box of memory of the device: `depth` slices of `height` rows of `width` bytes. The place of the first byte of slice z,
// row y is at + z * slice + y * pitch.
struct Range {
  const char* role = "";  // "A", "the workspace"
  uintptr_t at = 0;
  Access access = Access::READ;
  size_t width = 0;
  size_t height = 1, pitch = 0;
  size_t depth = 1, slice = 0;

  bool reads() const { return access == Access::READ || access == Access::UPDATE; }
  bool writes() const { return access != Access::READ; }
  bool empty() const { return width == 0 || height == 0 || depth == 0; }
  // From the first byte to the one after the last.
  size_t reach() const { return empty() ? 0 : (depth - 1) * slice + (height - 1) * pitch + width; }
};

// A piece of work: a node of a graph when it is captured.
struct Job {
  const char* call = "";    // the library's function; lives for ever
  std::string description;  // "128 x 64 x 32, float32"
  std::vector<Range> ranges;
  // Plain loops on host addresses, which device pointers are here. Runs later, possibly often and under the driver's lock:
  // it must not fail, call the driver or the library, or refer to anything that may be gone by then.
  std::function<void()> run;
};

}  // namespace gridstride::library

// All of these give CUDA's code, and the reason of a failure in `why`.
extern "C" {
// A call of the library begins: counts and traces it. If gridstride_sim_fault wants it to fail, gives the code of CUDA, or, where
// the fault names this very call, 0 with the library's own status in `demanded`.
int gridstride_library_begin(const char* call, int* demanded, std::string* why);
// A call of the library has failed; the words become gridstride_sim_last_error().
void gridstride_library_failed(const char* call, const char* status_name, int status, const char* message);
// The number of the current context; 201 if there is none.
int gridstride_library_context(const char* call, uint64_t* number, std::string* why);
// 10 * major + minor of the current device.
int gridstride_library_capability();
// Whether the stream lives and belongs to that context.
int gridstride_library_stream(const char* call, CUstream stream, uint64_t context, std::string* why);
// Whether the range is memory of the device, alive and large enough.
int gridstride_library_range(const char* call, const gridstride::library::Range& range, std::string* why);
bool gridstride_library_on_device(const void* p);
// Memory of the library's own in the current context; not permitted while capturing, as on a card. Freeing waits for the
// device; it does nothing if the context, given by its number, has taken the memory with it.
int gridstride_library_allocate(const char* call, size_t bytes, void** out, std::string* why);
int gridstride_library_free(const char* call, void* p, uint64_t context, std::string* why);
// Puts the job behind what is in the stream.
int gridstride_library_enqueue(CUstream stream, gridstride::library::Job&& job, std::string* why);
// Things of a kind that live, for gridstride_sim_count.
void gridstride_library_count(const char* what, long change);
}
