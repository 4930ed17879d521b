package dev.gridstride.backend.reference;

import dev.gridstride.program.Shape;
import dev.gridstride.program.op.AvgPool2d;
import dev.gridstride.program.op.AvgPool2dBackward;
import dev.gridstride.program.op.GlobalAvgPool2d;
import dev.gridstride.program.op.GlobalAvgPool2dBackward;
import dev.gridstride.program.op.MaxPool2d;
import dev.gridstride.program.op.MaxPool2dBackward;
import dev.gridstride.program.op.Pool2d;

/** Maximum, average and global average pooling. */
final class PoolingKernels {
  private PoolingKernels() {}

  /** The part of a window that lies inside the image; ends are exclusive. */
  private record Window(int top, int bottom, int left, int right) {
    int count() {
      return (bottom - top) * (right - left);
    }
  }

  /** Takes the flat index of an output element, that of its image's first element, its window. */
  @FunctionalInterface
  private interface Visitor {
    void visit(int output, int image, Window window);
  }

  static void max(MaxPool2d op, Operands io) {
    double[] x = io.in(0);
    double[] y = io.out(0);
    long[] argmax = io.outIntegers(1);
    int width = io.inShape(0).dim(3);
    forEachWindow(
        op.window(),
        io.inShape(0),
        io.outShape(0),
        (output, image, window) -> {
          int best = window.top() * width + window.left();
          for (int row = window.top(); row < window.bottom(); row++) {
            for (int column = window.left(); column < window.right(); column++) {
              if (x[image + row * width + column] > x[image + best]) {
                best = row * width + column;
              }
            }
          }
          y[output] = x[image + best];
          argmax[output] = best;
        });
  }

  static void maxBackward(MaxPool2dBackward op, Operands io) {
    double[] dy = io.in(0);
    long[] argmax = io.inIntegers(1);
    double[] dx = io.out(0);
    forEachWindow(
        op.window(),
        op.inputShape(),
        io.inShape(0),
        (output, image, window) -> dx[image + (int) argmax[output]] += dy[output]);
  }

  static void average(AvgPool2d op, Operands io) {
    double[] x = io.in(0);
    double[] y = io.out(0);
    int width = io.inShape(0).dim(3);
    forEachWindow(
        op.window(),
        io.inShape(0),
        io.outShape(0),
        (output, image, window) -> {
          double sum = 0;
          for (int row = window.top(); row < window.bottom(); row++) {
            for (int column = window.left(); column < window.right(); column++) {
              sum += x[image + row * width + column];
            }
          }
          y[output] = sum / divisor(op.window(), op.countPadding(), window);
        });
  }

  static void averageBackward(AvgPool2dBackward op, Operands io) {
    double[] dy = io.in(0);
    double[] dx = io.out(0);
    int width = op.inputShape().dim(3);
    forEachWindow(
        op.window(),
        op.inputShape(),
        io.inShape(0),
        (output, image, window) -> {
          double share = dy[output] / divisor(op.window(), op.countPadding(), window);
          for (int row = window.top(); row < window.bottom(); row++) {
            for (int column = window.left(); column < window.right(); column++) {
              dx[image + row * width + column] += share;
            }
          }
        });
  }

  private static int divisor(Pool2d pool, boolean countPadding, Window window) {
    return countPadding ? pool.kernel().height() * pool.kernel().width() : window.count();
  }

  static void globalAverage(GlobalAvgPool2d op, Operands io) {
    double[] x = io.in(0);
    double[] y = io.out(0);
    int plane = Channels.plane(io.inShape(0));
    for (int i = 0; i < x.length; i++) {
      y[i / plane] += x[i] / plane;
    }
  }

  static void globalAverageBackward(GlobalAvgPool2dBackward op, Operands io) {
    double[] dy = io.in(0);
    double[] dx = io.out(0);
    int plane = Channels.plane(op.inputShape());
    for (int i = 0; i < dx.length; i++) {
      dx[i] = dy[i / plane] / plane;
    }
  }

  private static void forEachWindow(Pool2d pool, Shape x, Shape y, Visitor visitor) {
    int images = y.dim(0) * y.dim(1);
    int height = x.dim(2);
    int width = x.dim(3);
    int output = 0;
    for (int image = 0; image < images; image++) {
      for (int p = 0; p < y.dim(2); p++) {
        for (int q = 0; q < y.dim(3); q++) {
          int top = p * pool.stride().height() - pool.padding().top();
          int left = q * pool.stride().width() - pool.padding().left();
          Window window =
              new Window(
                  Math.max(top, 0),
                  Math.min(top + pool.kernel().height(), height),
                  Math.max(left, 0),
                  Math.min(left + pool.kernel().width(), width));
          visitor.visit(output, image * height * width, window);
          output++;
        }
      }
    }
  }
}
