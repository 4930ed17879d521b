// Graphs: creation, nodes, edges.
#include "graph.h"

#include <algorithm>
#include <cstring>

#include "event.h"
#include "launch.h"

namespace gridstride {

Graph& make_graph(bool named) {
  auto* graph = new Graph;
  graph->named = named;
  if (named) handle_made(graph, Handle::GRAPH);
  return *graph;
}

namespace {

void destroy_node(GraphNode& node) {
  if (node.task.child != nullptr) destroy_graph(*node.task.child);
  if (node.graph->named) handle_gone(&node);
  delete &node;
}

}  // namespace

void destroy_graph(Graph& graph) {
  for (GraphNode* node : graph.nodes) destroy_node(*node);
  if (graph.named) handle_gone(&graph);
  delete &graph;
}

GraphNode& add_node(Graph& graph, Task&& task, const std::vector<GraphNode*>& after) {
  auto* node = new GraphNode;
  node->graph = &graph;
  node->number = graph.next_number++;
  node->task = std::move(task);
  node->after = after;
  graph.nodes.push_back(node);
  if (graph.named) handle_made(node, Handle::NODE);
  return *node;
}

Graph& clone_graph(const Graph& graph, bool named) {
  Graph& copy = make_graph(named);
  std::unordered_map<const GraphNode*, GraphNode*> twin;
  for (const GraphNode* node : graph.nodes) {
    Task task = node->task;
    if (task.child != nullptr) {
      task.child = &clone_graph(*task.child, named);
      task.child->owned = true;
    }
    GraphNode& made = add_node(copy, std::move(task), {});
    made.number = node->number;
    made.original = node;
    twin[node] = &made;
  }
  copy.next_number = graph.next_number;
  for (size_t i = 0; i < graph.nodes.size(); i++) {
    for (const GraphNode* earlier : graph.nodes[i]->after) copy.nodes[i]->after.push_back(twin[earlier]);
  }
  return copy;
}

namespace {

Graph& graph_of(CUgraph handle) { return checked_handle(handle, Handle::GRAPH, "graph"); }
GraphNode& node_of(CUgraphNode handle) { return checked_handle(handle, Handle::NODE, "graph node"); }

GraphNode& node_of(CUgraphNode handle, TaskKind kind, const char* what) {
  GraphNode& node = node_of(handle);
  if (node.task.kind != kind) {
    fail(CUDA_ERROR_INVALID_VALUE, "node %d is no %s node, but: %s", node.number, what, node.task.describe().c_str());
  }
  return node;
}

std::vector<GraphNode*> dependencies_of(Graph& graph, const CUgraphNode* list, size_t count) {
  std::vector<GraphNode*> after;
  if (count > 0 && list == nullptr) fail(CUDA_ERROR_INVALID_VALUE, "%zu dependencies, but the list is null", count);
  for (size_t i = 0; i < count; i++) {
    GraphNode& earlier = node_of(list[i]);
    if (earlier.graph != &graph) fail(CUDA_ERROR_INVALID_VALUE, "dependency %zu is a node of another graph", i);
    if (std::find(after.begin(), after.end(), &earlier) != after.end()) {
      fail(CUDA_ERROR_INVALID_VALUE, "dependency %zu is given twice", i);
    }
    after.push_back(&earlier);
  }
  return after;
}

void add(CUgraphNode* out, CUgraph handle, const CUgraphNode* dependencies, size_t count, Task&& task) {
  Graph& graph = graph_of(handle);
  if (out == nullptr) fail(CUDA_ERROR_INVALID_VALUE, "no place for the node");
  *out = &add_node(graph, std::move(task), dependencies_of(graph, dependencies, count));
}

Task kernel_node_task(const CUDA_KERNEL_NODE_PARAMS& p) {
  Context& context = current();
  Task task;
  task.kind = TaskKind::KERNEL;
  task.context = &context;
  Function& f = checked_handle(p.func, Handle::FUNCTION, "kernel");
  kernel_task(task.kernel, f, {p.gridDimX, p.gridDimY, p.gridDimZ}, {p.blockDimX, p.blockDimY, p.blockDimZ},
              p.sharedMemBytes, p.kernelParams, p.extra, context);
  return task;
}

Task copy_node_task(const CUDA_MEMCPY3D& p) {
  Task task;
  task.context = &current();
  task.kind = copy_task(task.copy, p, *task.context) ? TaskKind::COPY : TaskKind::EMPTY;
  return task;
}

Task fill_node_task(const CUDA_MEMSET_NODE_PARAMS& p) {
  Task task;
  task.context = &current();
  task.kind = TaskKind::FILL;
  if (p.width == 0 || p.height == 0) {
    fail(CUDA_ERROR_INVALID_VALUE, "a memset node of %zu x %zu elements", p.width, p.height);
  }
  fill_task(task.fill, p.dst, p.pitch, p.value, p.elementSize, p.width, p.height, *task.context);
  return task;
}

Task host_node_task(const CUDA_HOST_NODE_PARAMS& p) {
  Task task;
  task.context = &current();
  task.kind = TaskKind::HOST;
  if (p.fn == nullptr) fail(CUDA_ERROR_INVALID_VALUE, "the function is null");
  task.host = {p.fn, p.userData, nullptr, nullptr};
  return task;
}

Task event_node_task(TaskKind kind, CUevent event) {
  Task task;
  task.context = &current();
  task.kind = kind;
  task.event = &checked_handle(event, Handle::EVENT, "event");
  return task;
}

void set_end(const CopyTask::End& end, size_t* pitch, size_t* rows, unsigned* type, CUdeviceptr* device,
             const void** host) {
  *pitch = end.pitch;
  *rows = end.pitch == 0 ? 0 : end.slice / end.pitch;
  *type = end.host ? CU_MEMORYTYPE_HOST : CU_MEMORYTYPE_DEVICE;
  (end.host ? *reinterpret_cast<CUdeviceptr*>(host) : *device) = end.base;
}

int node_type(const GraphNode& node) {
  switch (node.task.kind) {
    case TaskKind::KERNEL:
    case TaskKind::LIBRARY: return CU_GRAPH_NODE_TYPE_KERNEL;
    case TaskKind::COPY: return CU_GRAPH_NODE_TYPE_MEMCPY;
    case TaskKind::FILL: return CU_GRAPH_NODE_TYPE_MEMSET;
    case TaskKind::HOST: return CU_GRAPH_NODE_TYPE_HOST;
    case TaskKind::CHILD: return CU_GRAPH_NODE_TYPE_GRAPH;
    case TaskKind::RECORD: return CU_GRAPH_NODE_TYPE_EVENT_RECORD;
    case TaskKind::WAIT: return CU_GRAPH_NODE_TYPE_WAIT_EVENT;
    default: return CU_GRAPH_NODE_TYPE_EMPTY;
  }
}

// The two-call form: without a list, the number; with one, as many as fit, the rest null.
void give(const std::vector<GraphNode*>& nodes, CUgraphNode* list, size_t* count) {
  if (count == nullptr) fail(CUDA_ERROR_INVALID_VALUE, "no place for the number");
  if (list == nullptr) {
    *count = nodes.size();
    return;
  }
  for (size_t i = 0; i < *count; i++) list[i] = i < nodes.size() ? nodes[i] : nullptr;
  *count = std::min(*count, nodes.size());
}

}  // namespace

}  // namespace gridstride

