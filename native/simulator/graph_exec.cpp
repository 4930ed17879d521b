// Executable graphs: instantiation, launches, changes of parameters.
#include <algorithm>
#include <cstring>

#include "event.h"
#include "graph.h"
#include "launch.h"

namespace gridstride {

namespace {

// Puts the nodes of a graph into `steps` so that each comes after its dependencies; child graphs are laid out in place.
// Returns the steps that follow nothing else of this graph must wait for: its ends.
std::vector<int> lay_out(Graph& graph, const std::vector<int>& entry, std::vector<Step>& steps) {
  std::unordered_map<const GraphNode*, std::vector<int>> done;
  std::vector<GraphNode*> left = graph.nodes;
  std::unordered_map<const GraphNode*, bool> followed;
  for (const GraphNode* node : graph.nodes) {
    for (const GraphNode* earlier : node->after) followed[earlier] = true;
  }
  std::vector<int> ends;
  while (!left.empty()) {
    std::vector<GraphNode*> later;
    for (GraphNode* node : left) {
      bool ready =
          std::all_of(node->after.begin(), node->after.end(), [&](const GraphNode* n) { return done.count(n) != 0; });
      if (!ready) {
        later.push_back(node);
        continue;
      }
      std::vector<int> after;
      for (const GraphNode* earlier : node->after) {
        after.insert(after.end(), done[earlier].begin(), done[earlier].end());
      }
      if (node->after.empty()) after = entry;
      std::vector<int> exits;
      if (node->task.kind == TaskKind::CHILD) exits = lay_out(*node->task.child, after, steps);
      if (exits.empty()) {
        Step step;
        step.node = node;
        step.after = after;
        steps.push_back(std::move(step));
        exits = {static_cast<int>(steps.size()) - 1};
      }
      if (!followed[node]) ends.insert(ends.end(), exits.begin(), exits.end());
      done[node] = std::move(exits);
    }
    if (later.size() == left.size()) {
      fail(CUDA_ERROR_INVALID_VALUE, "the graph has a cycle through node %d (%s)", left[0]->number,
           left[0]->task.describe().c_str());
    }
    left = std::move(later);
  }
  return ends;
}

void lay_out(GraphExec& exec) {
  exec.steps.clear();
  lay_out(*exec.copy, {}, exec.steps);
  for (const Step& step : exec.steps) {
    for (int earlier : step.after) exec.steps[static_cast<size_t>(earlier)].last = false;
  }
}

GraphExec& exec_of(CUgraphExec handle) { return checked_handle(handle, Handle::EXEC, "executable graph"); }

GraphNode* find_original(Graph& graph, const GraphNode* original) {
  for (GraphNode* node : graph.nodes) {
    if (node->original == original) return node;
    if (node->task.child != nullptr) {
      if (GraphNode* inner = find_original(*node->task.child, original)) return inner;
    }
  }
  return nullptr;
}

// The node of the executable graph that was made from the handle's.
GraphNode& node_in(GraphExec& exec, CUgraphNode handle, TaskKind kind, const char* what) {
  GraphNode& original = checked_handle(handle, Handle::NODE, "graph node");
  GraphNode* node = find_original(*exec.copy, &original);
  if (node == nullptr) {
    fail(CUDA_ERROR_INVALID_VALUE, "the executable graph was not made from the graph of node %d", original.number);
  }
  if (node->task.kind != kind) {
    fail(CUDA_ERROR_INVALID_VALUE, "node %d is no %s node, but: %s", node->number, what, node->task.describe().c_str());
  }
  return *node;
}

// Everything a node names must still be there.
void check_node(const GraphNode& node) {
  const Task& task = node.task;
  switch (task.kind) {
    case TaskKind::KERNEL:
      if (handle_kind(task.kernel.function) != Handle::FUNCTION) {
        fail(CUDA_ERROR_INVALID_HANDLE, "node %d: its kernel's module was unloaded", node.number);
      }
      check_pointers(task.kernel, *task.context);
      break;
    case TaskKind::LIBRARY: check_library(*task.library, *task.context); break;
    case TaskKind::COPY:
      if (!task.copy.to.host) {
        check_device_range(task.copy.to.base, 1, text("node %d: destination", node.number).c_str(), *task.context);
      }
      if (!task.copy.from.host) {
        check_device_range(task.copy.from.base, 1, text("node %d: source", node.number).c_str(), *task.context);
      }
      break;
    case TaskKind::FILL:
      check_device_range(task.fill.to, 1, text("node %d: destination", node.number).c_str(), *task.context);
      break;
    case TaskKind::RECORD:
    case TaskKind::WAIT:
      if (handle_kind(task.event) != Handle::EVENT) {
        fail(CUDA_ERROR_INVALID_HANDLE, "node %d: its event was destroyed", node.number);
      }
      break;
    default: break;
  }
}

void launch(GraphExec& exec, Stream& stream) {
  if (stream.capture != nullptr) {
    Task task;
    task.kind = TaskKind::CHILD;
    task.context = stream.context;
    task.child = &clone_graph(*exec.copy, true);
    task.child->owned = true;
    capture_work(stream, task);
    return;
  }
  refuse_legacy(stream);
  if (settings.empty_launches) {
    submit(stream, new_work());
    return;
  }
  for (const Step& step : exec.steps) check_node(*step.node);
  Work* start = new_work();
  start->task.context = stream.context;
  start->stream = stream.id;
  wait_for_stream(stream, *start);
  wait_for(*start, exec.previous);
  enqueue(start);
  Work* end = new_work();
  end->task.context = stream.context;
  end->stream = stream.id;
  exec.works.clear();
  for (const Step& step : exec.steps) {
    Work* work = new_work();
    work->task = step.node->task;
    work->task.child = nullptr;
    if (work->task.kind == TaskKind::CHILD) work->task.kind = TaskKind::EMPTY;
    work->stream = stream.id;
    work->node = step.node->number;
    if (step.after.empty()) wait_for(*work, start);
    for (int earlier : step.after) wait_for(*work, exec.works[static_cast<size_t>(earlier)]);
    if (work->task.kind == TaskKind::WAIT) wait_for(*work, work->task.event->work);
    enqueue(work);
    if (work->task.kind == TaskKind::RECORD) {
      assign(work->task.event->work, work);
      work->task.event->captured = false;
    }
    exec.works.push_back(work);
    if (step.last) wait_for(*end, work);
  }
  if (exec.steps.empty()) wait_for(*end, start);
  enqueue(end);
  assign(stream.last, end);
  assign(exec.previous, end);
  for (Work* work : exec.works) drop(work);
  drop(start);
  drop(end);
  limit_pending();
}

// Takes over the tasks of `graph`, which must have the same shape. Returns what differs, or an empty string.
std::string update(Graph& copy, const Graph& graph, const GraphNode** at) {
  if (copy.nodes.size() != graph.nodes.size()) {
    return text("%zu nodes instead of %zu", graph.nodes.size(), copy.nodes.size());
  }
  std::unordered_map<const GraphNode*, size_t> place;
  for (size_t i = 0; i < graph.nodes.size(); i++) place[graph.nodes[i]] = place[copy.nodes[i]] = i;
  for (size_t i = 0; i < graph.nodes.size(); i++) {
    const GraphNode &mine = *copy.nodes[i], &theirs = *graph.nodes[i];
    *at = &theirs;
    if (mine.task.kind != theirs.task.kind) return text("node %d has another type", theirs.number);
    std::vector<size_t> a, b;
    for (const GraphNode* n : mine.after) a.push_back(place[n]);
    for (const GraphNode* n : theirs.after) b.push_back(place[n]);
    std::sort(a.begin(), a.end());
    std::sort(b.begin(), b.end());
    if (a != b) return text("node %d has other dependencies", theirs.number);
    if (mine.task.kind == TaskKind::KERNEL && mine.task.context != theirs.task.context) {
      return text("node %d is of another context", theirs.number);
    }
    if (mine.task.child != nullptr) {
      std::string inner = update(*mine.task.child, *theirs.task.child, at);
      if (!inner.empty()) return inner;
    }
  }
  for (size_t i = 0; i < graph.nodes.size(); i++) {
    Graph* child = copy.nodes[i]->task.child;
    copy.nodes[i]->task = graph.nodes[i]->task;
    copy.nodes[i]->task.child = child;
    copy.nodes[i]->original = graph.nodes[i];
  }
  *at = nullptr;
  return {};
}

struct UpdateResult {
  int result;  // 0, or 1 for a failure
  CUgraphNode node, from;
};

void update_exec(CUgraphExec handle, CUgraph graph, UpdateResult* out) {
  GraphExec& exec = exec_of(handle);
  Graph& from = checked_handle(graph, Handle::GRAPH, "graph");
  const GraphNode* at = nullptr;
  std::string difference = update(*exec.copy, from, &at);
  if (out != nullptr) *out = {difference.empty() ? 0 : 1, const_cast<CUgraphNode>(at), nullptr};
  if (!difference.empty()) fail(CUDA_ERROR_GRAPH_EXEC_UPDATE_FAILURE, "the graphs differ: %s", difference.c_str());
}

CUgraphExec instantiate(CUgraph handle) {
  Context& context = current();
  Graph& graph = checked_handle(handle, Handle::GRAPH, "graph");
  auto exec = std::make_unique<GraphExec>();
  exec->context = &context;
  exec->copy = &clone_graph(graph, false);
  try {
    lay_out(*exec);
  } catch (...) {
    destroy_graph(*exec->copy);
    throw;
  }
  handle_made(exec.get(), Handle::EXEC);
  return exec.release();
}

}  // namespace

}  // namespace gridstride

