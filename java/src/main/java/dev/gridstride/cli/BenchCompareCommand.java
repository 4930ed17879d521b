package dev.gridstride.cli;

import dev.gridstride.benchmark.BenchmarkException;
import dev.gridstride.benchmark.Comparisons;
import dev.gridstride.benchmark.Comparisons.Line;
import dev.gridstride.benchmark.Comparisons.Verdict;
import dev.gridstride.benchmark.Results;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code gridstride bench compare}. */
@Command(
    name = "compare",
    mixinStandardHelpOptions = true,
    versionProvider = Version.class,
    sortOptions = false,
    description = {
      "Compares two results row by row: faster, slower, same or unclear. Rows are told apart by",
      "op, shape, precision and implementation. They differ if the medians do by more than the",
      "threshold and by more than the noise of either; they are the same if the medians differ by",
      "less than the threshold and neither missed its noise limit; else it is unclear.",
      "",
      "Exit code 0 if no row is slower or lost, 1 if one is (timed before, not any more), 2 if a",
      "file cannot be read."
    })
final class BenchCompareCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Parameters(index = "0", paramLabel = "BEFORE", description = "Results of bench --json.")
  private Path before;

  @Parameters(index = "1", paramLabel = "AFTER", description = "Results to hold against them.")
  private Path after;

  @Option(
      names = "--threshold",
      paramLabel = "PERCENT",
      defaultValue = "2",
      description = "Differences that do not matter. (default: ${DEFAULT-VALUE})")
  private double threshold;

  BenchCompareCommand() {}

  @Override
  public Integer call() {
    if (!(threshold >= 0)) {
      throw new ParameterException(
          spec.commandLine(), "--threshold must not be negative, got " + threshold);
    }
    Results first;
    Results second;
    try {
      first = Results.read(before);
      second = Results.read(after);
    } catch (BenchmarkException e) {
      throw new ParameterException(spec.commandLine(), e.getMessage(), e);
    }
    PrintWriter out = spec.commandLine().getOut();
    Comparisons.warnings(first, second).forEach(out::println);
    List<Line> lines = Comparisons.of(first, second, threshold / 100);
    int width = lines.stream().mapToInt(line -> line.name().length()).max().orElse(0);
    lines.forEach(line -> out.println(text(line, width)));
    Map<Verdict, Long> counts =
        lines.stream()
            .collect(
                Collectors.groupingBy(
                    Line::verdict, () -> new EnumMap<>(Verdict.class), Collectors.counting()));
    out.println(
        lines.size()
            + (lines.size() == 1 ? " row: " : " rows: ")
            + counts.entrySet().stream()
                .map(entry -> entry.getValue() + " " + entry.getKey())
                .collect(Collectors.joining(", ")));
    return counts.containsKey(Verdict.SLOWER) || counts.containsKey(Verdict.LOST)
        ? Main.FAILED
        : Main.OK;
  }

  private static String text(Line line, int width) {
    String verdict = String.format("%-7s  %-" + width + "s", line.verdict(), line.name());
    boolean both = Double.isFinite(line.ratio());
    String times =
        both
            ? String.format(
                Locale.ROOT,
                "  %.3f -> %.3f us, %+.1f %%",
                line.before(),
                line.after(),
                100 * (line.ratio() - 1))
            : "";
    return verdict + times + (line.why().isEmpty() ? "" : "  (" + line.why() + ")");
  }
}
