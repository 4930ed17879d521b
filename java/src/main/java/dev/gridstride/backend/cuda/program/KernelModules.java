package dev.gridstride.backend.cuda.program;

import dev.gridstride.backend.cuda.CudaContext;
import dev.gridstride.backend.cuda.CudaKernel;
import dev.gridstride.backend.cuda.CudaModule;
import java.util.HashMap;
import java.util.Map;

/** The kernels that programs of one context use, each file loaded once. */
final class KernelModules implements AutoCloseable {
  private final CudaContext context;
  private final boolean checked;
  private final Map<KernelCode, CudaModule> modules = new HashMap<>();

  /**
   * Nothing is loaded yet.
   *
   * @param checked with the checker
   */
  KernelModules(CudaContext context, boolean checked) {
    this.context = context;
    this.checked = checked;
  }

  CudaKernel kernel(KernelCode code, String entry) {
    return modules.computeIfAbsent(code, c -> c.load(context, checked)).kernel(entry);
  }

  @Override
  public void close() {
    modules.values().forEach(CudaModule::close);
    modules.clear();
  }
}
