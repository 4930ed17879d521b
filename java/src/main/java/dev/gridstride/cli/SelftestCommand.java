package dev.gridstride.cli;

import dev.gridstride.backend.Backends;
import dev.gridstride.backend.ImplementationChoice;
import dev.gridstride.backend.Session;
import dev.gridstride.conformance.Comparison;
import dev.gridstride.conformance.Suite;
import dev.gridstride.conformance.Suite.Outcome;
import dev.gridstride.conformance.Suite.Verdict;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code gridstride selftest}. */
@Command(
    name = "selftest",
    mixinStandardHelpOptions = true,
    versionProvider = Version.class,
    sortOptions = false,
    description = {
      "Checks a device: every op forward and backward, training steps, data, and what",
      "sessions promise, against a reference in double precision on this machine.",
      "",
      "Exit code 0 if all that the device should do is right, 1 if anything failed or",
      "could not be run."
    },
    footer = {
      "",
      "Examples:",
      "  gridstride selftest --device cuda --json selftest.json",
      "  gridstride selftest --device cpu --filter 'conv2d'"
    })
final class SelftestCommand implements Callable<Integer> {
  private static final int CHECKS_A_LINE = 100;

  private final Terminal terminal;

  @Spec private CommandSpec spec;
  @Mixin private DeviceOptions device;

  @Option(
      names = "--filter",
      paramLabel = "TEXT",
      defaultValue = "",
      description = "Only checks whose name contains TEXT.")
  private String filter;

  @Mixin private JsonOption json;

  SelftestCommand(Terminal terminal) {
    this.terminal = terminal;
  }

  @Override
  public Integer call() {
    json.check();
    Backends.Choice choice = device.open();
    String description;
    Map<String, String> facts;
    try (Session session = choice.session()) {
      description = session.description();
      facts = new LinkedHashMap<>(session.facts());
    }
    Suite suite = new Suite(choice.backend(), choice.options(), filter);
    if (suite.size() == 0) {
      throw new ParameterException(
          spec.commandLine(), "--filter " + filter + ": no check has this in its name");
    }
    terminal.out().println(choice.reason());
    printImages(facts);
    AtomicBoolean stopped = new AtomicBoolean();
    Interrupts interrupts = Interrupts.handle(() -> stopped.set(true));
    long start = System.nanoTime();
    List<Outcome> outcomes;
    try {
      outcomes = suite.run(new Told(suite.size()), stopped::get);
    } finally {
      interrupts.release();
    }
    double seconds = (System.nanoTime() - start) / 1e9;
    printSummary(outcomes, seconds, choice);
    new Report()
        .put("device", description)
        .put("backend", choice.backend().name())
        .put("precision", choice.options().precision().toString())
        .put("implementations", choice.options().implementations().toString())
        .facts(facts)
        .put("filter", filter)
        .put("seconds", seconds)
        .checks(outcomes)
        .write(json.file());
    if (stopped.get()) {
      return Main.INTERRUPTED;
    }
    return count(outcomes, Verdict.FAILED) + count(outcomes, Verdict.NOT_RUN) == 0
        ? Main.OK
        : Main.FAILED;
  }

  /** One line for each kind of image, with the files if there are several kinds. */
  private void printImages(Map<String, String> facts) {
    Map<String, List<String>> files =
        facts.keySet().stream()
            .filter(name -> name.startsWith(Session.IMAGE))
            .collect(
                Collectors.groupingBy(
                    facts::get,
                    LinkedHashMap::new,
                    Collectors.mapping(
                        name -> name.substring(Session.IMAGE.length()), Collectors.toList())));
    files.forEach(
        (image, names) ->
            terminal
                .out()
                .println(
                    "kernels: "
                        + image
                        + ": "
                        + (files.size() == 1 ? "all " + names.size() : String.join(", ", names))));
  }

