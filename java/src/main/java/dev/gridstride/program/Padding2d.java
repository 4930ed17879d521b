package dev.gridstride.program;

/**
 * Rows and columns of zeros round an image.
 *
 * @param top rows above
 * @param left columns to the left
 * @param bottom rows below
 * @param right columns to the right
 */
public record Padding2d(int top, int left, int bottom, int right) {
  /** No padding. */
  public static final Padding2d NONE = of(0);

  /** The same padding on all four sides. */
  public static Padding2d of(int all) {
    return new Padding2d(all, all, all, all);
  }

  /** The same padding above and below, and the same left and right. */
  public static Padding2d of(int height, int width) {
    return new Padding2d(height, width, height, width);
  }

  /** Output extent of a window of {@code kernel} that moves over this padded image. */
  static int extent(int in, int before, int after, int kernel, int stride, int dilation) {
    int window = (kernel - 1) * dilation + 1;
    int padded = in + before + after;
    return padded < window ? 0 : (padded - window) / stride + 1;
  }

  /**
   * Output size of a sliding window: {@code floor((in + padding - ((kernel - 1) * dilation + 1)) /
   * stride) + 1}.
   *
   * @throws ProgramException if the window does not fit
   */
  public Size2d outputSize(
      String op, int inHeight, int inWidth, Size2d kernel, Size2d stride, Size2d dilation) {
    int outHeight =
        extent(inHeight, top, bottom, kernel.height(), stride.height(), dilation.height());
    int outWidth = extent(inWidth, left, right, kernel.width(), stride.width(), dilation.width());
    if (outHeight < 1 || outWidth < 1) {
      throw new ProgramException(
          op
              + ": kernel "
              + kernel
              + " with dilation "
              + dilation
              + " is larger than the padded input "
              + inHeight
              + "x"
              + inWidth
              + " with padding "
              + this);
    }
    return new Size2d(outHeight, outWidth);
  }

  /** For example {@code 1} or {@code (0,0,1,1)}: top, left, bottom, right. */
  @Override
  public String toString() {
    return top == left && top == bottom && top == right
        ? Integer.toString(top)
        : "(" + top + "," + left + "," + bottom + "," + right + ")";
  }
}
