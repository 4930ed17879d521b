package dev.gridstride.benchmark;

import dev.gridstride.backend.Precision;

/**
 * An op to be measured.
 *
 * @param kind the op
 * @param sizes its sizes and attributes
 * @param precision of its products; float32 if it has none
 * @param origin file and line that asks for it, or {@code command line}
 */
public record Request(Kind kind, Sizes sizes, Precision precision, String origin) {
  /** What tells it from others of a suite: as it could be asked for again. */
  @Override
  public String toString() {
    String text = kind.op() + " " + sizes;
    return precision == Precision.FLOAT32 ? text : text + " precision=" + precision;
  }
}
