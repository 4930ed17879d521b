package dev.gridstride.nn;

import dev.gridstride.program.Padding2d;
import dev.gridstride.program.ProgramException;
import dev.gridstride.program.Shape;
import dev.gridstride.program.Size2d;
import dev.gridstride.program.op.Pool2d;

/**
 * How a kernel moves over an image; shared by convolution and pooling.
 *
 * @param kernel height and width
 * @param stride distance between positions
 * @param dilation distance between taps, 1 for none
 * @param padding zeros round the image; none if {@code same}
 * @param same whether padding is chosen so that the output extent is {@code ceil(in / stride)}, an
 *     odd row or column going below or to the right, as in Keras (and PyTorch, for stride 1)
 */
public record Window(
    Size2d kernel, Size2d stride, Size2d dilation, Padding2d padding, boolean same) {
  /** Keeps sums and products of extents within an int. */
  private static final int MAX = 1 << 15;

  /** Checks the attributes. */
  public Window {
    check("kernel", kernel.height(), kernel.width(), 1);
    check("stride", stride.height(), stride.width(), 1);
    check("dilation", dilation.height(), dilation.width(), 1);
    check("padding", padding.top(), padding.left(), 0);
    check("padding", padding.bottom(), padding.right(), 0);
    if (same && !padding.equals(Padding2d.NONE)) {
      throw new ProgramException("layer: padding must be 0 where it is same, got " + padding);
    }
  }

  private static void check(String option, int height, int width, int least) {
    if (Math.min(height, width) < least || Math.max(height, width) > MAX) {
      throw new ProgramException(
          "layer: "
              + option
              + " must be from "
              + least
              + " to "
              + MAX
              + ", got "
              + new Size2d(height, width));
    }
  }

  /** A kernel that moves by {@code stride} without padding or dilation. */
  static Window of(Size2d kernel, Size2d stride) {
    return new Window(kernel, stride, Size2d.of(1), Padding2d.NONE, false);
  }

  Window withStride(Size2d other) {
    return new Window(kernel, other, dilation, padding, same);
  }

  Window withDilation(Size2d other) {
    return new Window(kernel, stride, other, padding, same);
  }

  Window withPadding(Padding2d other) {
    return new Window(kernel, stride, dilation, other, false);
  }

  Window withSamePadding() {
    return new Window(kernel, stride, dilation, Padding2d.NONE, true);
  }

  /**
   * Padding for an input [N,C,H,W].
   *
   * @throws ProgramException if the input is no image or smaller than the kernel
   */
  Padding2d paddingFor(Shape x) {
    if (x.rank() != 4) {
      throw new ProgramException("input must be images [N,C,H,W], got " + x);
    }
    Size2d reach =
        new Size2d(
            (kernel.height() - 1) * dilation.height() + 1,
            (kernel.width() - 1) * dilation.width() + 1);
    if (same) {
      int rows = total(x.dim(2), reach.height(), stride.height());
      int columns = total(x.dim(3), reach.width(), stride.width());
      return new Padding2d(rows / 2, columns / 2, rows - rows / 2, columns - columns / 2);
    }
    Size2d padded =
        new Size2d(
            x.dim(2) + padding.top() + padding.bottom(),
            x.dim(3) + padding.left() + padding.right());
    if (padded.height() < reach.height() || padded.width() < reach.width()) {
      String with = padding.equals(Padding2d.NONE) ? "" : ", padded to " + padded + ",";
      String dilated = reach.equals(kernel) ? "" : ", dilated to " + reach;
      throw new ProgramException(
          "input "
              + new Size2d(x.dim(2), x.dim(3))
              + with
              + " is smaller than the kernel "
              + kernel
              + dilated);
    }
    return padding;
  }

  /** Throws if the window has what pooling does not know. */
  void checkPooling() {
    if (!dilation.equals(Size2d.of(1))) {
      throw new ProgramException("pooling: dilation must be 1, got " + dilation);
    }
    pooling(padding); // The op checks that no window is empty.
  }

  /** The window for pooling an input [N,C,H,W]. */
  Pool2d pooling(Shape x) {
    return pooling(paddingFor(x));
  }

  private Pool2d pooling(Padding2d zeros) {
    return new Pool2d(kernel, stride, zeros);
  }

  private static int total(int in, int reach, int stride) {
    int out = (in + stride - 1) / stride;
    return Math.max(0, (out - 1) * stride + reach - in);
  }

  /** Options other than these defaults, for the {@code toString} of layers. */
  String describe(Size2d defaultStride) {
    StringBuilder text = new StringBuilder(kernel.toString());
    if (!stride.equals(defaultStride)) {
      text.append(", stride ").append(stride);
    }
    if (!dilation.equals(Size2d.of(1))) {
      text.append(", dilation ").append(dilation);
    }
    if (same) {
      text.append(", same padding");
    } else if (!padding.equals(Padding2d.NONE)) {
      text.append(", padding ").append(padding);
    }
    return text.toString();
  }
}
