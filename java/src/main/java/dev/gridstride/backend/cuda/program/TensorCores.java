package dev.gridstride.backend.cuda.program;

import dev.gridstride.backend.Precision;
import dev.gridstride.backend.UnsupportedOpException;
import dev.gridstride.backend.cuda.ComputeCapability;
import dev.gridstride.backend.cuda.CudaDevice;
import dev.gridstride.backend.cuda.Dim;
import dev.gridstride.program.DataType;
import dev.gridstride.program.Node;
import dev.gridstride.program.Op;
import dev.gridstride.program.Program;
import dev.gridstride.program.Shape;
import dev.gridstride.program.op.Conv2d;
import dev.gridstride.program.op.Conv2dBackwardData;
import dev.gridstride.program.op.Conv2dBackwardWeights;
import dev.gridstride.program.op.Matmul;
import dev.gridstride.program.pass.Autocast;

/** What the kernels on tensor cores take and how they cut a product into blocks. */
enum TensorCores {
  /** float32 in memory, multiplied as TF32. */
  TF32("tf32", 4),
  /** bfloat16 in memory. */
  BF16("bf16", 2);

  /** The first architecture that can run them, as {@link Emitter#computeCapability()} counts. */
  static final int COMPUTE_CAPABILITY = 80;

  /** Bytes of k that a block takes at a time. */
  private static final int STAGE_BYTES = 64;

  /** Stages of k below which a split no longer pays: the pipeline has to fill first. */
  private static final int LEAST_STAGES = 4;

  private final String suffix;
  private final int bytes;

  TensorCores(String suffix, int bytes) {
    this.suffix = suffix;
    this.bytes = bytes;
  }

  /** The end of an entry point's name. */
  String suffix() {
    return suffix;
  }

  /** Bytes of an element in memory. */
  int bytes() {
    return bytes;
  }

  /** k that a block takes at a time: 16 floats or 32 bfloat16. */
  int stage() {
    return STAGE_BYTES / bytes;
  }

  /**
   * Into how many parts to split {@code k} so that {@code tiles} blocks a part fill the device.
   *
   * @param tiles blocks without a split
   */
  int parts(long tiles, long k, int multiprocessors) {
    long wanted = Dim.ceilDiv(multiprocessors, tiles);
    long most = Dim.ceilDiv(k, stage()) / LEAST_STAGES;
    return (int) Math.max(1, Math.min(wanted, most));
  }

  /**
   * The tensor cores for this node's products, by the type of its factors and the precision; null
   * where they go to the float32 kernels, in which case a note on the node says why if it was to be
   * expected otherwise.
   */
  static TensorCores of(Emitter e) {
    boolean bfloat16 = e.input(0).type().dtype() == DataType.BFLOAT16;
    if (!bfloat16 && e.precision() == Precision.FLOAT32) {
      return null;
    }
    String refusal = e.computeCapability() < COMPUTE_CAPABILITY ? tooOld(e) : refusal(e.node());
    if (refusal != null) {
      e.note("float32 kernel: " + refusal);
      return null;
    }
    return bfloat16 ? BF16 : e.precision() == Precision.TF32 ? TF32 : null;
  }

  /**
   * Why a convolution or matrix product of these shapes is not for tensor cores, in either type;
   * null if it is.
   */
  static String refusal(Node node) {
    Op op = node.op();
    if (op instanceof Matmul matmul && matmul.transposeA() && matmul.transposeB()) {
      return "tensor cores have none for two transposed matrices";
    } else if (op instanceof Conv2d conv) {
      return refusal(conv, node.input(1).shape());
    } else if (op instanceof Conv2dBackwardData backward) {
      return refusal(backward.conv(), node.input(1).shape());
    } else if (op instanceof Conv2dBackwardWeights backward) {
      return refusal(backward.conv(), backward.weightShape());
    }
    return null;
  }

  private static String refusal(Conv2d conv, Shape weight) {
    int in = weight.dim(1);
    int out = weight.dim(0) / conv.groups();
    return Conv2dLaunches.fewChannels(conv.groups(), in, out)
        ? "groups of " + in + " to " + out + " channels would leave tensor cores mostly idle"
        : null;
  }

  /** Says why, if the device has no such tensor cores. */
  static void check(Emitter e) {
    if (e.computeCapability() < COMPUTE_CAPABILITY) {
      throw e.unsupported(tooOld(e));
    }
  }

  private static String tooOld(Emitter e) {
    int capability = e.computeCapability();
    return "tf32 and bf16 need compute capability 8.0, the device has "
        + capability / 10
        + "."
        + capability % 10;
  }

  /**
   * The program as it is recorded: in bf16, with casts before what tensor cores multiply, except
   * those that their kernels do.
   */
  static Program withCasts(Program program, Precision precision) {
    return precision == Precision.BF16
        ? CastOutputs.merge(Autocast.apply(program, node -> refusal(node) == null))
        : program;
  }

  /**
   * For a device that is about to be opened.
   *
   * @param name of the backend
   * @throws UnsupportedOpException if the precision needs tensor cores that the device does not
   *     have
   */
  static void require(String name, CudaDevice device, Precision precision) {
    ComputeCapability capability = device.computeCapability();
    int number = 10 * capability.major() + capability.minor();
    if (precision != Precision.FLOAT32 && number < COMPUTE_CAPABILITY) {
      throw new UnsupportedOpException(
          name
              + ": precision "
              + precision
              + " needs compute capability 8.0, "
              + device.name()
              + " has "
              + capability
              + "; choose --precision float32 or another card");
    }
  }
}