using namespace gridstride;

CU_CALL cuGraphCreate(CUgraph* out, unsigned flags) {
  CALL(OTHER)
  current();
  if (flags != 0) fail(CUDA_ERROR_INVALID_VALUE, "flags must be 0, not %u", flags);
  *out = &make_graph(true);
  END_CALL
}

CU_CALL cuGraphDestroy(CUgraph handle) {
  CALL(OTHER)
  Graph& graph = graph_of(handle);
  if (graph.owned) fail(CUDA_ERROR_INVALID_VALUE, "the graph belongs to a child graph node");
  destroy_graph(graph);
  END_CALL
}

CU_CALL cuGraphClone(CUgraph* out, CUgraph original) {
  CALL(OTHER)
  *out = &clone_graph(graph_of(original), true);
  END_CALL
}

CU_CALL cuGraphNodeFindInClone(CUgraphNode* out, CUgraphNode original, CUgraph clone) {
  CALL(OTHER)
  GraphNode& wanted = node_of(original);
  for (GraphNode* node : graph_of(clone).nodes) {
    if (node->original == &wanted) {
      *out = node;
      return CUDA_SUCCESS;
    }
  }
  fail(CUDA_ERROR_INVALID_VALUE, "the graph has no clone of node %d", wanted.number);
  END_CALL
}

