package dev.gridstride.backend.cuda;

import static jcuda.driver.JCudaDriver.cuGraphAddKernelNode;
import static jcuda.driver.JCudaDriver.cuGraphCreate;
import static jcuda.driver.JCudaDriver.cuGraphDestroy;
import static jcuda.driver.JCudaDriver.cuGraphInstantiate;

import java.util.List;
import jcuda.driver.CUgraph;
import jcuda.driver.CUgraphExec;
import jcuda.driver.CUgraphNode;

/** Work and what has to wait for what, recorded from a stream or put together by hand. */
public final class CudaGraph implements AutoCloseable {
  private final CudaContext context;
  private final CUgraph graph;
  private final Capture used;
  private final Handle handle;

  /** A piece of work in a graph. */
  public static final class Node {
    private final CudaGraph graph;
    private final CUgraphNode node = new CUgraphNode();

    private Node(CudaGraph graph) {
      this.graph = graph;
    }
  }

  CudaGraph(CudaContext context, CUgraph graph, Capture used) {
    this.context = context;
    this.graph = graph;
    this.used = used;
    this.handle = context.openedApart("graph", "cuGraphDestroy", () -> cuGraphDestroy(graph));
    handle.watch(this);
  }

  /** An empty graph. */
  public static CudaGraph create(CudaContext context) {
    CUgraph graph = new CUgraph();
    context.call("cuGraphCreate", () -> "making a graph", () -> cuGraphCreate(graph, 0));
    return new CudaGraph(context, graph, new Capture());
  }

  /**
   * Adds a launch that runs after these nodes. Nodes that do not depend on each other run in any
   * order, or at once.
   *
   * @throws IllegalArgumentException if the launch or a node is not of this context and graph
   */
  public Node add(PreparedLaunch launch, List<Node> after) {
    handle.requireOpen("adding to a graph");
    if (!launch.context().isSame(context) || after.stream().anyMatch(node -> node.graph != this)) {
      throw new IllegalArgumentException(
          "adding " + launch + " to a graph: it, or what it runs after, belongs elsewhere");
    }
    launch.requireUsable();
    Node node = new Node(this);
    CUgraphNode[] dependencies = after.stream().map(n -> n.node).toArray(CUgraphNode[]::new);
    context.call(
        "cuGraphAddKernelNode",
        () -> "adding " + launch + " to a graph",
        () ->
            cuGraphAddKernelNode(
                node.node, graph, dependencies, dependencies.length, launch.nodeParameters()));
    launch.forEachMemory(used::uses);
    return node;
  }

  /**
   * Makes it ready to launch; later changes of this graph do not matter to the result.
   *
   * @throws CudaException if it cannot be run
   */
  public CudaGraphExec instantiate() {
    handle.requireOpen("instantiating a graph");
    CUgraphExec exec = new CUgraphExec();
    context.call(
        "cuGraphInstantiate",
        () -> "making a graph ready to launch",
        () -> cuGraphInstantiate(exec, graph, 0));
    return new CudaGraphExec(context, exec, used.memory());
  }

  /** Frees it; what was instantiated from it lives on. Never throws. */
  @Override
  public void close() {
    context.close(handle);
  }
}
