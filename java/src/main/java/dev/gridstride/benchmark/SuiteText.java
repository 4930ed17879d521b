package dev.gridstride.benchmark;

import java.util.function.Function;

/**
 * A suite as it is written.
 *
 * @param name for messages, for example {@code smoke.txt}
 * @param place what tells it from all others
 * @param text its lines
 * @param others finds the suites that it includes
 */
record SuiteText(String name, String place, String text, Function<String, SuiteText> others) {
  SuiteText include(String other) {
    return others.apply(other);
  }
}
