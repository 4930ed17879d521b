package dev.gridstride.cli;

import java.io.PrintStream;

/**
 * Where commands print to.
 *
 * @param out results
 * @param err errors and the progress line
 * @param interactive whether a person watches {@code err}
 * @param columns width of the terminal
 */
record Terminal(PrintStream out, PrintStream err, boolean interactive, int columns) {
  private static final int DEFAULT_COLUMNS = 100;
  private static final int LEAST_COLUMNS = 40;

  /**
   * The process's own. The launcher says by system properties whether it is a terminal; without
   * them, as under {@code java -jar}, it counts as none.
   */
  static Terminal system() {
    Integer columns = Integer.getInteger("gridstride.columns");
    return new Terminal(
        System.out,
        System.err,
        Boolean.getBoolean("gridstride.terminal"),
        columns == null ? DEFAULT_COLUMNS : Math.max(LEAST_COLUMNS, columns));
  }
}
