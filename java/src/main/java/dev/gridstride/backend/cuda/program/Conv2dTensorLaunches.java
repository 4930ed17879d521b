package dev.gridstride.backend.cuda.program;

import dev.gridstride.backend.cuda.Dim;
import dev.gridstride.program.Shape;
import dev.gridstride.program.TensorType;
import dev.gridstride.program.op.Conv2d;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/**
 * Launches of {@code conv2d_tensor.cu}: convolution on tensor cores. Places hold bfloat16 or
 * float32 as the {@link TensorCores} say, channels last.
 */
final class Conv2dTensorLaunches {
  private static final String FILE = "conv2d_tensor";
  private static final Dim BLOCK = Dim.of(128);
  private static final int PIXELS = 128;
  private static final int CHANNELS = 64;

  /** Rows of the output gradient that a block sums for the bias, at least. */
  private static final int BIAS_ROWS = 256;

  /**
   * A convolution and its shapes.
   *
   * @param x [N,C,H,W]
   * @param w [O,C/G,KH,KW]
   * @param y [N,O,P,Q]
   */
  record Sizes(Conv2d conv, ChannelsLast x, ChannelsLast w, ChannelsLast y) {
    static Sizes of(Conv2d conv, Shape x, Shape w) {
      List<TensorType> inputs = List.of(TensorType.float32(x.dims()), TensorType.float32(w.dims()));
      Shape y = conv.outputTypes(inputs).get(0).shape();
      return new Sizes(conv, ChannelsLast.of(x), ChannelsLast.of(w), ChannelsLast.of(y));
    }

    int groupOut() {
      return w.n() / conv.groups();
    }

    /** Weights of an output channel. */
    int filter() {
      return Math.toIntExact(w.c() * w.pixels());
    }

    int inPixels(Emitter e) {
      return e.int32(x.n() * x.pixels() + PIXELS, "input pixels") - PIXELS;
    }

    int outPixels(Emitter e) {
      return e.int32(y.n() * y.pixels() + PIXELS, "output pixels") - PIXELS;
    }

    /** The kernels' sizes and attributes, in their order. */
    List<Object> arguments() {
      return List.of(
          x.n(),
          x.h(),
          x.w(),
          x.c(),
          y.h(),
          y.w(),
          y.c(),
          w.h(),
          w.w(),
          conv.stride().height(),
          conv.stride().width(),
          conv.padding().top(),
          conv.padding().left(),
          conv.dilation().height(),
          conv.dilation().width(),
          conv.groups());
    }
  }

  private Conv2dTensorLaunches() {}

  /**
   * Forward.
   *
   * @param y float32, or {@link Place#NULL}
   * @param bfloat16Y bfloat16, or {@link Place#NULL}; for {@link TensorCores#BF16} only
   * @param bias [O] float32, or {@link Place#NULL}
   */
  static void forward(
      Emitter e,
      TensorCores type,
      Sizes sizes,
      Place y,
      Place bfloat16Y,
      Place x,
      Place w,
      Place bias) {
    Dim grid =
        Dim.of(
            Dim.ceilDiv(sizes.outPixels(e), PIXELS),
            sizes.conv().groups() * Dim.ceilDiv(sizes.groupOut(), CHANNELS));
    List<Object> arguments = outputs(e, type, y, bfloat16Y);
    Collections.addAll(arguments, x, w, bias);
    arguments.addAll(sizes.arguments());
    arguments.add(sizes.conv().relu() ? 1 : 0);
    launch(e, type, "forward", grid, arguments);
  }

  /**
   * Gradient of the input.
   *
   * @param dx float32, or {@link Place#NULL}
   * @param bfloat16Dx bfloat16, or {@link Place#NULL}; for {@link TensorCores#BF16} only
   */
  static void backwardData(
      Emitter e, TensorCores type, Sizes sizes, Place dx, Place bfloat16Dx, Place dy, Place w) {
    Dim grid =
        Dim.of(
            Dim.ceilDiv(sizes.inPixels(e), PIXELS),
            sizes.conv().groups() * Dim.ceilDiv(sizes.w().c(), CHANNELS));
    List<Object> arguments = outputs(e, type, dx, bfloat16Dx);
    Collections.addAll(arguments, dy, w);
    arguments.addAll(sizes.arguments());
    launch(e, type, "backward_data", grid, arguments);
  }

