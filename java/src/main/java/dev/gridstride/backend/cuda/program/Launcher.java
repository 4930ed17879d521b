package dev.gridstride.backend.cuda.program;

import dev.gridstride.backend.BackendException;
import dev.gridstride.backend.cuda.ComputeCapability;
import dev.gridstride.backend.cuda.Dim;
import dev.gridstride.program.TensorType;

/**
 * Records what a {@link CudaOp} does on the device, in the order in which it runs. Sizes are known,
 * addresses are not: a {@link Place} stands for a pointer.
 *
 * <p>Values of rank 4 lie channels last, [N,C,H,W] as [N,H,W,C] and convolution weights [O,C,KH,KW]
 * as [O,KH,KW,C]; all others row by row. A kernel that wants its images as [N,C,H,W] asks for
 * {@link #rowMajorInput} and {@link #rowMajorOutput}, which cost a pass over memory each.
 */
public final class Launcher {
  private final Emitter emitter;
  private final KernelCode kernels;

  Launcher(Emitter emitter, KernelCode kernels) {
    this.emitter = emitter;
    this.kernels = kernels;
  }

  /** How many inputs the op has here. */
  public int inputs() {
    return emitter.inputs();
  }

  /** Element type and logical shape of input {@code i}. */
  public TensorType inputType(int i) {
    return emitter.input(i).type();
  }

  /** Element type and logical shape of output {@code i}. */
  public TensorType outputType(int i) {
    return emitter.output(i).type();
  }

  /** Memory of input {@code i}, at a multiple of 16 bytes; only to be read. */
  public Place input(int i) {
    return emitter.in(i);
  }

  /** Memory of output {@code i}, at a multiple of 16 bytes. */
  public Place output(int i) {
    return emitter.out(i);
  }

  /** Memory of input {@code i}, float32, row by row whatever its rank; only to be read. */
  public Place rowMajorInput(int i) {
    return emitter.rowMajorIn(i);
  }

  /** Memory to write output {@code i}, float32, to row by row whatever its rank. */
  public Place rowMajorOutput(int i) {
    return emitter.rowMajorOut(i);
  }

  /** Memory for intermediate results, at a multiple of 256 bytes; undefined before every run. */
  public Place scratch(long bytes) {
    return emitter.scratch(bytes);
  }

  /**
   * A launch of one of the op's kernels.
   *
   * @param kernel its name, declared {@code extern "C" __global__}
   * @param sharedBytes dynamic shared memory of a block
   * @param arguments in the kernel's order: {@link Place} for a pointer ({@link Place#NULL} for a
   *     null one), Integer, Long, Float or Double for a number of exactly that type
   */
  public void launch(String kernel, Dim grid, Dim block, int sharedBytes, Object... arguments) {
    emitter.launch(kernels, kernel, grid, block, sharedBytes, arguments);
  }

  /** Fills {@code bytes} with zeros. */
  public void clear(Place place, long bytes) {
    emitter.clear(place, bytes);
  }

  /** Copies {@code bytes}; the two must not overlap. */
  public void copy(Place to, Place from, long bytes) {
    emitter.copy(to, from, bytes);
  }

  /**
   * {@code number} as an int, for kernels that count in 32 bits.
   *
   * @param what it is, for the message
   * @throws BackendException if it does not fit
   */
  public int int32(long number, String what) {
    return emitter.int32(number, what);
  }

  /** Streaming multiprocessors of the device: how many blocks it takes to fill it. */
  public int multiprocessors() {
    return emitter.multiprocessors();
  }

  /** Generation of the device. */
  public ComputeCapability computeCapability() {
    return new ComputeCapability(
        emitter.computeCapability() / 10, emitter.computeCapability() % 10);
  }

  /** Says that no kernel takes the inputs as they are; to be thrown. */
  public BackendException unsupported(String why) {
    return emitter.unsupported(why);
  }
}
