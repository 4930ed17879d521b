// Events.
#include "event.h"

#include "graph.h"
#include "work.h"

namespace gridstride {

namespace {

uint64_t next_event = 1;

Event& event_of(CUevent handle) {
  Event& e = checked_handle(handle, Handle::EVENT, "event");
  return e;
}

void not_captured(const Event& e) {
  if (e.captured) {
    fail(CUDA_ERROR_CAPTURED_EVENT, "event #%llu was last recorded in a stream that is being captured",
         static_cast<unsigned long long>(e.id));
  }
}

}  // namespace

void destroy_event(Event& e) {
  assign(e.work, nullptr);
  e.context->events.erase(&e);
  handle_gone(&e);
  delete &e;
}

}  // namespace gridstride

using namespace gridstride;

CU_CALL cuEventCreate(CUevent* out, unsigned flags) {
  CALL(OTHER)
  Context& context = current();
  if (flags > 7 || ((flags & CU_EVENT_INTERPROCESS) != 0 && (flags & CU_EVENT_DISABLE_TIMING) == 0)) {
    fail(CUDA_ERROR_INVALID_VALUE, "flags %u do not go together", flags);
  }
  auto* e = new Event;
  e->context = &context;
  e->flags = flags;
  e->id = next_event++;
  context.events.insert(e);
  handle_made(e, Handle::EVENT);
  *out = e;
  END_CALL
}

CU_CALL cuEventDestroy_v2(CUevent handle) {
  CALL(OTHER)
  current();
  destroy_event(event_of(handle));
  END_CALL
}

CU_CALL cuEventRecord(CUevent handle, CUstream stream_handle) {
  CALL(OTHER)
  Stream& s = stream_of(stream_handle);
  Event& e = event_of(handle);
  if (e.context != s.context) {
    fail(CUDA_ERROR_INVALID_HANDLE, "event #%llu and %s belong to different contexts",
         static_cast<unsigned long long>(e.id), s.name().c_str());
  }
  if (s.capture != nullptr) {
    capture_record(s, e);
    return CUDA_SUCCESS;
  }
  refuse_legacy(s);
  Work* record = new_work();
  record->task.kind = TaskKind::RECORD;
  record->task.event = &e;
  hold(record);
  try {
    submit(s, record);
  } catch (...) {
    drop(record);
    throw;
  }
  assign(e.work, record);
  drop(record);
  e.captured = false;
  e.frontier.clear();
  END_CALL
}

CU_CALL cuEventRecordWithFlags(CUevent handle, CUstream stream_handle, unsigned flags) {
  if (flags > 1) return CUDA_ERROR_INVALID_VALUE;
  return cuEventRecord(handle, stream_handle);
}

CU_CALL cuEventQuery(CUevent handle) {
  CALL(OTHER)
  current();
  Event& e = event_of(handle);
  not_captured(e);
  if (e.work == nullptr) return CUDA_SUCCESS;
  bool ready = e.work->done;
  synchronize(*e.context, e.work);  // by the next query it is ready
  return ready ? CUDA_SUCCESS : CUDA_ERROR_NOT_READY;
  END_CALL
}

CU_CALL cuEventSynchronize(CUevent handle) {
  CALL(SYNC)
  current();
  Event& e = event_of(handle);
  not_captured(e);
  if (e.work != nullptr) synchronize(*e.context, e.work);
  END_CALL
}

// Time on the host's clock while the simulator ran: a number, but nothing about cards.
CU_CALL cuEventElapsedTime(float* out, CUevent start_handle, CUevent end_handle) {
  CALL(OTHER)
  current();
  Event &start = event_of(start_handle), &end = event_of(end_handle);
  not_captured(start);
  not_captured(end);
  if (((start.flags | end.flags) & CU_EVENT_DISABLE_TIMING) != 0) {
    fail(CUDA_ERROR_INVALID_HANDLE, "an event was created without timing");
  }
  if (start.work == nullptr || end.work == nullptr) fail(CUDA_ERROR_INVALID_HANDLE, "an event was never recorded");
  if (!start.work->done || !end.work->done) return CUDA_ERROR_NOT_READY;
  *out = static_cast<float>(end.work->time - start.work->time);
  END_CALL
}
CU_CALL cuEventElapsedTime_v2(float* out, CUevent start, CUevent end) { return cuEventElapsedTime(out, start, end); }
