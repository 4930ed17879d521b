package dev.gridstride.cli;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.gridstride.backend.Backend;
import dev.gridstride.backend.Backends;
import dev.gridstride.backend.ImplementationChoice;
import dev.gridstride.backend.Precision;
import dev.gridstride.backend.Session;
import dev.gridstride.backend.TimingOptions;
import dev.gridstride.benchmark.Benchmark;
import dev.gridstride.benchmark.BenchmarkException;
import dev.gridstride.benchmark.Kind;
import dev.gridstride.benchmark.Kinds;
import dev.gridstride.benchmark.Request;
import dev.gridstride.benchmark.Results;
import dev.gridstride.benchmark.Row;
import dev.gridstride.benchmark.Suites;
import dev.gridstride.files.AtomicFiles;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.OffsetDateTime;
import java.time.ZoneId;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Supplier;
import java.util.stream.Stream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code gridstride bench}. */
@Command(
    name = "bench",
    mixinStandardHelpOptions = true,
    versionProvider = Version.class,
    sortOptions = false,
    description = {
      "Measures ops: each by every implementation that the device has of it, and on the CPU,",
      "checked against the reference before it is timed. What to measure is a suite, or ops and",
      "sizes on the command line; --list shows what there is to say.",
      "",
      "Exit code 0 if all results are right, 1 if one was wrong or failed, 2 for a mistake in",
      "the suite."
    },
    footer = {
      "",
      "Examples:",
      "  gridstride bench --suite smoke --device sim --json smoke.json",
      "  gridstride bench --suite resnet50 --device cuda --json r.json --html r.html",
      "  gridstride bench --suite resnet50 n=32,128 precision=tf32,bf16",
      "  gridstride bench conv2d n=64 ic=32 oc=64 image=14 kernel=3 bias relu matmul m=512 n=512 k=512",
      "  gridstride bench compare before.json after.json"
    },
    subcommands = BenchCompareCommand.class)
final class BenchCommand implements Callable<Integer> {
  private final Terminal terminal;

  @Spec private CommandSpec spec;

  @Parameters(
      paramLabel = "WORD",
      arity = "0..*",
      description = {
        "OP KEY=VALUE...: an op, or several with commas, and its sizes; then the next. With",
        "--suite, KEY=VALUE...: takes the place of what the suite says."
      })
  private List<String> words = List.of();

  @Option(
      names = "--suite",
      paramLabel = "NAME",
      description = "A packaged suite (smoke, reference, resnet50, deepbench, large) or a file.")
  private String suite;

  @Mixin private DeviceOptions device;
  @Mixin private BenchTiming timing;

  @Option(
      names = "--only",
      paramLabel = "NAME",
      split = ",",
      description = "Only these implementations, such as own,cudnn. (default: all)")
  private Set<String> only = Set.of();

  @Option(names = "--no-cpu", description = "Do not measure the ops on the CPU as well.")
  private boolean noCpu;

  @Option(names = "--check", description = "Check the results, and time nothing.")
  private boolean check;

  @Option(names = "--list", description = "Print suites, ops and their keys, and end.")
  private boolean list;

  @Mixin private JsonOption json;

  @Option(names = "--csv", paramLabel = "FILE", description = "Write the rows as CSV.")
  private Path csv;

  @Option(names = "--markdown", paramLabel = "FILE", description = "Write the rows as a table.")
  private Path markdown;

  @Option(
      names = "--html",
      paramLabel = "FILE",
      description = "Write one page with roofline, bars and all rows, complete in itself.")
  private Path html;

  BenchCommand(Terminal terminal) {
    this.terminal = terminal;
  }

  @Override
  public Integer call() {
    if (list) {
      printList();
      return Main.OK;
    }
    List<Request> requests = requests();
    checkImplementations();
    timing.check();
    json.check();
    Stream.of(csv, markdown, html).filter(file -> file != null).forEach(AtomicFiles::check);
    Backends.Choice choice = device.open();
    boolean simulated = choice.backend().name().equals("sim");
    TimingOptions options = timing.options(simulated);
    Results results = new Results();
    Set<String> names;
    try (Session session = choice.session()) {
      terminal.out().println(choice.reason());
      names = implementations(choice.backend());
      head(results.head(), session, choice);
    }
    Benchmark benchmark =
        new Benchmark(
            choice.backend(),
            choice.options(),
            cpu(choice.backend()),
            new Benchmark.Settings(check ? null : options, timing.budget(), names));
    rates(results, benchmark, options);
    if (simulated) {
      results.markSimulated();
      terminal.out().println(results.head().get("times").asText());
    }
    AtomicBoolean stopped = new AtomicBoolean();
    Interrupts interrupts =
        Interrupts.handle(
            () -> {
              terminal
                  .err()
                  .println("interrupted: finishing the op, then writing; again to exit now");
              stopped.set(true);
            });
    List<Row> rows;
    BenchTable table = new BenchTable(terminal.out());
    try {
      rows = benchmark.run(requests, table::print, stopped::get);
    } finally {
      interrupts.release();
    }
    results.head().put("complete", !stopped.get());
    benchmark.libraries().forEach(results.head()::put);
    results.add(rows);
    write(json.file(), results::json);
    write(csv, results::csv);
    write(markdown, results::markdown);
    write(html, results::html);
    table.summary(rows);
    if (stopped.get()) {
      return Main.INTERRUPTED;
    }
    return BenchTable.failed(rows) ? Main.FAILED : Main.OK;
  }

