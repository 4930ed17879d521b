package dev.gridstride.nn;

import dev.gridstride.program.Padding2d;
import dev.gridstride.program.Size2d;
import dev.gridstride.program.Value;
import dev.gridstride.program.op.Pool2d;

/**
 * Mean of each window; see {@link dev.gridstride.program.op.AvgPool2d}. Input [N,C,H,W]; output
 * [N,C,P,Q] as for {@link MaxPool2d}. Defaults: windows side by side, no padding, and padding left
 * out of the mean, as in Keras; PyTorch counts it as zeros.
 *
 * @param window kernel, stride and padding; the dilation must be 1
 * @param countPadding whether padding counts as zeros in the mean
 */
public record AvgPool2d(Window window, boolean countPadding) implements Layer {
  /** Checks the window. */
  public AvgPool2d {
    window.checkPooling();
  }

  /** Windows of {@code kernel} x {@code kernel} side by side. */
  public static AvgPool2d of(int kernel) {
    return of(Size2d.of(kernel));
  }

  /** Windows of this size side by side. */
  public static AvgPool2d of(Size2d kernel) {
    return new AvgPool2d(Window.of(kernel, kernel), false);
  }

  /** With this distance between windows, both ways. */
  public AvgPool2d stride(int stride) {
    return new AvgPool2d(window.withStride(Size2d.of(stride)), countPadding);
  }

  /** With so many rows and columns round the image; fewer than the kernel has. */
  public AvgPool2d padding(int padding) {
    return new AvgPool2d(window.withPadding(Padding2d.of(padding)), countPadding);
  }

  /** With the padding that makes the output extent {@code ceil(in / stride)}. */
  public AvgPool2d samePadding() {
    return new AvgPool2d(window.withSamePadding(), countPadding);
  }

  /** With padding counted as zeros in the mean, or left out. */
  public AvgPool2d countPadding(boolean wanted) {
    return new AvgPool2d(window, wanted);
  }

  @Override
  public Value apply(Scope scope, Value x) {
    Pool2d pool = window.pooling(x.shape());
    return scope.add(new dev.gridstride.program.op.AvgPool2d(pool, countPadding), x);
  }

  @Override
  public String kind() {
    return "pool";
  }

  /** For example {@code AvgPool2d 3x3, stride 2x2}. */
  @Override
  public String toString() {
    return "AvgPool2d "
        + window.describe(window.kernel())
        + (countPadding ? ", padding counted" : "");
  }
}
