package dev.gridstride.backend.cuda.program;

import dev.gridstride.backend.Precision;
import dev.gridstride.backend.cuda.vendor.Cudnn;
import dev.gridstride.backend.cuda.vendor.CudnnAlgorithm;
import dev.gridstride.backend.cuda.vendor.CudnnConvolution;
import dev.gridstride.backend.cuda.vendor.CudnnConvolution.Multiplication;
import dev.gridstride.backend.cuda.vendor.CudnnConvolution.Pass;
import dev.gridstride.backend.cuda.vendor.CudnnOps;
import dev.gridstride.backend.cuda.vendor.CudnnTensor;
import dev.gridstride.backend.cuda.vendor.CudnnTensor.Format;
import dev.gridstride.backend.cuda.vendor.LibraryCall;
import dev.gridstride.backend.cuda.vendor.VendorLibraries;
import dev.gridstride.program.DataType;
import dev.gridstride.program.Shape;
import dev.gridstride.program.TensorType;
import dev.gridstride.program.op.Conv2d;
import dev.gridstride.program.op.Conv2dBackwardData;
import dev.gridstride.program.op.Conv2dBackwardWeights;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.BiFunction;
import java.util.function.Predicate;

/**
 * Convolution by cuDNN: by the first algorithm in its own order that computes in the wanted way,
 * gives the same bits from run to run (unless others are allowed) and needs no more workspace than
 * {@link #MOST_WORKSPACE}.
 *
 * <p>Images and weights are taken as they are stored, channels last. Where cuDNN has nothing for
 * that order, float32 goes through permuted copies.
 *
 * <p>cuDNN's convolutions write the type that they read. So bfloat16 factors are taken as they are
 * only where nothing but a bfloat16 result without a bias is wanted; else their float32 copies are
 * multiplied as TF32, which holds every bfloat16, and summed in float32.
 */
final class CudnnConv2d {
  /** Bytes of workspace of one call at most. */
  static final long MOST_WORKSPACE = 512L << 20;

  /** Orders in memory, tried one after the other. */
  static final List<Format> FORMATS = List.of(Format.NHWC, Format.NCHW);

  private final Emitter e;
  private final Cudnn cudnn;
  private final Conv2d conv;
  private final Shape x;
  private final Shape w;
  private final Shape y;
  private final List<Integer> padding;
  private final List<Format> formats;

  /** Whether bfloat16 is read and written. */
  private final boolean bfloat16;

  /** Whether bfloat16 factors are copied to float32. */
  private final boolean widened;

  /** Their copies, as far as they are made. */
  private final Place[] wide = new Place[2];

  /** Why what was tried is not used. */
  private final List<String> refusals = new ArrayList<>();

  /** What is used. */
  private record Choice(CudnnConvolution convolution, CudnnAlgorithm algorithm, LibraryCall call) {
    boolean isPermuted() {
      return convolution.x().format() == Format.NCHW;
    }
  }

  private CudnnConv2d(
      Emitter e, Conv2d conv, Shape x, Shape w, Shape y, boolean bias, List<Format> formats) {
    this.e = e;
    this.conv = conv;
    this.x = x;
    this.w = w;
    this.y = y;
    cudnn = e.cudnn();
    padding =
        CudnnCalls.padding(
            e, conv.padding(), x, Conv2d.kernel(w), conv.stride(), conv.dilation(), y);
    boolean halves = e.input(0).type().dtype() == DataType.BFLOAT16;
    bfloat16 = halves && !bias && e.float32Out().isNull();
    widened = halves && !bfloat16;
    this.formats = halves ? List.of(Format.NHWC) : formats;
  }

  static void forward(Conv2d op, Emitter e) {
    forward(op, e, FORMATS);
  }

  static void forward(Conv2d op, Emitter e, List<Format> formats) {
    Place bias = e.optionalIn(2);
    Shape input = e.input(0).shape();
    Shape weight = e.input(1).shape();
    Shape output = e.output(0).shape();
    new CudnnConv2d(e, op, input, weight, output, !bias.isNull(), formats).forward(bias);
  }