  private void checkImplementations() {
    ImplementationChoice choice = device.implementations(ImplementationChoice.DEFAULT);
    boolean each = !choice.byOp().isEmpty();
    if (each
        || Set.of(ImplementationChoice.AUTO, ImplementationChoice.TUNE).contains(choice.all())) {
      throw new ParameterException(
          spec.commandLine(),
          "--impl "
              + choice
              + ": bench measures each implementation by itself; name those to measure, as in"
              + " --only own,cudnn");
    }
  }

  /** Those to measure; empty for all. {@code --impl} names one, unless it is about algorithms. */
  private Set<String> implementations(Backend backend) {
    List<String> known = Benchmark.implementations(backend);
    for (String name : only) {
      if (!known.contains(name)) {
        throw new ParameterException(
            spec.commandLine(),
            "--only "
                + name
                + ": device "
                + backend.name()
                + (known.size() == 1
                    ? " has one implementation of each op; leave --only out"
                    : " has " + String.join(", ", known)));
      }
    }
    ImplementationChoice choice = device.implementations(ImplementationChoice.DEFAULT);
    boolean named =
        device.asksForImplementations() && !choice.nondeterministic() && known.size() > 1;
    return only.isEmpty() && named ? Set.of(choice.all()) : only;
  }

  private List<Request> requests() {
    List<Precision> precisions = List.of(device.precision(Precision.FLOAT32));
    try {
      if (suite == null && (words.isEmpty() || !Suites.isOps(words.get(0)))) {
        throw new BenchmarkException(
            words.isEmpty()
                ? "what to measure is missing: --suite NAME, or OP KEY=VALUE...; see --list"
                : "expected an op first, got '" + words.get(0) + "'; see --list");
      }
      return suite == null
          ? Suites.ofWords(words, precisions)
          : Suites.read(suite, precisions, words);
    } catch (BenchmarkException e) {
      throw new ParameterException(spec.commandLine(), e.getMessage(), e);
    }
  }

  private Backend cpu(Backend measured) {
    if (noCpu || measured.name().equals("cpu")) {
      return null;
    }
    return Backends.all().stream()
        .filter(backend -> backend.name().equals("cpu") && backend.unavailableReason() == null)
        .findFirst()
        .orElse(null);
  }

  private void head(ObjectNode head, Session session, Backends.Choice choice) {
    head.put("gridstride", Version.gridstride());
    head.put("java", Version.java());
    head.put(
        "date",
        OffsetDateTime.now(ZoneId.systemDefault()).truncatedTo(ChronoUnit.SECONDS).toString());
    head.put(
        "command",
        "gridstride "
            + String.join(" ", spec.root().commandLine().getParseResult().originalArgs()));
    head.put("suite", suite == null ? "" : suite);
    head.put("backend", choice.backend().name());
    head.put("simulated", false);
    for (Map.Entry<String, String> fact : session.facts().entrySet()) {
      if (!fact.getKey().startsWith(Session.IMAGE)) {
        head.put(fact.getKey(), fact.getValue());
      }
    }
    head.put(
        "host",
        DoctorCommand.processor()
            + ", "
            + Runtime.getRuntime().availableProcessors()
            + " processors, "
            + System.getProperty("os.name")
            + " "
            + System.getProperty("os.version"));
  }

  private void rates(Results results, Benchmark benchmark, TimingOptions options) {
    ObjectNode head = results.head();
    head.put("device", benchmark.deviceName());
    head.put("noise_limit", options.noise());
    head.put("time_limit_ms", options.limit().toMillis());
    head.put("warm_up_ms", options.warmUp().toMillis());
    head.put("samples_limit", options.minSamples() + " to " + options.maxSamples());
    head.set("device_rates", Results.rates(benchmark.rates()));
    if (!check) {
      terminal.out().println("at best: " + benchmark.rates());
    }
    if (benchmark.cpuName() != null) {
      head.put("cpu", benchmark.cpuName());
      head.set("cpu_rates", Results.rates(benchmark.cpuRates()));
    }
  }

  private static void write(Path file, Supplier<String> text) {
    if (file != null) {
      AtomicFiles.write(file, text.get().getBytes(StandardCharsets.UTF_8));
    }
  }

  private void printList() {
    terminal.out().println("Suites (--suite NAME):");
    for (String name : Suites.NAMES) {
      terminal.out().printf("  %-10s %s%n", name, Suites.describe(name));
    }
    terminal.out().println();
    terminal.out().println("Ops and their keys; a value in brackets need not be said:");
    for (Kind kind : Kinds.all()) {
      terminal.out().println("  " + kind.usage());
    }
  }
}