using namespace gridstride;

CU_CALL cuGraphInstantiateWithFlags(CUgraphExec* out, CUgraph graph, unsigned long long flags) {
  CALL(OTHER)
  if (flags > 15) fail(CUDA_ERROR_INVALID_VALUE, "unknown flags %llu", flags);
  *out = instantiate(graph);
  END_CALL
}

CU_CALL cuGraphInstantiate_v2(CUgraphExec* out, CUgraph graph, CUgraphNode* bad, char* log, size_t room) {
  if (bad != nullptr) *bad = nullptr;
  if (log != nullptr && room > 0) *log = '\0';
  return cuGraphInstantiateWithFlags(out, graph, 0);
}

CU_CALL cuGraphExecDestroy(CUgraphExec handle) {
  CALL(OTHER)
  GraphExec& exec = exec_of(handle);
  assign(exec.previous, nullptr);
  destroy_graph(*exec.copy);
  handle_gone(&exec);
  delete &exec;
  END_CALL
}

CU_CALL cuGraphUpload(CUgraphExec handle, CUstream stream) {
  CALL(OTHER)
  exec_of(handle);
  stream_of(stream);
  END_CALL
}

CU_CALL cuGraphLaunch(CUgraphExec handle, CUstream stream_handle) {
  CALL(LAUNCH)
  Stream& stream = stream_of(stream_handle);
  GraphExec& exec = exec_of(handle);
  if (exec.context != stream.context) fail(CUDA_ERROR_INVALID_HANDLE, "the graph belongs to another context");
  launch(exec, stream);
  END_CALL
}

