package dev.gridstride.metrics;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.function.IntToDoubleFunction;
import java.util.stream.IntStream;

/**
 * How many samples of each true class were taken for each class: {@code counts[true][predicted]}.
 *
 * <p>With {@code tp(c) = counts[c][c]}, {@code support(c)} the sum of row c and {@code
 * predicted(c)} the sum of column c:
 *
 * <ul>
 *   <li>accuracy = sum over c of tp(c) / total
 *   <li>precision(c) = tp(c) / predicted(c)
 *   <li>recall(c) = tp(c) / support(c)
 *   <li>f1(c) = 2 tp(c) / (support(c) + predicted(c)), the harmonic mean of the two
 *   <li>macro averages: the plain mean over all classes, those without a sample too
 * </ul>
 *
 * <p>A quotient whose denominator is 0 is 0, as in scikit-learn.
 */
public final class ConfusionMatrix {
  private final long[][] counts;

  private ConfusionMatrix(long[][] counts) {
    this.counts = counts;
  }

  /**
   * The matrix of these counts, rows true, columns predicted; copied.
   *
   * @throws IllegalArgumentException if it is empty, not square or has a negative count
   */
  public static ConfusionMatrix of(long[][] counts) {
    if (counts.length == 0) {
      throw new IllegalArgumentException("confusion matrix: expected at least 1 class, got 0");
    }
    long[][] copy = new long[counts.length][];
    for (int row = 0; row < counts.length; row++) {
      if (counts[row].length != counts.length) {
        throw new IllegalArgumentException(
            "confusion matrix: expected "
                + counts.length
                + " columns in row "
                + row
                + ", got "
                + counts[row].length);
      }
      if (Arrays.stream(counts[row]).anyMatch(count -> count < 0)) {
        throw new IllegalArgumentException(
            "confusion matrix: expected no negative count, got row "
                + row
                + " "
                + Arrays.toString(counts[row]));
      }
      copy[row] = counts[row].clone();
    }
    return new ConfusionMatrix(copy);
  }

  /** Number of classes. */
  public int classes() {
    return counts.length;
  }

  /** A copy of the counts, rows true, columns predicted. */
  public long[][] counts() {
    return Arrays.stream(counts).map(long[]::clone).toArray(long[][]::new);
  }

  /** Number of samples. */
  public long total() {
    return IntStream.range(0, classes()).mapToLong(this::support).sum();
  }

  /** Number of samples whose true class is {@code c}. */
  public long support(int c) {
    return Arrays.stream(counts[c]).sum();
  }

  /** Number of samples that were taken for class {@code c}. */
  public long predicted(int c) {
    return Arrays.stream(counts).mapToLong(row -> row[c]).sum();
  }

  /** Share of all samples that were taken for what they are; 0 if there is none. */
  public double accuracy() {
    return ratio(IntStream.range(0, classes()).mapToLong(c -> counts[c][c]).sum(), total());
  }

  /** Share of those taken for class {@code c} that are of it; 0 if there is none. */
  public double precision(int c) {
    return ratio(counts[c][c], predicted(c));
  }

  /** Share of those of class {@code c} that were taken for it; 0 if there is none. */
  public double recall(int c) {
    return ratio(counts[c][c], support(c));
  }

  /** Harmonic mean of precision and recall of class {@code c}; 0 if both are 0. */
  public double f1(int c) {
    return ratio(2 * counts[c][c], support(c) + predicted(c));
  }

  /** Mean of {@link #precision} over all classes. */
  public double macroPrecision() {
    return mean(this::precision);
  }

  /** Mean of {@link #recall} over all classes. */
  public double macroRecall() {
    return mean(this::recall);
  }

  /** Mean of {@link #f1} over all classes. */
  public double macroF1() {
    return mean(this::f1);
  }

  /**
   * A table with a line a class (name, precision, recall, F1, support, and its row of counts), then
   * the macro averages and the accuracy.
   *
   * @throws IllegalArgumentException if there is not one name a class
   */
  public String table(List<String> classNames) {
    if (classNames.size() != classes()) {
      throw new IllegalArgumentException(
          "confusion matrix: expected " + classes() + " names, got " + classNames.size());
    }
    int nameWidth =
        Math.max(
            "macro average".length(), classNames.stream().mapToInt(String::length).max().orElse(0));
    int countWidth = Math.max(5, Long.toString(total()).length() + 1);
    StringBuilder table = new StringBuilder();
    String line = "%-" + nameWidth + "s %9s %9s %9s %9s";
    table.append(String.format(Locale.ROOT, line, "class", "precision", "recall", "f1", "support"));
    table.append("  predicted as 0.." + (classes() - 1)).append('\n');
    for (int c = 0; c < classes(); c++) {
      table.append(line(line, classNames.get(c), precision(c), recall(c), f1(c), support(c)));
      table.append(' ');
      for (long count : counts[c]) {
        table.append(String.format(Locale.ROOT, "%" + countWidth + "d", count));
      }
      table.append('\n');
    }
    table.append(line(line, "macro average", macroPrecision(), macroRecall(), macroF1(), total()));
    table.append('\n');
    table.append(String.format(Locale.ROOT, "%-" + nameWidth + "s %9.4f", "accuracy", accuracy()));
    return table.append('\n').toString();
  }

  private static String line(
      String format, String name, double precision, double recall, double f1, long support) {
    return String.format(
        Locale.ROOT, format, name, rounded(precision), rounded(recall), rounded(f1), support);
  }

  private static String rounded(double value) {
    return String.format(Locale.ROOT, "%.4f", value);
  }

  private double mean(IntToDoubleFunction metric) {
    return IntStream.range(0, classes()).mapToDouble(metric).average().orElse(0);
  }

  private static double ratio(long part, long whole) {
    return whole == 0 ? 0 : (double) part / whole;
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof ConfusionMatrix matrix && Arrays.deepEquals(counts, matrix.counts);
  }

  @Override
  public int hashCode() {
    return Arrays.deepHashCode(counts);
  }

  /** {@link #table} with numbers for names. */
  @Override
  public String toString() {
    return table(IntStream.range(0, classes()).mapToObj(Integer::toString).toList());
  }
}
