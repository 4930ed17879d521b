package dev.gridstride.program;

/**
 * A height and a width, in elements.
 *
 * @param height vertical extent
 * @param width horizontal extent
 */
public record Size2d(int height, int width) {
  /** The same extent both ways. */
  public static Size2d of(int both) {
    return new Size2d(both, both);
  }

  /** Throws unless both extents are at least {@code least}. */
  public void check(String op, String argument, int least) {
    if (height < least || width < least) {
      throw new ProgramException(
          op + ": " + argument + " must be at least " + least + ", got " + this);
    }
  }

  /** For example {@code 3x3}. */
  @Override
  public String toString() {
    return height + "x" + width;
  }
}
