// What the calls share: the devices, contexts, handles, and the frame in which every call runs.
#pragma once

#include <atomic>
#include <cstdarg>
#include <memory>
#include <mutex>
#include <new>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "api.h"
#include "memory.h"

namespace gridstride {

struct Work;
struct Capture;

// ---- Failures and the frame of a call --------------------------------------------------------

struct Failure {
  int code;
  std::string message;
};

[[noreturn]] void fail(int code, const char* format, ...) __attribute__((format(printf, 2, 3)));
std::string text(const char* format, ...) __attribute__((format(printf, 1, 2)));
const char* code_name(int code);  // "CUDA_ERROR_INVALID_VALUE", or null
bool is_sticky(int code);         // codes after which a context is of no more use

// What faults can be asked for by kind. END is a context's end, which nothing can refuse: it happens, and a fault is only
// reported.
enum class Kind : uint8_t { OTHER, ALLOC, COPY, LAUNCH, MODULE, SYNC, LIBRARY, END };

struct CallSite {
  CallSite(const char* name, Kind kind);
  const char* name;
  Kind kind;
  long count = 0;
  CallSite* next;
};

extern std::mutex driver_lock;
extern bool faults_armed, tracing;
extern thread_local bool in_host_function;
extern thread_local const CallSite* current_call;

CallSite& site_of(const char* name, Kind kind);  // that of a call that has none of its own; under the driver's lock
// The code that this call is to fail with, or 0; whether the fault names the call, not a kind.
int due_fault(const CallSite& site, bool* by_name = nullptr);
[[noreturn]] void fail_on_demand(const CallSite& site, int code);
void trace(const CallSite& site);
int failed(CallSite& site, const Failure& failure);
void failed(const std::string& words);  // becomes the last failure

// Runs the body of one call under the driver's lock; its failures become codes.
template <class Body>
int call(CallSite& site, Body&& body) {
  if (in_host_function) return CUDA_ERROR_NOT_PERMITTED;
  std::lock_guard<std::mutex> hold(driver_lock);
  const CallSite* outer = current_call;
  current_call = &site;
  int code = CUDA_SUCCESS;
  try {
    site.count++;
    if (tracing) trace(site);
    int due = faults_armed ? due_fault(site) : CUDA_SUCCESS;
    if (due != CUDA_SUCCESS && site.kind != Kind::END) fail_on_demand(site, due);
    code = body();
    if (due != CUDA_SUCCESS) fail_on_demand(site, due);
  } catch (const Failure& failure) {
    code = failed(site, failure);
  } catch (const std::bad_alloc&) {
    code = failed(site, {CUDA_ERROR_OUT_OF_MEMORY, "this machine has no more memory"});
  }
  current_call = outer;
  return code;
}

#define CALL(kind)                            \
  static CallSite site(__func__, Kind::kind); \
  return call(site, [&]() -> int {
#define END_CALL       \
  return CUDA_SUCCESS; \
  });

// ---- Settings ----------------------------------------------------------------------------------

struct Settings {
  int devices = 1;
  size_t memory = size_t{8} << 30;  // bytes a device
  int major = 9, minor = 0;
  int driver_version = 12060;  // 1000 * major + 10 * minor, as cuDriverGetVersion tells it
  uint64_t seed = 0;
  bool checked = false;
  bool verbose = false;
  bool empty_launches = false;
};
extern Settings settings;
uint64_t random_below(uint64_t bound);  // from the seed; 0 if bound is 0

// ---- Devices and contexts ------------------------------------------------------------------------

// A card's limits; see device.cpp for where they come from.
struct Limits {
  int major, minor, multiprocessors, threads_per_multiprocessor, blocks_per_multiprocessor;
  int shared_per_multiprocessor, shared_per_block_optin;
  int clock_khz, memory_clock_khz, bus_bits, l2_bytes;
};
const Limits& limits();

struct Device {
  int ordinal = 0;
  Context* primary = nullptr;
  int retained = 0;
  unsigned primary_flags = 0;
  size_t used = 0;  // bytes
  Pool* default_pool = nullptr;
};
Device& device_at(int ordinal);

struct Stream {
  Context* context = nullptr;
  unsigned flags = 0;
  int priority = 0;
  uint64_t id = 0;
  bool legacy = false;
  Work* last = nullptr;
  Capture* capture = nullptr;
  std::vector<GraphNode*> frontier;  // while capturing: what the next node depends on
  std::string name() const;
};

struct Context {
  Device* device = nullptr;
  bool primary = false, destroyed = false;
  unsigned flags = 0;
  uint64_t id = 0;
  int sticky = 0;
  std::string sticky_message;
  Stream legacy;
  std::set<Stream*> streams;
  std::vector<Stream*> blocking;  // those that order with the legacy stream
  std::set<Module*> modules;
  std::set<Event*> events;
  std::vector<Capture*> captures;
  size_t limit[8] = {1024, 1048576, 8388608, 2, 2048, 128, 0, 0};
  void check() const;  // fails with the sticky error
};

extern bool initialised;
Context& current();                      // fails: 3, 201, 709 or the sticky code
Context& current_even_if_broken();       // fails: 3, 201, 709
Context* current_if_any();
void release_context(Context& context);  // destroys all that belongs to it

// ---- Handles -----------------------------------------------------------------------------------------

enum class Handle : uint8_t { NONE, CONTEXT, MODULE, FUNCTION, STREAM, EVENT, GRAPH, NODE, EXEC, POOL };
void handle_made(const void* handle, Handle kind);
void handle_gone(const void* handle);
Handle handle_kind(const void* handle);
long handle_count(Handle kind);
template <class T>
T& checked_handle(T* handle, Handle kind, const char* what) {
  if (handle_kind(handle) != kind) {
    fail(CUDA_ERROR_INVALID_HANDLE, "%p is no %s, or one that was destroyed", static_cast<const void*>(handle), what);
  }
  return *handle;
}
Stream& stream_of(CUstream handle);  // 0 and 1 legacy, 2 the thread's own; of the current context

// ---- Memory that only the driver changes ---------------------------------------------------------

Allocation& allocate(Context& context, size_t bytes, MemoryKind kind, const char* made_by);
void release(Allocation& allocation, const char* freed_by);
Allocation* live_allocation(uintptr_t p);
void adopt(Context& context, const void* base, size_t bytes, MemoryKind kind, const char* made_by);  // memory of others
void disown(const void* base);
void release_allocations(Context& context);
void mark_all_written();
long allocation_count();
long pinned_count();
void start_checking();  // the checker learns of all memory

}  // namespace gridstride