CU_CALL cuGraphAddKernelNode_v2(CUgraphNode* out, CUgraph graph, const CUgraphNode* after, size_t count,
                                const CUDA_KERNEL_NODE_PARAMS* p) {
  CALL(OTHER)
  add(out, graph, after, count, kernel_node_task(*p));
  END_CALL
}

CU_CALL cuGraphKernelNodeGetParams_v2(CUgraphNode handle, CUDA_KERNEL_NODE_PARAMS* out) {
  CALL(OTHER)
  GraphNode& node = node_of(handle, TaskKind::KERNEL, "kernel");
  KernelTask& k = node.task.kernel;
  node.places.clear();
  for (unsigned offset : k.function->offset) node.places.push_back(k.arguments.data() + offset);
  node.places.push_back(nullptr);
  *out = {k.function, k.grid[0], k.grid[1],          k.grid[2], k.block[0], k.block[1],
          k.block[2], k.shared,  node.places.data(), nullptr,   nullptr,    node.task.context};
  END_CALL
}

CU_CALL cuGraphKernelNodeSetParams_v2(CUgraphNode handle, const CUDA_KERNEL_NODE_PARAMS* p) {
  CALL(OTHER)
  GraphNode& node = node_of(handle, TaskKind::KERNEL, "kernel");
  node.task = kernel_node_task(*p);
  END_CALL
}

CU_CALL cuGraphAddMemcpyNode(CUgraphNode* out, CUgraph graph, const CUgraphNode* after, size_t count,
                             const CUDA_MEMCPY3D* p, CUcontext) {
  CALL(OTHER)
  add(out, graph, after, count, copy_node_task(*p));
  END_CALL
}

CU_CALL cuGraphMemcpyNodeGetParams(CUgraphNode handle, CUDA_MEMCPY3D* out) {
  CALL(OTHER)
  const CopyTask& c = node_of(handle, TaskKind::COPY, "memcpy").task.copy;
  *out = {};
  set_end(c.from, &out->srcPitch, &out->srcHeight, &out->srcMemoryType, &out->srcDevice, &out->srcHost);
  const void* host = nullptr;
  set_end(c.to, &out->dstPitch, &out->dstHeight, &out->dstMemoryType, &out->dstDevice, &host);
  out->dstHost = const_cast<void*>(host);
  out->WidthInBytes = c.width;
  out->Height = c.height;
  out->Depth = c.depth;
  END_CALL
}

CU_CALL cuGraphMemcpyNodeSetParams(CUgraphNode handle, const CUDA_MEMCPY3D* p) {
  CALL(OTHER)
  GraphNode& node = node_of(handle, TaskKind::COPY, "memcpy");
  node.task = copy_node_task(*p);
  END_CALL
}

CU_CALL cuGraphAddMemsetNode(CUgraphNode* out, CUgraph graph, const CUgraphNode* after, size_t count,
                             const CUDA_MEMSET_NODE_PARAMS* p, CUcontext) {
  CALL(OTHER)
  add(out, graph, after, count, fill_node_task(*p));
  END_CALL
}

CU_CALL cuGraphMemsetNodeGetParams(CUgraphNode handle, CUDA_MEMSET_NODE_PARAMS* out) {
  CALL(OTHER)
  const FillTask& f = node_of(handle, TaskKind::FILL, "memset").task.fill;
  *out = {f.to, f.pitch, f.value, f.element, f.width, f.height};
  END_CALL
}

