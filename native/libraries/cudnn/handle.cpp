// Handles, versions.
#include "call.h"

namespace gridstride::cudnn {

namespace {

// What gridstride_sim_count knows from the start.
const bool counted = [] {
  gridstride_library_count("cudnn_descriptors", 0);
  gridstride_library_count("cudnn_handles", 0);
  return true;
}();

}  // namespace

Handle& handle_of(Handle* handle) {
  Handle& h = given(handle, "the handle");
  library::check_context(h.context, BAD_PARAM);
  return h;
}

float factor(const float* at, const char* argument) {
  need(at, argument);
  if (library::on_device(at)) fail(BAD_PARAM, "%s is memory of the device, the host's expected", argument);
  return *at;
}

void enqueue(const Handle& handle, std::string description, std::vector<library::Range> ranges,
             std::function<void()> run) {
  library::check_stream(handle.stream, handle.context);
  library::enqueue(handle.stream,
                   {library::current_call, std::move(description), std::move(ranges), std::move(run)});
}

}  // namespace gridstride::cudnn

using namespace gridstride::cudnn;

LIBRARY_CALL cudnnCreate(Handle** out) {
  CALL
  need(out, "the place for the handle");
  *out = nullptr;
  auto handle = std::make_unique<Handle>();
  handle->context = gridstride::library::current_context();
  *out = live<Handle>().add(std::move(handle));
  END_CALL
}

LIBRARY_CALL cudnnDestroy(Handle* handle) {
  CALL
  destroy_object(handle);
  END_CALL
}

LIBRARY_CALL cudnnSetStream(Handle* handle, CUstream stream) {
  CALL
  Handle& h = handle_of(handle);
  gridstride::library::check_stream(stream, h.context);
  h.stream = stream;
  END_CALL
}

LIBRARY_CALL cudnnGetStream(Handle* handle, CUstream* out) {
  CALL
  need(out, "the place for the stream");
  *out = given(handle, "the handle").stream;
  END_CALL
}

LIBRARY_CALL cudnnGetProperty(int which, int* out) {
  CALL
  need(out, "the place for the value");
  if (which < 0 || which > 2) fail(BAD_PARAM, "property %d: 0, 1 and 2 are the parts of the version", which);
  int parts[] = {VERSION / 10000, VERSION / 100 % 100, VERSION % 100};
  *out = parts[which];
  END_CALL
}

LIBRARY_CALL cudnnQueryRuntimeError(Handle* handle, int* out, int mode, const void*) {
  CALL
  handle_of(handle);
  need(out, "the place for the status");
  if (mode < 0 || mode > 2) fail(BAD_PARAM, "mode %d is none of 0, 1, 2", mode);
  *out = SUCCESS;
  END_CALL
}

#define VERSION_CALL extern "C" __attribute__((visibility("default"))) size_t
VERSION_CALL cudnnGetVersion() { return VERSION; }
VERSION_CALL cudnnGetCudartVersion() { return CUDART_VERSION; }
VERSION_CALL cudnnGetMaxDeviceVersion() { return 900; }

LIBRARY_CALL cudnnGraphVersionCheck() { return SUCCESS; }
LIBRARY_CALL cudnnOpsVersionCheck() { return SUCCESS; }
LIBRARY_CALL cudnnCnnVersionCheck() { return SUCCESS; }
LIBRARY_CALL cudnnAdvVersionCheck() { return SUCCESS; }