CU_CALL cuGraphExecKernelNodeSetParams_v2(CUgraphExec handle, CUgraphNode node_handle,
                                          const CUDA_KERNEL_NODE_PARAMS* p) {
  CALL(OTHER)
  Context& context = current();
  GraphNode& node = node_in(exec_of(handle), node_handle, TaskKind::KERNEL, "kernel");
  Function& f = checked_handle(p->func, Handle::FUNCTION, "kernel");
  kernel_task(node.task.kernel, f, {p->gridDimX, p->gridDimY, p->gridDimZ}, {p->blockDimX, p->blockDimY, p->blockDimZ},
              p->sharedMemBytes, p->kernelParams, p->extra, context);
  END_CALL
}

CU_CALL cuGraphExecMemcpyNodeSetParams(CUgraphExec handle, CUgraphNode node_handle, const CUDA_MEMCPY3D* p, CUcontext) {
  CALL(OTHER)
  GraphNode& node = node_in(exec_of(handle), node_handle, TaskKind::COPY, "memcpy");
  CopyTask copy;
  if (!copy_task(copy, *p, current())) fail(CUDA_ERROR_INVALID_VALUE, "a copy of nothing");
  node.task.copy = std::move(copy);
  END_CALL
}

CU_CALL cuGraphExecMemsetNodeSetParams(CUgraphExec handle, CUgraphNode node_handle, const CUDA_MEMSET_NODE_PARAMS* p,
                                       CUcontext) {
  CALL(OTHER)
  GraphNode& node = node_in(exec_of(handle), node_handle, TaskKind::FILL, "memset");
  fill_task(node.task.fill, p->dst, p->pitch, p->value, p->elementSize, p->width, p->height, current());
  END_CALL
}

CU_CALL cuGraphExecHostNodeSetParams(CUgraphExec handle, CUgraphNode node_handle, const CUDA_HOST_NODE_PARAMS* p) {
  CALL(OTHER)
  if (p->fn == nullptr) fail(CUDA_ERROR_INVALID_VALUE, "the function is null");
  node_in(exec_of(handle), node_handle, TaskKind::HOST, "host").task.host = {p->fn, p->userData, nullptr, nullptr};
  END_CALL
}

CU_CALL cuGraphExecUpdate_v2(CUgraphExec handle, CUgraph graph, UpdateResult* out) {
  CALL(OTHER)
  update_exec(handle, graph, out);
  END_CALL
}

CU_CALL cuGraphExecUpdate(CUgraphExec handle, CUgraph graph, CUgraphNode* bad, int* result) {
  CALL(OTHER)
  UpdateResult out{};
  try {
    update_exec(handle, graph, &out);
  } catch (const Failure&) {
    if (bad != nullptr) *bad = out.node;
    if (result != nullptr) *result = out.result;
    throw;
  }
  if (bad != nullptr) *bad = nullptr;
  if (result != nullptr) *result = 0;
  END_CALL
}