  private void printSummary(List<Outcome> outcomes, double seconds, Backends.Choice choice) {
    Map<String, List<Outcome>> kinds =
        outcomes.stream()
            .collect(Collectors.groupingBy(Outcome::kind, LinkedHashMap::new, Collectors.toList()));
    kinds.forEach(
        (kind, all) ->
            terminal.out().println(String.format(Locale.ROOT, "%-10s %s", kind, counts(all))));
    skipped(outcomes);
    worst(outcomes);
    terminal
        .out()
        .println(
            String.format(
                Locale.ROOT,
                "selftest of %s in %s%s: %s; %.1f s",
                choice.backend().name(),
                choice.options().precision(),
                implementations(choice),
                counts(outcomes),
                seconds));
    if (choice.backend().name().equals("reference")) {
      terminal.out().println("The reference was compared with itself: that says nothing of it.");
    }
  }

  private static String implementations(Backends.Choice choice) {
    ImplementationChoice asked = choice.options().implementations();
    return asked.equals(ImplementationChoice.DEFAULT) ? "" : " with --impl " + asked;
  }

  private static String counts(List<Outcome> outcomes) {
    return Arrays.stream(Verdict.values())
        .filter(verdict -> verdict == Verdict.PASSED || count(outcomes, verdict) > 0)
        .map(verdict -> count(outcomes, verdict) + " " + words(verdict))
        .collect(Collectors.joining(", "));
  }

  private static String words(Verdict verdict) {
    return verdict.name().toLowerCase(Locale.ROOT).replace('_', ' ');
  }

  private static long count(List<Outcome> outcomes, Verdict verdict) {
    return outcomes.stream().filter(outcome -> outcome.verdict() == verdict).count();
  }

  /** Checks that were left out, by reason. */
  private void skipped(List<Outcome> outcomes) {
    outcomes.stream()
        .filter(o -> o.verdict() == Verdict.SKIPPED || o.verdict() == Verdict.NOT_RUN)
        .collect(
            Collectors.groupingBy(
                outcome -> words(outcome.verdict()) + ": " + outcome.problem(),
                LinkedHashMap::new,
                Collectors.counting()))
        .forEach((reason, count) -> terminal.out().println(count + " " + reason));
  }

  /** How much room the closest of the checks that passed left. */
  private void worst(List<Outcome> outcomes) {
    Outcome closest = null;
    double most = 0;
    for (Outcome outcome : outcomes) {
      Comparison.Difference worst = outcome.worst();
      if (outcome.verdict() == Verdict.PASSED && worst != null && worst.error() > 0) {
        double share = worst.error() / worst.bound();
        if (share > most) {
          most = share;
          closest = outcome;
        }
      }
    }
    if (closest != null) {
      terminal
          .out()
          .println(
              String.format(
                  Locale.ROOT,
                  "largest error of those that passed: %.0f %% of its bound, in %s, %s",
                  100 * most,
                  closest.name(),
                  closest.worst().name()));
    }
  }

  /** Prints failures as they come, and how far it is. */
  private final class Told implements java.util.function.Consumer<Outcome> {
    private final int total;
    private int done;
    private int failed;

    private Told(int total) {
      this.total = total;
    }

    @Override
    public void accept(Outcome outcome) {
      done++;
      if (outcome.verdict() == Verdict.FAILED) {
        failed++;
        clear();
        terminal
            .out()
            .println(
                "FAILED "
                    + outcome.name()
                    + " ("
                    + outcome.reason()
                    + "; seed "
                    + outcome.seed()
                    + ")");
        outcome.problem().lines().forEach(line -> terminal.out().println("  " + line));
      }
      String state =
          done + " of " + total + " checks" + (failed == 0 ? "" : ", " + failed + " failed");
      if (terminal.interactive()) {
        clear();
        terminal.err().print(done == total ? "" : state);
        terminal.err().flush();
      } else if (done % CHECKS_A_LINE == 0 || done == total) {
        terminal.err().println(state);
      }
    }

    private void clear() {
      if (terminal.interactive()) {
        terminal.err().print("\r" + " ".repeat(terminal.columns() - 1) + "\r");
      }
    }
  }
}
