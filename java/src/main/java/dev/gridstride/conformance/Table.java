package dev.gridstride.conformance;

import dev.gridstride.program.Padding2d;
import dev.gridstride.program.Shape;
import dev.gridstride.program.Size2d;
import java.util.Arrays;
import java.util.List;

/**
 * Shapes as text: a line each, columns apart by blanks, the reason last; {@code #} is a comment.
 */
final class Table {
  private Table() {}

  /**
   * A line.
   *
   * @param cells the columns before the reason
   * @param reason the rest of the line
   */
  record Row(List<String> cells, String reason) {
    int number(int column) {
      return Integer.parseInt(cells.get(column));
    }

    boolean yes(int column) {
      return cells.get(column).equals("yes");
    }

    /** For example {@code 3x2}: height, width. */
    Size2d size(int column) {
      int[] numbers = numbers(column, "x");
      return new Size2d(numbers[0], numbers[1]);
    }

    /** For example {@code 0,0,1,1}: top, left, bottom, right. */
    Padding2d padding(int column) {
      int[] numbers = numbers(column, ",");
      return new Padding2d(numbers[0], numbers[1], numbers[2], numbers[3]);
    }

    /** For example {@code 2,3,8,8}. */
    Shape shape(int column) {
      return Shape.of(numbers(column, ","));
    }

    private int[] numbers(int column, String separator) {
      return Arrays.stream(cells.get(column).split(separator, -1))
          .mapToInt(Integer::parseInt)
          .toArray();
    }
  }

  static List<Row> rows(String text, int columns) {
    return text.lines()
        .filter(line -> !line.startsWith("#"))
        .map(line -> line.trim().split("\\s+", columns + 1))
        .map(cells -> new Row(Arrays.asList(cells).subList(0, columns), cells[columns]))
        .toList();
  }
}
