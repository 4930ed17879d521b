package dev.gridstride.backend.cuda;

import static jcuda.driver.JCudaDriver.cuCtxGetCurrent;
import static jcuda.driver.JCudaDriver.cuCtxGetDevice;
import static jcuda.driver.JCudaDriver.cuCtxPopCurrent;
import static jcuda.driver.JCudaDriver.cuCtxPushCurrent;
import static jcuda.driver.JCudaDriver.cuPointerGetAttribute;
import static jcuda.driver.JCudaDriver.cuStreamGetCtx;

import java.util.function.Supplier;
import jcuda.Pointer;
import jcuda.driver.CUcontext;
import jcuda.driver.CUdevice;
import jcuda.driver.CUpointer_attribute;
import jcuda.driver.CUstream;

/**
 * What the caller made with the driver and lends to this package: who made it, and whether it is
 * what it is said to be.
 */
final class Foreign {
  private Foreign() {}

  /** The context that is current on the calling thread. */
  static CUcontext currentContext() {
    CudaDriver driver = CudaDriver.ofProcess();
    CUcontext context = new CUcontext();
    driver.call(
        "cuCtxGetCurrent", () -> "asking for the current context", () -> cuCtxGetCurrent(context));
    if (context.equals(new CUcontext())) {
      throw new IllegalStateException(
          "cuda: the calling thread has no current context; make one current, or give it to"
              + " CudaContext.of");
    }
    return context;
  }

  /** The device of a context. */
  static CudaDevice deviceOf(CUcontext context) {
    CudaDriver driver = CudaDriver.ofProcess();
    Supplier<String> doing = () -> "asking for the device of the caller's context";
    CUdevice device = new CUdevice();
    driver.call("cuCtxPushCurrent", doing, () -> cuCtxPushCurrent(context));
    try {
      driver.call("cuCtxGetDevice", doing, () -> cuCtxGetDevice(device));
    } finally {
      Status.of(() -> cuCtxPopCurrent(new CUcontext()));
    }
    return driver.devices().stream()
        .filter(candidate -> candidate.is(device))
        .findFirst()
        .orElseThrow(
            () -> new IllegalStateException("cuda: the driver does not list the context's device"));
  }

  /**
   * Checks that a stream is one of this context.
   *
   * @throws IllegalArgumentException if it is one of another
   */
  static void requireStreamOf(CudaContext context, CUstream stream) {
    CUcontext owner = new CUcontext();
    context.call(
        "cuStreamGetCtx",
        () -> "asking for the context of the caller's stream",
        () -> cuStreamGetCtx(stream, owner));
    if (!context.isOf(owner)) {
      throw new IllegalArgumentException(
          "wrapping a stream: it belongs to another context than "
              + context
              + "; wrap it with its own context (CudaContext.of), or use a stream of this one");
    }
  }

  /**
   * Checks that the driver knows an address as memory that a kernel of this context can reach, and
   * that so many bytes of it are there. Memory of pools and mappings belongs to no context; of it
   * only the beginning is looked at.
   *
   * @throws IllegalArgumentException if not
   */
  static void requireMemory(CudaContext context, Address address, long bytes, String name) {
    String what = "wrapping " + name + ": 0x" + Long.toHexString(address.value());
    if (!tells(
        context,
        CUpointer_attribute.CU_POINTER_ATTRIBUTE_MEMORY_TYPE,
        Pointer.to(new long[1]),
        address)) {
      throw new IllegalArgumentException(
          what
              + " is not device memory as the driver knows it"
              + Simulator.lastErrorSuffix()
              + "; give an address inside memory that is allocated and not freed");
    }
    CUcontext owner = new CUcontext();
    boolean owned =
        tells(
            context, CUpointer_attribute.CU_POINTER_ATTRIBUTE_CONTEXT, Pointer.to(owner), address);
    if (!owned || owner.equals(new CUcontext())) {
      return;
    }
    if (!context.isOf(owner)) {
      throw new IllegalArgumentException(
          what + " was allocated in another context than " + context + "; allocate it in this one");
    }
    long[] begin = new long[1];
    long[] size = new long[1];
    if (tells(
            context,
            CUpointer_attribute.CU_POINTER_ATTRIBUTE_RANGE_START_ADDR,
            Pointer.to(begin),
            address)
        && tells(
            context,
            CUpointer_attribute.CU_POINTER_ATTRIBUTE_RANGE_SIZE,
            Pointer.to(size),
            address)) {
      long there = begin[0] + size[0] - address.value();
      if (bytes > there) {
        throw new IllegalArgumentException(
            what
                + ": expected "
                + bytes
                + " bytes, its allocation has "
                + there
                + " from there on");
      }
    }
  }

  /**
   * Asks for an attribute of an address; false if it has none, or the address is none.
   *
   * @throws CudaException if the driver cannot tell
   */
  private static boolean tells(CudaContext context, int which, Pointer result, Address address) {
    Supplier<String> doing = () -> "asking about the caller's memory";
    int status =
        context.status(
            "cuPointerGetAttribute", doing, () -> cuPointerGetAttribute(result, which, address));
    if (status != Status.SUCCESS && status != Status.INVALID_VALUE) {
      throw context.failure("cuPointerGetAttribute", status, doing.get());
    }
    return status == Status.SUCCESS;
  }
}
