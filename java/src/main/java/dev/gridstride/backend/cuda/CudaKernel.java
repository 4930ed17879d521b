package dev.gridstride.backend.cuda;

import static jcuda.driver.JCudaDriver.cuFuncGetAttribute;
import static jcuda.driver.JCudaDriver.cuFuncSetAttribute;

import java.util.List;
import java.util.stream.Collectors;
import jcuda.driver.CUfunction;
import jcuda.driver.CUfunction_attribute;

/**
 * A kernel, ready to launch. Arguments are Java values in the order of its parameters: a {@link
 * DeviceBuffer} for a pointer ({@link DeviceBuffer#NULL} for a null one), an {@code int}, {@code
 * long}, {@code float}, {@code double} and so on for a number of that size, a {@link
 * java.nio.ByteBuffer} for a structure. An {@code int} may be given for a 64-bit parameter; nothing
 * else is converted.
 */
public final class CudaKernel {
  private final CudaModule module;
  private final String name;
  private final FunctionHandle function;
  private final ParameterLayout layout;
  private final int maxThreads;
  private final int staticSharedBytes;

  /** Dynamic shared memory that the driver was told to expect, in bytes. */
  private int allowedSharedBytes;

  CudaKernel(
      CudaModule module, String name, FunctionHandle function, List<KernelParameter> declared) {
    this.module = module;
    this.name = name;
    this.function = function;
    this.layout = ParameterLayout.of(module.context(), name, function, declared);
    this.maxThreads = attribute(CUfunction_attribute.CU_FUNC_ATTRIBUTE_MAX_THREADS_PER_BLOCK);
    this.staticSharedBytes = attribute(CUfunction_attribute.CU_FUNC_ATTRIBUTE_SHARED_SIZE_BYTES);
  }

  /** Its name. */
  public String name() {
    return name;
  }

  /** Registers of a thread. */
  public int registers() {
    return attribute(CUfunction_attribute.CU_FUNC_ATTRIBUTE_NUM_REGS);
  }

  /** Local memory of a thread in bytes: spilled registers and arrays. */
  public int localBytes() {
    return attribute(CUfunction_attribute.CU_FUNC_ATTRIBUTE_LOCAL_SIZE_BYTES);
  }

  /** Shared memory that a block has without asking, in bytes. */
  public int staticSharedBytes() {
    return staticSharedBytes;
  }

  /** The most threads that a block can have on this device. */
  public int maxThreadsPerBlock() {
    return maxThreads;
  }

  /**
   * Puts a launch into a stream.
   *
   * @param sharedBytes dynamic shared memory of a block
   * @throws IllegalArgumentException if the device cannot run such a launch, or the arguments do
   *     not fit the parameters; nothing runs then
   * @throws IllegalStateException if a buffer, the module or the stream is closed
   * @throws CudaException if the driver refuses the launch, or an earlier one has failed
   */
  public void launch(CudaStream stream, Dim grid, Dim block, int sharedBytes, Object... arguments) {
    prepare(grid, block, sharedBytes, arguments).launch(stream);
  }

  /**
   * Checks and packs everything, for launching many times. Parameters as for {@link #launch}.
   *
   * @throws IllegalArgumentException as {@link #launch}
   */
  public PreparedLaunch prepare(Dim grid, Dim block, int sharedBytes, Object... arguments) {
    if (!module.handle().isOpen()) {
      module.handle().requireOpen("launch of " + name);
    }
    requireWithinLimits(grid, block, sharedBytes);
    ParameterLayout used = layout;
    if (layout.parameters() == null) {
      used = ParameterLayout.ofArguments(name, arguments);
    } else if (arguments.length != layout.parameters().size()) {
      throw new IllegalArgumentException(
          this
              + ": expected "
              + layout.parameters().size()
              + " arguments, got "
              + arguments.length);
    }
    PreparedLaunch launch = new PreparedLaunch(this, used, grid, block, sharedBytes);
    for (int i = 0; i < arguments.length; i++) {
      launch.set(i, arguments[i]);
    }
    allowShared(sharedBytes);
    return launch;
  }

  private void requireWithinLimits(Dim grid, Dim block, int sharedBytes) {
    CudaDevice.Limits limits = module.context().limits();
    requireWithin("grid", grid, limits.grid());
    requireWithin("block", block, limits.block());
    if (block.count() > limits.threadsPerBlock()) {
      throw tooMuch("a block of at most " + limits.threadsPerBlock() + " threads", block);
    }
    if (block.count() > maxThreads) {
      throw tooMuch(
          "at most " + maxThreads + " threads (its launch bounds or its registers)", block);
    }
    long shared = (long) staticSharedBytes + sharedBytes;
    if (sharedBytes < 0 || shared > limits.sharedBytesOptIn()) {
      throw tooMuch(
          "at most " + limits.sharedBytesOptIn() + " bytes of shared memory",
          staticSharedBytes + " static and " + sharedBytes + " dynamic");
    }
  }

  private void requireWithin(String what, Dim size, Dim most) {
    if (size.x() > most.x() || size.y() > most.y() || size.z() > most.z()) {
      throw tooMuch("a " + what + " of at most " + most, size);
    }
  }

  private IllegalArgumentException tooMuch(String expected, Object got) {
    return new IllegalArgumentException(
        name + ": expected " + expected + " on " + module.context().device() + ", got " + got);
  }

  /** More than the ordinary amount of shared memory has to be asked for. */
  private synchronized void allowShared(int sharedBytes) {
    int ordinary = module.context().limits().sharedBytes() - staticSharedBytes;
    if (sharedBytes > ordinary && sharedBytes > allowedSharedBytes) {
      module
          .context()
          .call(
              "cuFuncSetAttribute",
              () -> "allowing " + name + " " + sharedBytes + " bytes of shared memory",
              () ->
                  cuFuncSetAttribute(
                      function,
                      CUfunction_attribute.CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES,
                      sharedBytes));
      allowedSharedBytes = sharedBytes;
    }
  }

  private int attribute(int number) {
    int[] value = new int[1];
    module
        .context()
        .call(
            "cuFuncGetAttribute",
            () -> "asking for attribute " + number + " of " + name,
            () -> cuFuncGetAttribute(value, number, function));
    return value[0];
  }

  ParameterLayout layout() {
    return layout;
  }

  CudaModule module() {
    return module;
  }

  CUfunction function() {
    return function;
  }

  /** Name and parameters, as far as they are known. */
  @Override
  public String toString() {
    if (layout.parameters() == null) {
      return name;
    }
    return layout.parameters().stream()
        .map(KernelParameter::toString)
        .collect(Collectors.joining(", ", name + "(", ")"));
  }
}
