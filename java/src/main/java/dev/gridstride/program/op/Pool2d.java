package dev.gridstride.program.op;

import dev.gridstride.program.Padding2d;
import dev.gridstride.program.ProgramException;
import dev.gridstride.program.Shape;
import dev.gridstride.program.Size2d;
import dev.gridstride.program.TensorType;

/**
 * The window of a pooling op. Output extent: {@code floor((in + before + after - kernel) / stride)
 * + 1}, so rows and columns left over at the bottom and right are not read.
 *
 * @param kernel extent of the window
 * @param stride distance between windows
 * @param padding must be smaller than the kernel, so that no window is empty
 */
public record Pool2d(Size2d kernel, Size2d stride, Padding2d padding) {
  /** Windows of {@code size} x {@code size} side by side. */
  public static Pool2d of(int size) {
    return new Pool2d(Size2d.of(size), Size2d.of(size), Padding2d.NONE);
  }

  /** Checks the attributes. */
  public Pool2d {
    kernel.check("pool2d", "kernel", 1);
    stride.check("pool2d", "stride", 1);
    int most = Math.max(padding.top(), padding.bottom());
    int mostWide = Math.max(padding.left(), padding.right());
    int least = Math.min(padding.top(), padding.bottom());
    int leastWide = Math.min(padding.left(), padding.right());
    if (least < 0 || leastWide < 0 || most >= kernel.height() || mostWide >= kernel.width()) {
      throw new ProgramException(
          "pool2d: padding must be at least 0 and below the kernel " + kernel + ", got " + padding);
    }
  }

  /** Output type for an input [N,C,H,W]. */
  TensorType output(String op, TensorType input) {
    Shape x = Check.floats(op, "input", input, 4);
    Size2d out = padding.outputSize(op, x.dim(2), x.dim(3), kernel, stride, Size2d.of(1));
    return TensorType.float32(x.dim(0), x.dim(1), out.height(), out.width());
  }
}
