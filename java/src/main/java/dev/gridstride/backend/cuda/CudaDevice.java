package dev.gridstride.backend.cuda;

import static jcuda.driver.JCudaDriver.cuCtxCreate;
import static jcuda.driver.JCudaDriver.cuCtxDestroy;
import static jcuda.driver.JCudaDriver.cuDeviceGet;
import static jcuda.driver.JCudaDriver.cuDeviceGetAttribute;
import static jcuda.driver.JCudaDriver.cuDeviceGetName;
import static jcuda.driver.JCudaDriver.cuDevicePrimaryCtxRelease;
import static jcuda.driver.JCudaDriver.cuDevicePrimaryCtxRetain;
import static jcuda.driver.JCudaDriver.cuDeviceTotalMem;

import dev.gridstride.backend.BackendException;
import dev.gridstride.backend.Precision;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import java.util.Map;
import java.util.function.IntSupplier;
import java.util.function.Supplier;
import jcuda.driver.CUcontext;
import jcuda.driver.CUdevice;
import jcuda.driver.CUdevice_attribute;

/** A card, or the simulated one. */
public final class CudaDevice {
  private final CudaDriver driver;
  private final int index;
  private final CUdevice handle = new CUdevice();

  /** Whether {@link #requireSupported} has found nothing amiss. */
  private volatile boolean supported;

  /** Asked for once. */
  private volatile String name;

  private volatile ComputeCapability computeCapability;
  private volatile Limits limits;
  private volatile int multiprocessors;

  /**
   * What a launch may ask of a device.
   *
   * @param threadsPerBlock product of the block's dimensions
   * @param block each dimension of a block
   * @param grid each dimension of a grid
   * @param sharedBytes static and dynamic shared memory of a block, if the kernel does not ask for
   *     more
   * @param sharedBytesOptIn the same for a kernel that asks; {@link CudaKernel} does so by itself
   */
  public record Limits(
      int threadsPerBlock, Dim block, Dim grid, int sharedBytes, int sharedBytesOptIn) {}

  CudaDevice(CudaDriver driver, int index) {
    this.driver = driver;
    this.index = index;
    driver.call("cuDeviceGet", () -> "opening device " + index, () -> cuDeviceGet(handle, index));
  }

  /** The driver it belongs to. */
  public CudaDriver driver() {
    return driver;
  }

  boolean is(CUdevice other) {
    return handle.equals(other);
  }

  /** Its number, from 0. */
  public int index() {
    return index;
  }

  /** The maker's name for it. */
  public String name() {
    if (name == null) {
      byte[] text = new byte[256];
      call("cuDeviceGetName", "asking for its name", () -> cuDeviceGetName(text, 256, handle));
      int length = 0;
      while (length < text.length && text[length] != 0) {
        length++;
      }
      name = new String(text, 0, length, StandardCharsets.UTF_8);
    }
    return name;
  }

  /** Its generation. */
  public ComputeCapability computeCapability() {
    if (computeCapability == null) {
      computeCapability =
          new ComputeCapability(
              attribute(CUdevice_attribute.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR),
              attribute(CUdevice_attribute.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR));
    }
    return computeCapability;
  }

  /** Its memory in bytes, used or not. */
  public long memoryBytes() {
    long[] bytes = new long[1];
    call("cuDeviceTotalMem", "asking for its memory", () -> cuDeviceTotalMem(bytes, handle));
    return bytes[0];
  }

  /** Number of streaming multiprocessors. */
  public int multiprocessors() {
    if (multiprocessors == 0) {
      multiprocessors = attribute(CUdevice_attribute.CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT);
    }
    return multiprocessors;
  }

  /** Size of the L2 cache in bytes; 0 if the device has none. */
  public int l2Bytes() {
    return attribute(CUdevice_attribute.CU_DEVICE_ATTRIBUTE_L2_CACHE_SIZE);
  }

  /**
   * Operations a second of all multiprocessors at their highest clock; empty for the simulated
   * device and for a generation that is not known.
   */
  public Map<Precision, Double> peakFlops() {
    return driver.isSimulated()
        ? Map.of()
        : ArithmeticPeak.flops(name(), computeCapability(), multiprocessors(), clockHz());
  }

  /** Where {@link #peakFlops} are from. */
  public String peakSource() {
    return driver.isSimulated()
        ? "the simulated device has none"
        : ArithmeticPeak.source(computeCapability(), multiprocessors(), clockHz());
  }