  static void backwardData(Conv2dBackwardData op, Emitter e) {
    backwardData(op, e, FORMATS);
  }

  static void backwardData(Conv2dBackwardData op, Emitter e, List<Format> formats) {
    Shape weight = e.input(1).shape();
    Shape output = e.input(0).shape();
    new CudnnConv2d(e, op.conv(), op.inputShape(), weight, output, false, formats)
        .plain(Pass.BACKWARD_DATA);
  }

  static void backwardWeights(Conv2dBackwardWeights op, Emitter e) {
    backwardWeights(op, e, FORMATS);
  }

  static void backwardWeights(Conv2dBackwardWeights op, Emitter e, List<Format> formats) {
    Shape input = e.input(0).shape();
    Shape output = e.input(1).shape();
    CudnnConv2d conv2d =
        new CudnnConv2d(e, op.conv(), input, op.weightShape(), output, false, formats);
    conv2d.plain(Pass.BACKWARD_FILTER);
    if (op.bias()) {
      CudnnTensor dy = CudnnCalls.images(output);
      Place from = conv2d.widened ? conv2d.widen(1) : e.in(1);
      Cudnn cudnn = conv2d.cudnn;
      CudnnCalls.call(e, cudnn, () -> CudnnConvolution.backwardBias(cudnn, dy), e.out(1), from);
    }
  }

  private void forward(Place bias) {
    for (Format format : formats) {
      if (!bias.isNull()) {
        Choice fused =
            choose(
                format,
                Pass.FORWARD,
                algorithm -> conv.relu() || algorithm.takesIdentity(),
                (convolution, algorithm) ->
                    convolution.biasActivation(cudnn, algorithm, conv.relu()),
                y.dim(1) * (long) Float.BYTES);
        if (fused != null) {
          finish(record(fused, bias));
          return;
        }
      }
      Choice plain = plain(format, Pass.FORWARD);
      if (plain != null) {
        Place to = record(plain);
        CudnnTensor type = plain.convolution.y();
        if (!bias.isNull()) {
          CudnnCalls.call(e, cudnn, () -> CudnnOps.addBias(cudnn, type), to, bias);
        }
        if (conv.relu()) {
          CudnnCalls.call(e, cudnn, () -> CudnnOps.relu(cudnn, type), to, to);
        }
        finish(to);
        return;
      }
    }
    throw refused();
  }

  private void plain(Pass pass) {
    for (Format format : formats) {
      Choice choice = plain(format, pass);
      if (choice != null) {
        finish(record(choice));
        return;
      }
    }
    throw refused();
  }

  private Choice plain(Format format, Pass pass) {
    return choose(
        format,
        pass,
        algorithm -> true,
        (convolution, algorithm) -> convolution.call(cudnn, algorithm));
  }

  /**
   * The first algorithm by which the library takes the call; null if there is none.
   *
   * @param more bytes of further operands
   */
  private Choice choose(
      Format format,
      Pass pass,
      Predicate<CudnnAlgorithm> suits,
      BiFunction<CudnnConvolution, CudnnAlgorithm, LibraryCall> maker,
      long... more) {
    CudnnConvolution c = convolution(format);
    List<CudnnAlgorithm> all = CudnnCalls.asked(e, () -> CudnnAlgorithm.all(cudnn, c, pass));
    List<CudnnAlgorithm> usable =
        CudnnAlgorithm.usable(all, c.math(), e.mayBeNondeterministic(), MOST_WORKSPACE).stream()
            .filter(suits)
            .toList();
    if (usable.isEmpty()) {
      refusals.add(
          format + ": none of " + String.join(", ", all.stream().map(a -> a.describe()).toList()));
    }
    for (CudnnAlgorithm algorithm : usable) {
      LibraryCall call = CudnnCalls.asked(e, () -> maker.apply(c, algorithm));
      long[] bytes = Arrays.copyOf(operandBytes(c, algorithm), 4 + more.length);
      System.arraycopy(more, 0, bytes, 4, more.length);
      String refusal = CudnnCalls.refusal(cudnn, call, bytes);
      if (refusal == null) {
        return new Choice(c, algorithm, call);
      }
      refusals.add(format + ", " + algorithm.name() + ": " + refusal);
    }
    return null;
  }

