// Streams.
#include "event.h"
#include "graph.h"
#include "work.h"

#include <algorithm>

namespace gridstride {

namespace {

uint64_t next_stream = 1;
thread_local std::unordered_map<Context*, Stream*> own_streams;  // the per-thread default streams

CUstream const LEGACY = reinterpret_cast<CUstream>(1);
CUstream const PER_THREAD = reinterpret_cast<CUstream>(2);

Stream& make_stream(Context& context, unsigned flags, int priority) {
  auto* s = new Stream;
  s->context = &context;
  s->flags = flags;
  s->priority = std::clamp(priority, -5, 0);
  s->id = next_stream++;
  context.streams.insert(s);
  if ((flags & CU_STREAM_NON_BLOCKING) == 0) context.blocking.push_back(s);
  return *s;
}

CUstream create(unsigned flags, int priority) {
  Context& context = current();
  if (flags > CU_STREAM_NON_BLOCKING) fail(CUDA_ERROR_INVALID_VALUE, "unknown flags %u", flags);
  Stream& s = make_stream(context, flags, priority);
  handle_made(&s, Handle::STREAM);
  return &s;
}

}  // namespace

std::string Stream::name() const {
  return legacy ? "the legacy default stream" : text("stream #%llu", static_cast<unsigned long long>(id));
}

Stream& stream_of(CUstream handle) {
  Context& context = current();
  if (handle == nullptr || handle == LEGACY) return context.legacy;
  if (handle == PER_THREAD) {
    Stream*& own = own_streams[&context];
    if (own == nullptr || context.streams.count(own) == 0) own = &make_stream(context, 0, 0);
    return *own;
  }
  Stream& s = checked_handle(handle, Handle::STREAM, "stream");
  if (s.context != &context) {
    if (s.context->destroyed) {
      fail(CUDA_ERROR_CONTEXT_IS_DESTROYED, "%s belongs to a destroyed context", s.name().c_str());
    }
    s.context->check();
  }
  return s;
}

void drop_stream_work(Stream& s) { assign(s.last, nullptr); }

void destroy_stream(Stream& s) {
  stream_leaves_capture(s);
  drop_stream_work(s);
  Context& context = *s.context;
  context.streams.erase(&s);
  context.blocking.erase(std::remove(context.blocking.begin(), context.blocking.end(), &s), context.blocking.end());
  handle_gone(&s);
  delete &s;
}

}  // namespace gridstride

using namespace gridstride;

CU_CALL cuStreamCreate(CUstream* out, unsigned flags) {
  CALL(OTHER)
  *out = create(flags, 0);
  END_CALL
}

CU_CALL cuStreamCreateWithPriority(CUstream* out, unsigned flags, int priority) {
  CALL(OTHER)
  *out = create(flags, priority);
  END_CALL
}

// What is pending in the stream still runs, as documented: whoever waits for it, or for the context, makes it run.
CU_CALL cuStreamDestroy_v2(CUstream handle) {
  CALL(OTHER)
  current();
  if (handle == nullptr || handle == LEGACY || handle == PER_THREAD) {
    fail(CUDA_ERROR_INVALID_HANDLE, "the default streams cannot be destroyed");
  }
  destroy_stream(checked_handle(handle, Handle::STREAM, "stream"));
  END_CALL
}

CU_CALL cuStreamSynchronize(CUstream handle) {
  CALL(SYNC)
  Stream& s = stream_of(handle);
  refuse_on_capturing(s, "cuStreamSynchronize");
  if (s.legacy) refuse_legacy(s);
  synchronize_stream(s);
  END_CALL
}

CU_CALL cuStreamQuery(CUstream handle) {
  CALL(OTHER)
  Stream& s = stream_of(handle);
  refuse_on_capturing(s, "cuStreamQuery");
  if (s.legacy) refuse_legacy(s);
  if (finished(s.last)) {
    synchronize_stream(s);
    return CUDA_SUCCESS;
  }
  // Not ready now; by the next time it is, so that a loop of queries ends.
  Work* last = s.last;
  hold(last);
  try {
    synchronize_stream(s);
  } catch (...) {
    drop(last);
    throw;
  }
  drop(last);
  return CUDA_ERROR_NOT_READY;
  END_CALL
}

CU_CALL cuStreamWaitEvent(CUstream handle, CUevent event_handle, unsigned flags) {
  CALL(OTHER)
  Stream& s = stream_of(handle);
  Event& event = checked_handle(event_handle, Handle::EVENT, "event");
  if (flags > 1) fail(CUDA_ERROR_INVALID_VALUE, "unknown flags %u", flags);
  if (s.capture != nullptr || event.captured) {
    capture_wait(s, event);
    return CUDA_SUCCESS;
  }
  if (event.work == nullptr) {
    return CUDA_SUCCESS;  // never recorded
  }
  refuse_legacy(s);
  Work* join = new_work();
  join->task.kind = TaskKind::EMPTY;
  wait_for(*join, event.work);
  submit(s, join);
  END_CALL
}

CU_CALL cuStreamGetPriority(CUstream handle, int* out) {
  CALL(OTHER)
  *out = stream_of(handle).priority;
  END_CALL
}

CU_CALL cuStreamGetFlags(CUstream handle, unsigned* out) {
  CALL(OTHER)
  *out = stream_of(handle).flags;
  END_CALL
}

CU_CALL cuStreamGetId(CUstream handle, unsigned long long* out) {
  CALL(OTHER)
  *out = stream_of(handle).id;
  END_CALL
}

CU_CALL cuStreamGetCtx(CUstream handle, CUcontext* out) {
  CALL(OTHER)
  *out = stream_of(handle).context;
  END_CALL
}
