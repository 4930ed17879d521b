package dev.gridstride.backend.cuda.program;

import dev.gridstride.backend.cuda.Dim;
import dev.gridstride.program.Shape;
import dev.gridstride.program.op.AvgPool2d;
import dev.gridstride.program.op.AvgPool2dBackward;
import dev.gridstride.program.op.GlobalAvgPool2d;
import dev.gridstride.program.op.GlobalAvgPool2dBackward;
import dev.gridstride.program.op.MaxPool2d;
import dev.gridstride.program.op.MaxPool2dBackward;
import dev.gridstride.program.op.Pool2d;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Launches of {@code pool2d.cu}. */
final class Pool2dLaunches {
  private static final String FILE = "pool2d";

  private Pool2dLaunches() {}

  static void max(MaxPool2d op, Emitter e) {
    Sizes s = new Sizes(op.window(), e.input(0).shape(), e.output(0).shape());
    places(e, "max_pool2d_forward_f32", s.y().h(), s.y().w(), s, e.out(0), e.out(1), e.in(0));
  }

  static void maxBackward(MaxPool2dBackward op, Emitter e) {
    Sizes s = new Sizes(op.window(), op.inputShape(), e.input(0).shape());
    Place argmax = argmax(e, s);
    Pool2d window = op.window();
    boolean apart =
        window.stride().height() >= window.kernel().height()
            && window.stride().width() >= window.kernel().width();
    if (apart) {
      long high = Dim.ceilDiv(s.x().h() + window.padding().top(), window.stride().height());
      long wide = Dim.ceilDiv(s.x().w() + window.padding().left(), window.stride().width());
      String kernel = "max_pool2d_backward_cells_f32";
      places(e, kernel, high, wide, s, e.out(0), e.in(0), argmax);
    } else {
      String kernel = "max_pool2d_backward_f32";
      places(e, kernel, s.x().h(), s.x().w(), s, e.out(0), e.in(0), argmax);
    }
  }

  /** Input 1, or found once more where {@link CudnnInputs} left the images and maxima instead. */
  private static Place argmax(Emitter e, Sizes s) {
    if (e.inputs() == 2) {
      return e.in(1);
    }
    Place argmax = e.scratch(e.inElements(0) * Integer.BYTES);
    Place maxima = e.scratch(e.inElements(0) * Float.BYTES);
    places(e, "max_pool2d_forward_f32", s.y().h(), s.y().w(), s, maxima, argmax, e.in(1));
    return argmax;
  }

  static void average(AvgPool2d op, Emitter e) {
    Sizes s = new Sizes(op.window(), e.input(0).shape(), e.output(0).shape());
    s.more().add(op.countPadding() ? 1 : 0);
    places(e, "avg_pool2d_forward_f32", s.y().h(), s.y().w(), s, e.out(0), e.in(0));
  }

  static void averageBackward(AvgPool2dBackward op, Emitter e) {
    Sizes s = new Sizes(op.window(), op.inputShape(), e.input(0).shape());
    s.more().add(op.countPadding() ? 1 : 0);
    places(e, "avg_pool2d_backward_f32", s.x().h(), s.x().w(), s, e.out(0), e.in(0));
  }

  static void globalAverage(GlobalAvgPool2d op, Emitter e) {
    ChannelsLast x = ChannelsLast.of(e.input(0).shape());
    int pixels = e.int32(x.pixels(), "pixels of an image");
    int vectors = x.c() / Blocks.vector(x.c());
    Dim block = Blocks.rows(vectors, Blocks.WARP);
    Dim grid = Dim.of(x.n(), Dim.ceilDiv(vectors, block.x()));
    String kernel = "global_avg_pool2d_forward_f32";
    e.launch(FILE, kernel, grid, block, 0, e.out(0), e.in(0), pixels, x.c());
  }

  static void globalAverageBackward(GlobalAvgPool2dBackward op, Emitter e) {
    ChannelsLast x = ChannelsLast.of(op.inputShape());
    int pixels = e.int32(x.pixels(), "pixels of an image");
    Grid grid = Grid.of(e, x.n(), pixels, 1, x.c());
    String kernel = "global_avg_pool2d_backward_f32";
    e.launch(FILE, kernel, grid.grid(), grid.block(), 0, e.out(0), e.in(0), x.n(), pixels, x.c());
  }

  /**
   * A pooling.
   *
   * @param x sizes of the images
   * @param y sizes of the results
   * @param more arguments behind the sizes
   */
  private record Sizes(Pool2d window, ChannelsLast x, ChannelsLast y, List<Object> more) {
    Sizes(Pool2d window, Shape x, Shape y) {
      this(window, ChannelsLast.of(x), ChannelsLast.of(y), new ArrayList<>());
    }

    Object[] arguments(Place... tensors) {
      List<Object> arguments = new ArrayList<>(Arrays.asList((Object[]) tensors));
      arguments.addAll(List.of(x.n(), x.c(), x.h(), x.w(), y.h(), y.w()));
      arguments.addAll(List.of(window.kernel().height(), window.kernel().width()));
      arguments.addAll(List.of(window.stride().height(), window.stride().width()));
      arguments.addAll(List.of(window.padding().top(), window.padding().left()));
      arguments.addAll(more);
      return arguments.toArray();
    }
  }

  /** A thread for V channels of each place, the neighbours of a row side by side. */
  private record Grid(Dim grid, Dim block) {
    static Grid of(Emitter e, int images, long height, long width, int channels) {
      int row = e.int32(width * channels / Blocks.vector(channels), "elements of a row");
      int rows = e.int32(images * height, "rows of all images");
      Dim block = Blocks.rows(row, Blocks.THREADS);
      return new Grid(Dim.of(Dim.ceilDiv(rows, block.y()), Dim.ceilDiv(row, block.x())), block);
    }
  }

  private static void places(
      Emitter e, String kernel, long height, long width, Sizes s, Place... tensors) {
    Grid grid = Grid.of(e, s.x().n(), height, width, s.x().c());
    e.launch(FILE, kernel, grid.grid(), grid.block(), 0, s.arguments(tensors));
  }
}
