// Stream capture: work becomes nodes of a graph instead of being run.
#include <algorithm>

#include "event.h"
#include "graph.h"

namespace gridstride {

namespace {

uint64_t next_capture = 1;
thread_local int thread_mode = CU_STREAM_CAPTURE_MODE_GLOBAL;

unsigned long long number(uint64_t n) { return n; }

Capture* find_capture(const Context& context, uint64_t id) {
  for (Capture* c : context.captures) {
    if (c->id == id) return c;
  }
  return nullptr;
}

void check_valid(const Capture& c) {
  if (c.invalidated) {
    fail(CUDA_ERROR_STREAM_CAPTURE_INVALIDATED, "capture #%llu was broken by an earlier error; end it", number(c.id));
  }
}

void close(Capture& c) {
  for (Stream* s : c.streams) {
    s->capture = nullptr;
    s->frontier.clear();
  }
  for (Event* e : c.context->events) {
    if (e->captured && e->capture_id == c.id) e->frontier.clear();
  }
  std::vector<Capture*>& all = c.context->captures;
  all.erase(std::find(all.begin(), all.end(), &c));
  delete &c;
}

// Is every node of `wanted` one of `ends`, or before one?
bool reached(const std::vector<GraphNode*>& ends, const std::vector<GraphNode*>& wanted) {
  std::set<const GraphNode*> seen;
  std::vector<const GraphNode*> todo(ends.begin(), ends.end());
  while (!todo.empty()) {
    const GraphNode* node = todo.back();
    todo.pop_back();
    if (!seen.insert(node).second) continue;
    todo.insert(todo.end(), node->after.begin(), node->after.end());
  }
  return std::all_of(wanted.begin(), wanted.end(), [&](const GraphNode* n) { return seen.count(n) != 0; });
}

}  // namespace

void capture_work(Stream& stream, Task& task) {
  Capture& c = *stream.capture;
  check_valid(c);
  GraphNode& node = add_node(*c.graph, std::move(task), stream.frontier);
  stream.frontier = {&node};
}

void capture_record(Stream& stream, Event& event) {
  check_valid(*stream.capture);
  event.captured = true;
  event.capture_id = stream.capture->id;
  event.frontier = stream.frontier;
}

void capture_wait(Stream& stream, Event& event) {
  if (!event.captured) {
    if (event.work == nullptr) {
      return;  // never recorded
    }
    stream.capture->invalidated = true;
    fail(CUDA_ERROR_STREAM_CAPTURE_ISOLATION, "%s is being captured, and event #%llu was recorded outside the capture",
         stream.name().c_str(), number(event.id));
  }
  Capture* c = find_capture(*event.context, event.capture_id);
  if (c == nullptr) {
    fail(CUDA_ERROR_CAPTURED_EVENT, "event #%llu was recorded in a capture that has ended", number(event.id));
  }
  if (stream.capture != nullptr && stream.capture != c) {
    c->invalidated = stream.capture->invalidated = true;
    fail(CUDA_ERROR_STREAM_CAPTURE_MERGE, "%s is being captured in #%llu, event #%llu in #%llu", stream.name().c_str(),
         number(stream.capture->id), number(event.id), number(c->id));
  }
  check_valid(*c);
  if (stream.legacy) {
    c->invalidated = true;
    fail(CUDA_ERROR_STREAM_CAPTURE_IMPLICIT, "the legacy default stream cannot take part in a capture");
  }
  if (stream.capture == nullptr) {
    stream.capture = c;
    stream.frontier.clear();
    c->streams.push_back(&stream);
  }
  for (GraphNode* node : event.frontier) {
    if (std::find(stream.frontier.begin(), stream.frontier.end(), node) == stream.frontier.end()) {
      stream.frontier.push_back(node);
    }
  }
}

void refuse_legacy(Stream& stream) {
  if (!stream.legacy) return;
  for (Capture* c : stream.context->captures) {
    for (const Stream* s : c->streams) {
      if ((s->flags & CU_STREAM_NON_BLOCKING) != 0) continue;
      c->invalidated = true;
      fail(CUDA_ERROR_STREAM_CAPTURE_IMPLICIT,
           "the legacy default stream waits for %s, which is being captured; use another stream, or make that one "
           "non-blocking",
           s->name().c_str());
    }
  }
}

void refuse_while_capturing(Context& context, const char* name, bool all) {
  if (context.captures.empty() || (!all && thread_mode == CU_STREAM_CAPTURE_MODE_RELAXED)) return;
  Capture* in_the_way = nullptr;
  for (Capture* c : context.captures) {
    bool mine = c->thread == std::this_thread::get_id();
    if (all || (mine && c->mode != CU_STREAM_CAPTURE_MODE_RELAXED) ||
        (thread_mode == CU_STREAM_CAPTURE_MODE_GLOBAL && c->mode == CU_STREAM_CAPTURE_MODE_GLOBAL)) {
      c->invalidated = true;
      in_the_way = c;
    }
  }
  if (in_the_way != nullptr) {
    fail(CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED, "%s is not permitted while %s is being captured; the capture is broken",
         name, in_the_way->origin->name().c_str());
  }
}

void refuse_on_capturing(Stream& stream, const char* what) {
  if (stream.capture == nullptr) return;
  stream.capture->invalidated = true;
  fail(CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED, "%s is being captured, which does not permit %s; the capture is broken",
       stream.name().c_str(), what);
}

void end_captures(Context& context) {
  while (!context.captures.empty()) {
    Capture& c = *context.captures.back();
    destroy_graph(*c.graph);
    close(c);
  }
}

void stream_leaves_capture(Stream& stream) {
  if (stream.capture == nullptr) return;
  Capture& c = *stream.capture;
  c.invalidated = true;
  c.streams.erase(std::find(c.streams.begin(), c.streams.end(), &stream));
  stream.capture = nullptr;
  if (c.origin == &stream) {
    destroy_graph(*c.graph);
    close(c);
  }
}

}  // namespace gridstride

