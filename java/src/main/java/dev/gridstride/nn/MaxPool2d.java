package dev.gridstride.nn;

import dev.gridstride.program.Size2d;
import dev.gridstride.program.Value;
import dev.gridstride.program.op.Pool2d;

/**
 * Maximum of each window; see {@link dev.gridstride.program.op.MaxPool2d}. Input [N,C,H,W]; output
 * [N,C,P,Q] with {@code P = floor((H + top + bottom - KH) / stride) + 1}. Padding never wins.
 * Defaults: windows side by side, no padding.
 *
 * @param window kernel, stride and padding; the dilation must be 1
 */
public record MaxPool2d(Window window) implements Layer {
  /** Checks the window. */
  public MaxPool2d {
    window.checkPooling();
  }

  /** Windows of {@code kernel} x {@code kernel} side by side. */
  public static MaxPool2d of(int kernel) {
    return of(Size2d.of(kernel));
  }

  /** Windows of this size side by side. */
  public static MaxPool2d of(Size2d kernel) {
    return new MaxPool2d(Window.of(kernel, kernel));
  }

  /** With this distance between windows, both ways. */
  public MaxPool2d stride(int stride) {
    return new MaxPool2d(window.withStride(Size2d.of(stride)));
  }

  /** With so many rows and columns round the image; fewer than the kernel has. */
  public MaxPool2d padding(int padding) {
    return new MaxPool2d(window.withPadding(dev.gridstride.program.Padding2d.of(padding)));
  }

  /** With the padding that makes the output extent {@code ceil(in / stride)}. */
  public MaxPool2d samePadding() {
    return new MaxPool2d(window.withSamePadding());
  }

  @Override
  public Value apply(Scope scope, Value x) {
    Pool2d pool = window.pooling(x.shape());
    return scope.addAll(new dev.gridstride.program.op.MaxPool2d(pool), x).get(0);
  }

  @Override
  public String kind() {
    return "pool";
  }

  /** For example {@code MaxPool2d 3x3, stride 2x2}. */
  @Override
  public String toString() {
    return "MaxPool2d " + window.describe(window.kernel());
  }
}
