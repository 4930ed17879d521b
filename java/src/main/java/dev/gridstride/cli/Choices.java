package dev.gridstride.cli;

import java.util.List;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;

/** Checks of option values. */
final class Choices {
  private Choices() {}

  /** Throws unless {@code value} is null or one of the known names. */
  static void check(CommandSpec spec, String option, String value, List<String> known) {
    if (value != null && !known.contains(value)) {
      throw new ParameterException(
          spec.commandLine(),
          option + " " + value + ": unknown; expected one of " + String.join(", ", known));
    }
  }

  /** Throws unless {@code value} is null or at least 1. */
  static void atLeastOne(CommandSpec spec, String option, Number value) {
    if (value != null && value.longValue() < 1) {
      throw new ParameterException(
          spec.commandLine(), option + " must be at least 1, got " + value);
    }
  }
}
