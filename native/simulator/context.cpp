// Contexts: primary and explicit ones, the stack of each thread, limits; and the table of handles.
#include <algorithm>

#include "event.h"
#include "graph.h"
#include "module.h"
#include "order.h"
#include "pool.h"
#include "state.h"
#include "work.h"

namespace gridstride {

namespace {

// Never destroyed, as all state: a JVM may call in while the process exits.
auto& handles = *new std::unordered_map<const void*, Handle>;
long counts[16];
uint64_t next_context = 1;
thread_local std::vector<Context*> stack;  // the last is current

Context& top() {
  if (!initialised) fail(CUDA_ERROR_NOT_INITIALIZED, "cuInit has not been called");
  if (stack.empty() || stack.back() == nullptr) fail(CUDA_ERROR_INVALID_CONTEXT, "this thread has no current context");
  Context& context = *stack.back();
  if (context.destroyed) {
    fail(CUDA_ERROR_CONTEXT_IS_DESTROYED, "the current context #%llu was destroyed",
         static_cast<unsigned long long>(context.id));
  }
  return context;
}

Context& make_context(Device& device, unsigned flags, bool primary) {
  auto* context = new Context;  // never deleted: a stale handle can be told from a good one for ever
  context->device = &device;
  context->flags = flags;
  context->primary = primary;
  context->id = next_context++;
  context->legacy.context = context;
  context->legacy.legacy = true;
  handle_made(context, Handle::CONTEXT);
  return *context;
}

// What is pending still runs; an error that only then comes to light is the call's.
void destroy(Context& context) {
  bool good = context.sticky == 0;
  run_all(&context);
  release_context(context);
  context.destroyed = true;
  counts[static_cast<int>(Handle::CONTEXT)]--;
  if (good) context.check();
}

Context& context_handle(CUcontext handle) {
  if (handle_kind(handle) != Handle::CONTEXT) {
    fail(CUDA_ERROR_INVALID_CONTEXT, "%p is no context", static_cast<void*>(handle));
  }
  if (handle->destroyed) {
    fail(CUDA_ERROR_CONTEXT_IS_DESTROYED, "context #%llu was destroyed", static_cast<unsigned long long>(handle->id));
  }
  return *handle;
}

}  // namespace

void Context::check() const {
  if (sticky != 0) fail(sticky, "%s [the context is of no more use; destroy it]", sticky_message.c_str());
}

Context& current_even_if_broken() { return top(); }

Context* current_if_any() { return stack.empty() || stack.back() == nullptr || stack.back()->destroyed ? nullptr : stack.back(); }

Context& current() {
  Context& context = top();
  context.check();
  return context;
}

void release_context(Context& context) {
  end_captures(context);
  forget_work(context);
  order_context_ended(context);
  while (!context.events.empty()) destroy_event(**context.events.begin());
  while (!context.streams.empty()) destroy_stream(**context.streams.begin());
  drop_stream_work(context.legacy);
  while (!context.modules.empty()) unload(**context.modules.begin());
  release_allocations(context);
}

void handle_made(const void* handle, Handle kind) {
  handles[handle] = kind;
  counts[static_cast<int>(kind)]++;
}

void handle_gone(const void* handle) {
  auto found = handles.find(handle);
  if (found == handles.end()) return;
  counts[static_cast<int>(found->second)]--;
  handles.erase(found);
}

Handle handle_kind(const void* handle) {
  auto found = handles.find(handle);
  return found == handles.end() ? Handle::NONE : found->second;
}

long handle_count(Handle kind) { return counts[static_cast<int>(kind)]; }

}  // namespace gridstride

using namespace gridstride;

CU_CALL cuCtxCreate_v2(CUcontext* out, unsigned flags, CUdevice device) {
  CALL(OTHER)
  Device& d = device_at(device);
  if (out == nullptr) fail(CUDA_ERROR_INVALID_VALUE, "no place for the handle");
  *out = &make_context(d, flags, false);
  stack.push_back(*out);
  END_CALL
}

CU_CALL cuCtxDestroy_v2(CUcontext context) {
  CALL(END)
  Context& c = context_handle(context);
  if (c.primary) fail(CUDA_ERROR_INVALID_CONTEXT, "a primary context is released with cuDevicePrimaryCtxRelease");
  if (!stack.empty() && stack.back() == &c) stack.pop_back();
  destroy(c);
  END_CALL
}

CU_CALL cuCtxGetCurrent(CUcontext* out) {
  CALL(OTHER)
  if (!initialised) fail(CUDA_ERROR_NOT_INITIALIZED, "cuInit has not been called");
  *out = stack.empty() ? nullptr : stack.back();
  END_CALL
}

CU_CALL cuCtxSetCurrent(CUcontext context) {
  CALL(OTHER)
  if (!initialised) fail(CUDA_ERROR_NOT_INITIALIZED, "cuInit has not been called");
  if (context != nullptr) context_handle(context);
  if (!stack.empty()) stack.pop_back();
  if (context != nullptr) stack.push_back(context);
  END_CALL
}

