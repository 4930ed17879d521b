package dev.gridstride.backend.cuda.program;

import static jcuda.driver.JCudaDriver.cuCtxCreate;
import static jcuda.driver.JCudaDriver.cuCtxDestroy;
import static jcuda.driver.JCudaDriver.cuCtxGetCurrent;
import static jcuda.driver.JCudaDriver.cuCtxSetCurrent;
import static jcuda.driver.JCudaDriver.cuDeviceGet;
import static jcuda.driver.JCudaDriver.cuMemAlloc;
import static jcuda.driver.JCudaDriver.cuMemFree;
import static jcuda.driver.JCudaDriver.cuMemcpyDtoH;
import static jcuda.driver.JCudaDriver.cuMemcpyHtoD;
import static jcuda.driver.JCudaDriver.cuStreamCreate;
import static jcuda.driver.JCudaDriver.cuStreamDestroy;
import static jcuda.driver.JCudaDriver.cuStreamSynchronize;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.gridstride.backend.cuda.CudaContext;
import dev.gridstride.backend.cuda.CudaDriver;
import dev.gridstride.backend.cuda.CudaStream;
import dev.gridstride.backend.cuda.DeviceBuffer;
import dev.gridstride.backend.cuda.Simulated;
import dev.gridstride.backend.cuda.Simulator;
import dev.gridstride.program.Shape;
import java.util.ArrayList;
import java.util.List;
import jcuda.Pointer;
import jcuda.driver.CUcontext;
import jcuda.driver.CUdevice;
import jcuda.driver.CUdeviceptr;
import jcuda.driver.CUstream;

/** A program that calls the driver by itself: its own context, stream and memory. */
final class Caller implements AutoCloseable {
  private static final List<String> COUNTED =
      List.of(
          "allocations", "pinned", "modules", "streams", "events", "graphs", "contexts", "pending");

  final CUcontext context = new CUcontext();
  final CUstream stream = new CUstream();
  private final List<CUdeviceptr> memory = new ArrayList<>();

  Caller() {
    Simulated.require();
    CudaDriver.simulated();
    CUdevice device = new CUdevice();
    check(cuDeviceGet(device, 0));
    check(cuCtxCreate(context, 0, device));
    check(cuStreamCreate(stream, 0));
  }

  static void check(int status) {
    assertEquals(0, status);
  }

  /** How much of everything the device has now. */
  static List<Long> counts() {
    return COUNTED.stream().map(Simulator.get()::count).toList();
  }

  static CUcontext current() {
    CUcontext now = new CUcontext();
    check(cuCtxGetCurrent(now));
    return now;
  }

  CudaContext wrap() {
    return CudaContext.of(context);
  }

  CudaStream stream(CudaContext wrapped) {
    return wrapped.wrap(stream);
  }

  CUdeviceptr allocate(long bytes) {
    CUdeviceptr pointer = new CUdeviceptr();
    check(cuCtxSetCurrent(context));
    check(cuMemAlloc(pointer, bytes));
    memory.add(pointer);
    return pointer;
  }

  DeviceBuffer buffer(CudaContext wrapped, String name, float... values) {
    CUdeviceptr pointer = allocate(4L * values.length);
    write(pointer, values);
    return wrapped.wrap(pointer, 4L * values.length, name);
  }

  void write(CUdeviceptr pointer, float... values) {
    check(cuCtxSetCurrent(context));
    check(cuMemcpyHtoD(pointer, Pointer.to(values), 4L * values.length));
  }

  float[] read(CUdeviceptr pointer, int count) {
    float[] values = new float[count];
    check(cuCtxSetCurrent(context));
    check(cuMemcpyDtoH(Pointer.to(values), pointer, 4L * count));
    return values;
  }

  void synchronize() {
    check(cuCtxSetCurrent(context));
    check(cuStreamSynchronize(stream));
  }

  /** [N,C,H,W] as [N,H,W,C]. */
  static float[] channelsLast(Shape shape, float... values) {
    float[] stored = new float[values.length];
    Layout.forEach(shape, 0, values.length, (logical, i) -> stored[i] = values[logical]);
    return stored;
  }

  @Override
  public void close() {
    check(cuCtxSetCurrent(context));
    memory.forEach(pointer -> check(cuMemFree(pointer)));
    check(cuStreamDestroy(stream));
    check(cuCtxDestroy(context));
  }
}
