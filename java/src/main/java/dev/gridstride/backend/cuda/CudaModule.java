package dev.gridstride.backend.cuda;

import static jcuda.driver.JCudaDriver.cuModuleGetFunction;
import static jcuda.driver.JCudaDriver.cuModuleGetGlobal;
import static jcuda.driver.JCudaDriver.cuModuleLoadDataJIT;
import static jcuda.driver.JCudaDriver.cuModuleUnload;

import java.nio.ByteBuffer;
import java.util.HashMap;
import java.util.Map;
import java.util.function.Supplier;
import jcuda.Pointer;
import jcuda.driver.CUjit_option;
import jcuda.driver.CUmodule;
import jcuda.driver.JITOptions;

/** Loaded kernels. One that is not closed lives as long as its context. */
public final class CudaModule implements AutoCloseable {
  private static final int LOG_BYTES = 16 * 1024;

  private final CudaContext context;
  private final KernelImage image;
  private final CUmodule module;
  private final Handle handle;
  private final Map<String, CudaKernel> kernels = new HashMap<>();

  private CudaModule(CudaContext context, KernelImage image, CUmodule module) {
    this.context = context;
    this.image = image;
    this.module = module;
    this.handle =
        context.opened("module " + image.name(), "cuModuleUnload", () -> cuModuleUnload(module));
    handle.watch(this);
  }

  static CudaModule load(CudaContext context, KernelImage image) {
    ImageFormat.of(image.code()).requireFor(context.device(), image.name());
    // PTX is text and ends with a zero; for the others one more byte does no harm.
    ByteBuffer code = ByteBuffer.allocateDirect(image.code().length + 1);
    code.put(0, image.code());
    JITOptions options = new JITOptions();
    options.putInt(CUjit_option.CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES, LOG_BYTES);
    options.putBytes(CUjit_option.CU_JIT_ERROR_LOG_BUFFER, new byte[LOG_BYTES]);
    CUmodule module = new CUmodule();
    Supplier<String> doing = () -> "loading " + image;
    int status =
        context.status(
            "cuModuleLoadDataEx",
            doing,
            () -> cuModuleLoadDataJIT(module, Pointer.to(code), options));
    if (status != Status.SUCCESS) {
      throw context.failure(
          "cuModuleLoadDataEx", status, doing.get(), words(options, Simulator.lastErrorText()));
    }
    return new CudaModule(context, image, module);
  }

  private static String words(JITOptions options, String simulator) {
    String log = options.getString(CUjit_option.CU_JIT_ERROR_LOG_BUFFER);
    String jit = log == null ? "" : log.strip();
    if (jit.isEmpty() || simulator.contains(jit)) {
      return simulator;
    }
    return simulator.isEmpty() ? jit : simulator + "\n" + jit;
  }

  /**
   * The kernel of this name, declared {@code extern "C" __global__}.
   *
   * @throws IllegalArgumentException if there is none; the message names those that there are
   */
  public synchronized CudaKernel kernel(String name) {
    handle.requireOpen("kernel " + name);
    return kernels.computeIfAbsent(name, this::find);
  }

  private CudaKernel find(String name) {
    if (image.isMangled(name)) {
      throw notFound(name);
    }
    FunctionHandle function = new FunctionHandle();
    Supplier<String> doing = () -> "looking for kernel " + name + " in " + image.name();
    int status =
        context.status(
            "cuModuleGetFunction", doing, () -> cuModuleGetFunction(function, module, name));
    boolean declared = image.kernelNames().contains(name);
    if (status == Status.NOT_FOUND && !declared) {
      throw notFound(name);
    }
    if (status != Status.SUCCESS) {
      String detail =
          status == Status.NOT_FOUND
              ? "its source declares it, so the image is of another" + Simulator.lastErrorSuffix()
              : Simulator.lastErrorText();
      throw context.failure("cuModuleGetFunction", status, doing.get(), detail);
    }
    return new CudaKernel(this, name, function, image.parameters(name));
  }

  private IllegalArgumentException notFound(String name) {
    String problem = "no kernel " + name + " in " + image.name();
    if (image.isMangled(name)) {
      return new IllegalArgumentException(
          problem
              + ": its source declares it without extern \"C\", so that a card knows it by another"
              + " name");
    }
    return new IllegalArgumentException(
        image.kernelNames().isEmpty()
            ? problem
            : problem + "; its source declares " + String.join(", ", image.kernelNames()));
  }

  /**
   * A {@code __device__} or {@code __constant__} variable as a buffer, which ends with this module.
   *
   * @throws IllegalArgumentException if there is none of this name
   */
  public DeviceBuffer variable(String name) {
    handle.requireOpen("variable " + name);
    Address address = new Address();
    long[] bytes = new long[1];
    Supplier<String> doing = () -> "looking for variable " + name + " in " + image.name();
    int status =
        context.status(
            "cuModuleGetGlobal", doing, () -> cuModuleGetGlobal(address, bytes, module, name));
    if (status == Status.NOT_FOUND) {
      throw new IllegalArgumentException("no variable " + name + " in " + image.name());
    }
    if (status != Status.SUCCESS) {
      throw context.failure("cuModuleGetGlobal", status, doing.get());
    }
    return DeviceBuffer.within(context, handle, address, bytes[0], name);
  }

  CudaContext context() {
    return context;
  }

  Handle handle() {
    return handle;
  }

  /** Unloads the kernels; launches under way must be done. Never throws. */
  @Override
  public void close() {
    context.close(handle);
  }

  @Override
  public String toString() {
    return handle.what();
  }
}