  private static long[] operandBytes(CudnnConvolution c, CudnnAlgorithm algorithm) {
    long x = c.x().bytes();
    long w = c.w().bytes();
    long y = c.y().bytes();
    long workspace = algorithm.workspaceBytes();
    return switch (algorithm.pass()) {
      case FORWARD -> new long[] {y, x, w, workspace};
      case BACKWARD_DATA -> new long[] {x, y, w, workspace};
      case BACKWARD_FILTER -> new long[] {w, x, y, workspace};
    };
  }

  private CudnnConvolution convolution(Format format) {
    return new CudnnConvolution(
        tensor(x, format),
        tensor(w, format),
        tensor(y, format),
        CudnnCalls.pair(conv.stride()),
        padding,
        CudnnCalls.pair(conv.dilation()),
        conv.groups(),
        math());
  }

  private CudnnTensor tensor(Shape shape, Format format) {
    DataType dtype = bfloat16 ? DataType.BFLOAT16 : DataType.FLOAT32;
    return CudnnCalls.tensor(new TensorType(dtype, shape), format);
  }

  private Multiplication math() {
    if (bfloat16) {
      return Multiplication.TENSOR;
    }
    if (!widened && e.precision() != Precision.TF32) {
      return Multiplication.FMA;
    }
    String problem = VendorLibraries.tf32Problem(true);
    if (problem != null) {
      throw e.unsupported(problem);
    }
    return Multiplication.TF32;
  }

  /** Records the chosen call; where its result is. */
  private Place record(Choice choice, Place... more) {
    boolean complete = false;
    try {
      List<Place> places = new ArrayList<>();
      places.add(result(choice));
      places.add(operand(choice, 0));
      places.add(operand(choice, 1));
      long workspace = choice.algorithm.workspaceBytes();
      places.add(workspace == 0 ? Place.NULL : e.scratch(workspace));
      places.addAll(List.of(more));
      e.call(choice.call, places.toArray(Place[]::new));
      complete = true;
      return places.get(0);
    } finally {
      if (!complete) {
        choice.call.close();
      }
    }
  }

  private Place operand(Choice choice, int i) {
    return choice.isPermuted() ? e.rowMajorIn(i) : widened ? widen(i) : e.in(i);
  }

  /** The float32 copy of a factor. */
  private Place widen(int i) {
    if (wide[i] == null) {
      wide[i] = e.float32In(i);
    }
    return wide[i];
  }

  private Place result(Choice choice) {
    if (choice.isPermuted()) {
      e.note("through permuted copies: cuDNN has no algorithm for channels last");
      return e.rowMajorOut(0);
    }
    if (widened) {
      e.note("copies of the factors multiplied as TF32: cuDNN writes bfloat16 alone of bfloat16");
    }
    if (bfloat16) {
      return e.bfloat16Out();
    }
    return e.float32Out().isNull() ? e.scratch(e.outElements(0) * Float.BYTES) : e.float32Out();
  }

  /** Casts a float32 result where it is wanted in bfloat16 too, or instead. */
  private void finish(Place result) {
    if (widened && !e.bfloat16Out().isNull()) {
      CastLaunches.toBfloat16(e, e.bfloat16Out(), result, e.outElements(0));
    }
  }

  private RuntimeException refused() {
    return e.unsupported(
        "cuDNN has no algorithm that is "
            + (e.mayBeNondeterministic() ? "" : "deterministic and ")
            + "for "
            + math()
            + " ("
            + String.join("; ", refusals)
            + ")");
  }
}