CU_CALL cuGraphMemsetNodeSetParams(CUgraphNode handle, const CUDA_MEMSET_NODE_PARAMS* p) {
  CALL(OTHER)
  GraphNode& node = node_of(handle, TaskKind::FILL, "memset");
  node.task = fill_node_task(*p);
  END_CALL
}

CU_CALL cuGraphAddHostNode(CUgraphNode* out, CUgraph graph, const CUgraphNode* after, size_t count,
                           const CUDA_HOST_NODE_PARAMS* p) {
  CALL(OTHER)
  add(out, graph, after, count, host_node_task(*p));
  END_CALL
}

CU_CALL cuGraphHostNodeGetParams(CUgraphNode handle, CUDA_HOST_NODE_PARAMS* out) {
  CALL(OTHER)
  const HostTask& h = node_of(handle, TaskKind::HOST, "host").task.host;
  *out = {h.function, h.data};
  END_CALL
}

CU_CALL cuGraphHostNodeSetParams(CUgraphNode handle, const CUDA_HOST_NODE_PARAMS* p) {
  CALL(OTHER)
  GraphNode& node = node_of(handle, TaskKind::HOST, "host");
  node.task = host_node_task(*p);
  END_CALL
}

CU_CALL cuGraphAddChildGraphNode(CUgraphNode* out, CUgraph graph, const CUgraphNode* after, size_t count,
                                 CUgraph child) {
  CALL(OTHER)
  Task task;
  task.context = &current();
  task.kind = TaskKind::CHILD;
  graph_of(graph);
  task.child = &clone_graph(graph_of(child), true);
  task.child->owned = true;
  add(out, graph, after, count, std::move(task));
  END_CALL
}

CU_CALL cuGraphChildGraphNodeGetGraph(CUgraphNode handle, CUgraph* out) {
  CALL(OTHER)
  *out = node_of(handle, TaskKind::CHILD, "child graph").task.child;
  END_CALL
}

CU_CALL cuGraphAddEmptyNode(CUgraphNode* out, CUgraph graph, const CUgraphNode* after, size_t count) {
  CALL(OTHER)
  Task task;
  task.context = &current();
  add(out, graph, after, count, std::move(task));
  END_CALL
}

CU_CALL cuGraphAddEventRecordNode(CUgraphNode* out, CUgraph graph, const CUgraphNode* after, size_t count,
                                  CUevent event) {
  CALL(OTHER)
  add(out, graph, after, count, event_node_task(TaskKind::RECORD, event));
  END_CALL
}

CU_CALL cuGraphAddEventWaitNode(CUgraphNode* out, CUgraph graph, const CUgraphNode* after, size_t count,
                                CUevent event) {
  CALL(OTHER)
  add(out, graph, after, count, event_node_task(TaskKind::WAIT, event));
  END_CALL
}

CU_CALL cuGraphEventRecordNodeGetEvent(CUgraphNode handle, CUevent* out) {
  CALL(OTHER)
  *out = node_of(handle, TaskKind::RECORD, "event record").task.event;
  END_CALL
}

CU_CALL cuGraphEventWaitNodeGetEvent(CUgraphNode handle, CUevent* out) {
  CALL(OTHER)
  *out = node_of(handle, TaskKind::WAIT, "event wait").task.event;
  END_CALL
}

CU_CALL cuGraphEventRecordNodeSetEvent(CUgraphNode handle, CUevent event) {
  CALL(OTHER)
  node_of(handle, TaskKind::RECORD, "event record").task = event_node_task(TaskKind::RECORD, event);
  END_CALL
}

CU_CALL cuGraphEventWaitNodeSetEvent(CUgraphNode handle, CUevent event) {
  CALL(OTHER)
  node_of(handle, TaskKind::WAIT, "event wait").task = event_node_task(TaskKind::WAIT, event);
  END_CALL
}