CU_CALL cuCtxPushCurrent_v2(CUcontext context) {
  CALL(OTHER)
  stack.push_back(&context_handle(context));
  END_CALL
}

CU_CALL cuCtxPopCurrent_v2(CUcontext* out) {
  CALL(OTHER)
  if (stack.empty()) fail(CUDA_ERROR_INVALID_CONTEXT, "this thread has no current context");
  if (out != nullptr) *out = stack.back();
  stack.pop_back();
  END_CALL
}

CU_CALL cuCtxGetDevice(CUdevice* out) {
  CALL(OTHER)
  *out = current_even_if_broken().device->ordinal;
  END_CALL
}

CU_CALL cuCtxGetFlags(unsigned* out) {
  CALL(OTHER)
  *out = current().flags;
  END_CALL
}

CU_CALL cuCtxGetId(CUcontext context, unsigned long long* out) {
  CALL(OTHER)
  *out = (context == nullptr ? current_even_if_broken() : context_handle(context)).id;
  END_CALL
}

CU_CALL cuCtxGetApiVersion(CUcontext context, unsigned* out) {
  CALL(OTHER)
  if (context != nullptr) context_handle(context);
  *out = 3020;
  END_CALL
}

CU_CALL cuCtxSynchronize() {
  CALL(SYNC)
  Context& context = current();
  refuse_while_capturing(context, "cuCtxSynchronize", true);
  synchronize_context(context);
  END_CALL
}

CU_CALL cuCtxGetStreamPriorityRange(int* least, int* greatest) {
  CALL(OTHER)
  current();
  if (least != nullptr) *least = 0;
  if (greatest != nullptr) *greatest = -5;
  END_CALL
}

CU_CALL cuCtxGetLimit(size_t* out, int which) {
  CALL(OTHER)
  Context& context = current();
  if (which < 0 || which >= 6) fail(CUDA_ERROR_UNSUPPORTED_LIMIT, "there is no limit %d", which);
  *out = context.limit[which];
  END_CALL
}

CU_CALL cuCtxSetLimit(int which, size_t value) {
  CALL(OTHER)
  Context& context = current();
  if (which < 0 || which >= 6) fail(CUDA_ERROR_UNSUPPORTED_LIMIT, "there is no limit %d", which);
  context.limit[which] = value;
  END_CALL
}

CU_CALL cuCtxGetCacheConfig(int* out) {
  CALL(OTHER)
  current();
  *out = 0;
  END_CALL
}

CU_CALL cuCtxSetCacheConfig(int) {
  CALL(OTHER)
  current();
  END_CALL
}

CU_CALL cuCtxGetSharedMemConfig(int* out) {
  CALL(OTHER)
  current();
  *out = 1;  // banks of four bytes
  END_CALL
}

CU_CALL cuCtxSetSharedMemConfig(int) {
  CALL(OTHER)
  current();
  END_CALL
}

CU_CALL cuCtxEnablePeerAccess(CUcontext peer, unsigned) {
  CALL(OTHER)
  current();
  context_handle(peer);
  fail(CUDA_ERROR_PEER_ACCESS_UNSUPPORTED, "simulated devices do not reach into each other's memory");
  END_CALL
}

CU_CALL cuDevicePrimaryCtxRetain(CUcontext* out, CUdevice device) {
  CALL(OTHER)
  Device& d = device_at(device);
  if (d.primary == nullptr) d.primary = &make_context(d, d.primary_flags, true);
  d.retained++;
  *out = d.primary;
  END_CALL
}

CU_CALL cuDevicePrimaryCtxRelease_v2(CUdevice device) {
  CALL(END)
  Device& d = device_at(device);
  if (d.retained == 0) fail(CUDA_ERROR_INVALID_CONTEXT, "device %d has no primary context to release", device);
  if (--d.retained == 0) {
    Context& context = *d.primary;
    d.primary = nullptr;
    destroy(context);
  }
  END_CALL
}

CU_CALL cuDevicePrimaryCtxReset_v2(CUdevice device) {
  CALL(OTHER)
  Device& d = device_at(device);
  if (d.primary != nullptr) {  // its handle stays good, empty and without the error
    release_context(*d.primary);
    d.primary->sticky = 0;
    d.primary->sticky_message.clear();
  }
  END_CALL
}

CU_CALL cuDevicePrimaryCtxSetFlags_v2(CUdevice device, unsigned flags) {
  CALL(OTHER)
  Device& d = device_at(device);
  d.primary_flags = flags;
  if (d.primary != nullptr) d.primary->flags = flags;
  END_CALL
}

CU_CALL cuDevicePrimaryCtxGetState(CUdevice device, unsigned* flags, int* active) {
  CALL(OTHER)
  Device& d = device_at(device);
  if (flags != nullptr) *flags = d.primary_flags;
  if (active != nullptr) *active = d.primary != nullptr;
  END_CALL
}

CU_CALL cuProfilerStart() { return CUDA_SUCCESS; }
CU_CALL cuProfilerStop() { return CUDA_SUCCESS; }