using namespace gridstride;

CU_CALL cuStreamBeginCapture_v2(CUstream handle, int mode) {
  CALL(OTHER)
  Stream& stream = stream_of(handle);
  if (mode < 0 || mode > 2) fail(CUDA_ERROR_INVALID_VALUE, "unknown mode %d", mode);
  if (stream.legacy) fail(CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED, "the legacy default stream cannot be captured");
  if (stream.capture != nullptr) fail(401, "%s is being captured already", stream.name().c_str());
  auto* c = new Capture;
  c->id = next_capture++;
  c->context = stream.context;
  c->mode = mode;
  c->thread = std::this_thread::get_id();
  c->graph = &make_graph(true);
  c->origin = &stream;
  c->streams = {&stream};
  stream.capture = c;
  stream.frontier.clear();
  stream.context->captures.push_back(c);
  END_CALL
}

CU_CALL cuStreamEndCapture(CUstream handle, CUgraph* out) {
  CALL(OTHER)
  Stream& stream = stream_of(handle);
  if (out == nullptr) fail(CUDA_ERROR_INVALID_VALUE, "no place for the graph");
  *out = nullptr;
  if (stream.capture == nullptr) fail(401, "%s is not being captured", stream.name().c_str());
  Capture& c = *stream.capture;
  if (c.origin != &stream) {
    c.invalidated = true;
    fail(CUDA_ERROR_STREAM_CAPTURE_UNMATCHED, "the capture began in %s, not in %s", c.origin->name().c_str(),
         stream.name().c_str());
  }
  if (c.mode != CU_STREAM_CAPTURE_MODE_RELAXED && c.thread != std::this_thread::get_id()) {
    c.invalidated = true;
    fail(CUDA_ERROR_STREAM_CAPTURE_WRONG_THREAD, "the capture began in another thread");
  }
  Graph* graph = c.graph;
  uint64_t id = c.id;
  const Stream* unjoined = nullptr;
  for (const Stream* s : c.streams) {
    if (s != &stream && !reached(stream.frontier, s->frontier)) unjoined = s;
  }
  bool broken = c.invalidated;
  std::string forked = unjoined == nullptr ? "" : unjoined->name();
  close(c);
  if (broken || unjoined != nullptr) {
    destroy_graph(*graph);
    if (broken) fail(CUDA_ERROR_STREAM_CAPTURE_INVALIDATED, "capture #%llu was broken by an earlier error", number(id));
    fail(CUDA_ERROR_STREAM_CAPTURE_UNJOINED,
         "%s does not wait for the work that was captured in %s: record an event there and wait for it here",
         stream.name().c_str(), forked.c_str());
  }
  *out = graph;
  END_CALL
}

CU_CALL cuStreamIsCapturing(CUstream handle, int* out) {
  CALL(OTHER)
  Stream& stream = stream_of(handle);
  if (stream.legacy) refuse_legacy(stream);
  *out = stream.capture == nullptr     ? CU_STREAM_CAPTURE_STATUS_NONE
         : stream.capture->invalidated ? CU_STREAM_CAPTURE_STATUS_INVALIDATED
                                       : CU_STREAM_CAPTURE_STATUS_ACTIVE;
  END_CALL
}

CU_CALL cuStreamGetCaptureInfo_v2(CUstream handle, int* status, uint64_t* id, CUgraph* graph,
                                  const CUgraphNode** dependencies, size_t* count) {
  CALL(OTHER)
  Stream& stream = stream_of(handle);
  const Capture* c = stream.capture;
  *status = c == nullptr     ? CU_STREAM_CAPTURE_STATUS_NONE
            : c->invalidated ? CU_STREAM_CAPTURE_STATUS_INVALIDATED
                             : CU_STREAM_CAPTURE_STATUS_ACTIVE;
  if (c == nullptr) return CUDA_SUCCESS;
  if (id != nullptr) *id = c->id;
  if (graph != nullptr) *graph = c->graph;
  if (dependencies != nullptr) *dependencies = stream.frontier.data();
  if (count != nullptr) *count = stream.frontier.size();
  END_CALL
}

CU_CALL cuThreadExchangeStreamCaptureMode(int* mode) {
  CALL(OTHER)
  if (mode == nullptr || *mode < 0 || *mode > 2) fail(CUDA_ERROR_INVALID_VALUE, "unknown mode");
  std::swap(*mode, thread_mode);
  END_CALL
}