CU_CALL cuGraphAddDependencies(CUgraph handle, const CUgraphNode* from, const CUgraphNode* to, size_t count) {
  CALL(OTHER)
  Graph& graph = graph_of(handle);
  for (size_t i = 0; i < count; i++) {
    GraphNode &earlier = node_of(from[i]), &later = node_of(to[i]);
    if (earlier.graph != &graph || later.graph != &graph) {
      fail(CUDA_ERROR_INVALID_VALUE, "edge %zu leaves the graph", i);
    }
    if (&earlier == &later) fail(CUDA_ERROR_INVALID_VALUE, "node %d cannot depend on itself", later.number);
    if (std::find(later.after.begin(), later.after.end(), &earlier) != later.after.end()) {
      fail(CUDA_ERROR_INVALID_VALUE, "the edge from node %d to node %d is there already", earlier.number, later.number);
    }
    later.after.push_back(&earlier);
  }
  END_CALL
}

CU_CALL cuGraphRemoveDependencies(CUgraph handle, const CUgraphNode* from, const CUgraphNode* to, size_t count) {
  CALL(OTHER)
  graph_of(handle);
  for (size_t i = 0; i < count; i++) {
    GraphNode &earlier = node_of(from[i]), &later = node_of(to[i]);
    auto found = std::find(later.after.begin(), later.after.end(), &earlier);
    if (found == later.after.end()) {
      fail(CUDA_ERROR_INVALID_VALUE, "there is no edge from node %d to node %d", earlier.number, later.number);
    }
    later.after.erase(found);
  }
  END_CALL
}

CU_CALL cuGraphGetNodes(CUgraph handle, CUgraphNode* list, size_t* count) {
  CALL(OTHER)
  give(graph_of(handle).nodes, list, count);
  END_CALL
}

CU_CALL cuGraphGetRootNodes(CUgraph handle, CUgraphNode* list, size_t* count) {
  CALL(OTHER)
  std::vector<GraphNode*> roots;
  for (GraphNode* node : graph_of(handle).nodes) {
    if (node->after.empty()) roots.push_back(node);
  }
  give(roots, list, count);
  END_CALL
}

CU_CALL cuGraphGetEdges(CUgraph handle, CUgraphNode* from, CUgraphNode* to, size_t* count) {
  CALL(OTHER)
  std::vector<GraphNode*> starts, ends;
  for (GraphNode* node : graph_of(handle).nodes) {
    for (GraphNode* earlier : node->after) {
      starts.push_back(earlier);
      ends.push_back(node);
    }
  }
  if ((from == nullptr) != (to == nullptr)) fail(CUDA_ERROR_INVALID_VALUE, "only one of the two lists is null");
  size_t room = count == nullptr ? 0 : *count;
  give(starts, from, count);
  if (to != nullptr) give(ends, to, &room);
  END_CALL
}

CU_CALL cuGraphNodeGetDependencies(CUgraphNode handle, CUgraphNode* list, size_t* count) {
  CALL(OTHER)
  give(node_of(handle).after, list, count);
  END_CALL
}

CU_CALL cuGraphNodeGetDependentNodes(CUgraphNode handle, CUgraphNode* list, size_t* count) {
  CALL(OTHER)
  GraphNode& node = node_of(handle);
  std::vector<GraphNode*> later;
  for (GraphNode* other : node.graph->nodes) {
    if (std::find(other->after.begin(), other->after.end(), &node) != other->after.end()) later.push_back(other);
  }
  give(later, list, count);
  END_CALL
}

CU_CALL cuGraphNodeGetType(CUgraphNode handle, int* out) {
  CALL(OTHER)
  *out = node_type(node_of(handle));
  END_CALL
}

CU_CALL cuGraphDestroyNode(CUgraphNode handle) {
  CALL(OTHER)
  GraphNode& node = node_of(handle);
  Graph& graph = *node.graph;
  for (GraphNode* other : graph.nodes) {
    other->after.erase(std::remove(other->after.begin(), other->after.end(), &node), other->after.end());
  }
  graph.nodes.erase(std::find(graph.nodes.begin(), graph.nodes.end(), &node));
  destroy_node(node);
  END_CALL
}
