package dev.gridstride.backend.cuda.program;

import dev.gridstride.backend.cuda.vendor.Cudnn;
import dev.gridstride.backend.cuda.vendor.CudnnOps;
import dev.gridstride.backend.cuda.vendor.CudnnOps.Pooling;
import dev.gridstride.backend.cuda.vendor.CudnnOps.Window;
import dev.gridstride.backend.cuda.vendor.CudnnTensor;
import dev.gridstride.program.Padding2d;
import dev.gridstride.program.Shape;
import dev.gridstride.program.Size2d;
import dev.gridstride.program.op.AvgPool2d;
import dev.gridstride.program.op.AvgPool2dBackward;
import dev.gridstride.program.op.GlobalAvgPool2d;
import dev.gridstride.program.op.GlobalAvgPool2dBackward;
import dev.gridstride.program.op.MaxPool2d;
import dev.gridstride.program.op.MaxPool2dBackward;
import dev.gridstride.program.op.Pool2d;
import java.util.List;

/** Pooling by cuDNN. */
final class CudnnPool2d {
  private CudnnPool2d() {}

  static void max(MaxPool2d op, Emitter e) {
    if (e.isRead(1)) {
      throw e.unsupported("cuDNN does not say where the maxima are, which is read here");
    }
    forward(e, op.window(), Pooling.MAX);
  }

  /** Of the images and their maxima, see {@link CudnnInputs}. */
  static void maxBackward(MaxPool2dBackward op, Emitter e) {
    if (e.inputs() == 2) {
      throw e.unsupported(
          "cuDNN needs the images and the maxima, and this node has the argmax; ask for both"
              + " max_pool2d and max_pool2d_backward");
    }
    Cudnn cudnn = e.cudnn();
    Shape x = op.inputShape();
    Shape y = e.input(0).shape();
    Window window = window(e, op.window(), Pooling.MAX, x, y);
    CudnnTensor in = CudnnCalls.images(x);
    CudnnTensor out = CudnnCalls.images(y);
    CudnnCalls.call(
        e,
        cudnn,
        () -> CudnnOps.poolBackward(cudnn, window, in, out),
        e.out(0),
        e.in(0),
        e.in(1),
        e.in(2));
  }

  static void average(AvgPool2d op, Emitter e) {
    forward(e, op.window(), mode(op.countPadding()));
  }

  static void averageBackward(AvgPool2dBackward op, Emitter e) {
    Shape x = op.inputShape();
    backward(e, window(e, op.window(), mode(op.countPadding()), x, e.input(0).shape()), x);
  }

  static void globalAverage(GlobalAvgPool2d op, Emitter e) {
    Shape x = e.input(0).shape();
    forward(e, whole(x), x);
  }

  static void globalAverageBackward(GlobalAvgPool2dBackward op, Emitter e) {
    backward(e, whole(op.inputShape()), op.inputShape());
  }

  private static Pooling mode(boolean countPadding) {
    return countPadding ? Pooling.AVERAGE_WITH_PADDING : Pooling.AVERAGE;
  }

  private static Window whole(Shape image) {
    List<Integer> size = List.of(image.dim(2), image.dim(3));
    return new Window(Pooling.AVERAGE, size, List.of(0, 0), size);
  }

  private static Window window(Emitter e, Pool2d pool, Pooling mode, Shape x, Shape y) {
    Padding2d padding = pool.padding();
    return new Window(
        mode,
        CudnnCalls.pair(pool.kernel()),
        CudnnCalls.padding(e, padding, x, pool.kernel(), pool.stride(), Size2d.of(1), y),
        CudnnCalls.pair(pool.stride()));
  }

  private static void forward(Emitter e, Pool2d pool, Pooling mode) {
    Shape x = e.input(0).shape();
    forward(e, window(e, pool, mode, x, e.output(0).shape()), x);
  }

  private static void forward(Emitter e, Window window, Shape x) {
    Cudnn cudnn = e.cudnn();
    CudnnTensor in = CudnnCalls.images(x);
    CudnnTensor out = pooled(e.output(0).shape());
    CudnnCalls.call(e, cudnn, () -> CudnnOps.pool(cudnn, window, in, out), e.out(0), e.in(0));
  }

  /** Of an average, which is a matter of dy alone: cuDNN wants x and y to be given, not set. */
  private static void backward(Emitter e, Window window, Shape x) {
    Cudnn cudnn = e.cudnn();
    CudnnTensor in = CudnnCalls.images(x);
    CudnnTensor out = pooled(e.input(0).shape());
    Place dy = e.in(0);
    Place any = e.scratch(in.bytes());
    CudnnCalls.call(
        e, cudnn, () -> CudnnOps.poolBackward(cudnn, window, in, out), e.out(0), dy, any, dy);
  }

  /** A result [N,C,P,Q], or [N,C] of a whole image. */
  private static CudnnTensor pooled(Shape y) {
    return CudnnCalls.images(y.rank() == 4 ? y : Shape.of(y.dim(0), y.dim(1), 1, 1));
  }
}
