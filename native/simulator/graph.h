// Graphs: nodes and edges, executable graphs, and the capture of streams.
#pragma once

#include <thread>

#include "work.h"

namespace gridstride {

struct GraphNode {
  Graph* graph = nullptr;
  int number = 0;  // in the graph, from 0 in order of creation
  Task task;
  std::vector<GraphNode*> after;        // dependencies
  const GraphNode* original = nullptr;  // in a clone: what it was made from
  std::vector<void*> places;            // of the kernel's arguments, as cuGraphKernelNodeGetParams gives them
};

struct Graph {
  std::vector<GraphNode*> nodes;  // in order of creation
  int next_number = 0;
  bool named = true;   // has handles: not so the inner copy of an executable graph
  bool owned = false;  // belongs to a node
};

// One step of a launch: a node of the copy, and the steps before it.
struct Step {
  GraphNode* node = nullptr;  // null: joins others
  std::vector<int> after;
  bool last = true;  // nothing follows it
};

struct GraphExec {
  Context* context = nullptr;
  Graph* copy = nullptr;     // what is launched; later changes to the graph do not show
  std::vector<Step> steps;   // each after those it depends on
  Work* previous = nullptr;  // the end of the last launch: launches of one graph do not overlap
  std::vector<Work*> works;  // scratch
};

// A stream capture: a graph under way.
struct Capture {
  uint64_t id = 0;
  Context* context = nullptr;
  int mode = 0;
  bool invalidated = false;
  std::thread::id thread;
  Graph* graph = nullptr;
  Stream* origin = nullptr;
  std::vector<Stream*> streams;
};

Graph& make_graph(bool named);
void destroy_graph(Graph& graph);
Graph& clone_graph(const Graph& graph, bool named);
GraphNode& add_node(Graph& graph, Task&& task, const std::vector<GraphNode*>& after);

// ---- Capture (capture.cpp) ------------------------------------------------------------------

// The stream's next work, as a node of the graph that is being captured.
void capture_work(Stream& stream, Task& task);
// The stream waits for the event, one of them at least being captured.
void capture_wait(Stream& stream, Event& event);
void capture_record(Stream& stream, Event& event);
// Fails with 906 if the stream is the legacy stream and a blocking stream is being captured.
void refuse_legacy(Stream& stream);
// Fails with 900, and breaks the captures, if one forbids the call to this thread; with `all`, if any stream of the context captures.
void refuse_while_capturing(Context& context, const char* call, bool all);
// Fails with 900, and breaks the capture, if the stream captures.
void refuse_on_capturing(Stream& stream, const char* what);
void end_captures(Context& context);
void stream_leaves_capture(Stream& stream);

}  // namespace gridstride
