package dev.gridstride.backend.cuda;

import static jcuda.driver.JCudaDriver.cuGraphExecDestroy;
import static jcuda.driver.JCudaDriver.cuGraphLaunch;

import jcuda.driver.CUgraphExec;

/** A graph made ready to launch. Launching it makes no objects. */
public final class CudaGraphExec implements AutoCloseable {
  private final CudaContext context;
  private final CUgraphExec exec;
  private final Handle[] used;
  private final Handle handle;

  CudaGraphExec(CudaContext context, CUgraphExec exec, Handle[] used) {
    this.context = context;
    this.exec = exec;
    this.used = used;
    this.handle =
        context.openedApart(
            "executable graph", "cuGraphExecDestroy", () -> cuGraphExecDestroy(exec));
    handle.watch(this);
  }

  /**
   * Puts all of its work into a stream.
   *
   * @throws IllegalStateException if a buffer or module that it uses is closed, or itself or the
   *     stream
   * @throws CudaException if the driver refuses, or an earlier launch has failed
   */
  public void launch(CudaStream stream) {
    for (Handle memory : used) {
      if (!memory.isOpen()) {
        memory.requireOpen("launch of a graph");
      }
    }
    if (stream.context() != context
        || !stream.isOpen()
        || !handle.isOpen()
        || !context.isUsable()) {
      explain(stream);
    }
    int status = context.setCurrent();
    if (status != Status.SUCCESS) {
      throw context.failure("cuCtxSetCurrent", status, "launching a graph");
    }
    status = launchIn(stream);
    if (status != Status.SUCCESS) {
      throw context.failure("cuGraphLaunch", status, "launching a graph");
    }
  }

  private int launchIn(CudaStream stream) {
    try {
      return cuGraphLaunch(exec, stream.stream());
    } catch (jcuda.CudaException e) {
      return Status.number(e);
    }
  }

  private void explain(CudaStream stream) {
    handle.requireOpen("launch of a graph");
    stream.requireUsableIn(context, "launch of a graph");
    context.requireUsable("cuGraphLaunch", () -> "launching a graph");
  }

  /** Frees it. Never throws. */
  @Override
  public void close() {
    context.close(handle);
  }
}
