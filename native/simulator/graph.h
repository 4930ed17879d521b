// Graphs: nodes and edges, executable graphs, and the capture of streams.
#pragma once

#include <thread>

#include "work.h"

namespace gridstride {

struct GraphNode {
  Graph* graph = nullptr;
  int number = 0;
  Task task;
  std::vector<GraphNode*> after;   // dependencies
};

struct Graph {
  Context* context = nullptr;
  std::vector<GraphNode*> nodes;   // in order of creation
  int next_number = 0;
  bool owned = false;              // the child of a node; not to be destroyed by itself
  bool capturing = false;
};

// A stream capture: a graph under way.
struct Capture {
  uint64_t id = 0;
  int mode = 0;
  bool invalidated = false;
  std::thread::id thread;
  Graph* graph = nullptr;
  Stream* origin = nullptr;
  std::vector<Stream*> streams;
};

// The stream's next work, as a node of the graph that is being captured.
void capture_work(Stream& stream, Task& task);
// Fails with 906 if the stream is the legacy stream and a blocking stream is being captured.
void refuse_legacy(Stream& stream);
// Fails with 900 if a capture forbids the call to this thread; with `all`, if any stream of the context captures.
void refuse_while_capturing(Context& context, const char* call, bool all);
// Fails with 900, and breaks the capture, if the stream captures.
void refuse_on_capturing(Stream& stream, const char* what);
void capture_wait(Stream& stream, Event& event);
void capture_record(Stream& stream, Event& event);
void end_captures(Context& context);
void stream_leaves_capture(Stream& stream);

}  // namespace gridstride