  private double clockHz() {
    return 1e3 * attribute(CUdevice_attribute.CU_DEVICE_ATTRIBUTE_CLOCK_RATE);
  }

  /** Where it is plugged in, as NVIDIA's management library wants it. */
  String pciBusId() {
    return String.format(
        Locale.ROOT,
        "%08x:%02x:%02x.0",
        attribute(CUdevice_attribute.CU_DEVICE_ATTRIBUTE_PCI_DOMAIN_ID),
        attribute(CUdevice_attribute.CU_DEVICE_ATTRIBUTE_PCI_BUS_ID),
        attribute(CUdevice_attribute.CU_DEVICE_ATTRIBUTE_PCI_DEVICE_ID));
  }

  /** What a launch may ask for. */
  public Limits limits() {
    if (limits == null) {
      limits =
          new Limits(
              attribute(CUdevice_attribute.CU_DEVICE_ATTRIBUTE_MAX_THREADS_PER_BLOCK),
              Dim.of(
                  attribute(CUdevice_attribute.CU_DEVICE_ATTRIBUTE_MAX_BLOCK_DIM_X),
                  attribute(CUdevice_attribute.CU_DEVICE_ATTRIBUTE_MAX_BLOCK_DIM_Y),
                  attribute(CUdevice_attribute.CU_DEVICE_ATTRIBUTE_MAX_BLOCK_DIM_Z)),
              Dim.of(
                  attribute(CUdevice_attribute.CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_X),
                  attribute(CUdevice_attribute.CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_Y),
                  attribute(CUdevice_attribute.CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_Z)),
              attribute(CUdevice_attribute.CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK),
              attribute(CUdevice_attribute.CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN));
    }
    return limits;
  }

  /**
   * A device attribute by its number in CUDA's {@code CUdevice_attribute}.
   *
   * @throws CudaException if the driver does not know it
   */
  public int attribute(int number) {
    int[] value = new int[1];
    call(
        "cuDeviceGetAttribute",
        "asking for attribute " + number,
        () -> cuDeviceGetAttribute(value, number, handle));
    return value[0];
  }

  /**
   * Opens a context of its own: memory and modules that nothing else in the process sees.
   *
   * @throws CudaException if the device is busy, exclusive to another process or out of memory
   */
  public CudaContext createContext() {
    askAll();
    CUcontext context = new CUcontext();
    call("cuCtxCreate", "opening a context", () -> cuCtxCreate(context, 0, handle));
    return new CudaContext(this, context, "cuCtxDestroy", () -> cuCtxDestroy(context));
  }

  /**
   * Opens the context that CUDA's runtime and its libraries use in this process, to work on the
   * same memory. It ends when its last user closes it.
   *
   * @throws CudaException as {@link #createContext}
   */
  public CudaContext primaryContext() {
    askAll();
    CUcontext context = new CUcontext();
    call(
        "cuDevicePrimaryCtxRetain",
        "opening the primary context",
        () -> cuDevicePrimaryCtxRetain(context, handle));
    return new CudaContext(
        this, context, "cuDevicePrimaryCtxRelease", () -> cuDevicePrimaryCtxRelease(handle));
  }

  /** Asks for what a context wants to know, so that nothing can fail once there is one. */
  private void askAll() {
    name();
    computeCapability();
    limits();
    multiprocessors();
  }

  /**
   * Checks that the project's own kernels run here.
   *
   * @throws BackendException if the card or its driver is too old; the message says how to go on
   */
  public void requireSupported() {
    if (supported) {
      return;
    }
    try {
      InstalledDriver.requireVersion(driver.version());
    } catch (BackendException e) {
      throw new BackendException("cuda: " + this + ": " + e.getMessage(), e);
    }
    ComputeCapability capability = computeCapability();
    if (!capability.isSupported()) {
      throw new BackendException("cuda: " + capability.tooLow(toString()));
    }
    supported = true;
  }

  /** What decides about images. */
  ImageChoice.Card asCard() {
    return new ImageChoice.Card(toString(), computeCapability(), driver.version());
  }

  private void call(String name, String doing, IntSupplier call) {
    Supplier<String> text = () -> doing;
    CudaDriver.call(name, "device " + index, text, call);
  }

  /** Number and name, for messages. */
  @Override
  public String toString() {
    return "device " + index + " (" + name() + ")";
  }
}