  /**
   * Gradient of the weights, always float32: parts of the output pixels, summed in order.
   *
   * @param dw [O,KH,KW,C/G] float32
   */
  static void backwardWeights(
      Emitter e, TensorCores type, Sizes sizes, Place dw, Place x, Place dy) {
    long columns = Dim.ceilDiv(sizes.filter(), CHANNELS);
    long rows = sizes.conv().groups() * Dim.ceilDiv(sizes.groupOut(), CHANNELS);
    int parts = type.parts(columns * rows, sizes.outPixels(e), e.multiprocessors());
    int size = e.int32((long) sizes.w().n() * sizes.filter(), "weights");
    Place to = parts == 1 ? dw : e.scratch(4L * parts * size);
    List<Object> arguments = new ArrayList<>(List.of(to, x, dy));
    arguments.addAll(sizes.arguments());
    launch(e, type, "backward_weights", Dim.of(columns, rows, parts), arguments);
    if (parts > 1) {
      MatmulTensorLaunches.sumParts(e, dw, Place.NULL, to, Place.NULL, parts, 1, size, false);
    }
  }

  /**
   * Gradient of the bias from a bfloat16 gradient of the output: column sums, in two stages.
   *
   * @param db [columns] float32
   * @param dy [rows, columns] bfloat16
   * @param aligned whether dy starts on 8 bytes
   */
  static void backwardBias(Emitter e, Place db, Place dy, int rows, int columns, boolean aligned) {
    int vector = aligned ? Blocks.vector(columns) : 1;
    Dim block = Blocks.rows(Dim.ceilDiv(columns, vector), Blocks.WARP);
    long across = Dim.ceilDiv(columns, (long) vector * block.x());
    long wanted = Dim.ceilDiv(e.multiprocessors(), across);
    int parts = (int) Math.max(1, Math.min(wanted, rows / BIAS_ROWS));
    Place to = parts == 1 ? db : e.scratch(4L * parts * columns);
    e.launch(
        FILE,
        "conv2d_backward_bias_bf16",
        Dim.of(across, parts),
        block,
        0,
        to,
        dy,
        rows,
        columns,
        vector == 4 ? 1 : 0);
    if (parts > 1) {
      MatmulTensorLaunches.sumParts(e, db, Place.NULL, to, Place.NULL, parts, 1, columns, false);
    }
  }

  /**
   * Column sums of a gradient of this type: the bias gradient of convolutions and dense layers.
   *
   * @param sums [columns] float32
   * @param dy [rows, columns] of the type's elements, 256-byte aligned
   */
  static void columnSums(
      Emitter e, TensorCores type, Place sums, Place dy, long rows, int columns) {
    if (type == TensorCores.BF16) {
      backwardBias(e, sums, dy, e.int32(rows, "rows of the gradient"), columns, true);
    } else {
      ReduceLaunches.columnSums(e, sums, dy, rows, columns);
    }
  }

  private static List<Object> outputs(Emitter e, TensorCores type, Place out, Place bfloat16) {
    List<Object> arguments = new ArrayList<>();
    arguments.add(out);
    if (type == TensorCores.BF16) {
      arguments.add(bfloat16);
    } else if (!bfloat16.isNull()) {
      throw e.unsupported("TF32 kernels write float32 only");
    }
    return arguments;
  }

  private static void launch(
      Emitter e, TensorCores type, String pass, Dim grid, List<Object> arguments) {
    TensorCores.check(e);
    if (grid.y() > TilePlan.MOST_BLOCKS) {
      throw e.unsupported("no grid has room for " + grid.y() + " tiles of channels");
    }
    String kernel = "conv2d_" + pass + "_" + type.suffix();
    e.launch(FILE, kernel, grid, BLOCK, 0, arguments.toArray());
  }
}
