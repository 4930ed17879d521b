package dev.gridstride.benchmark;

import dev.gridstride.backend.Backend;
import dev.gridstride.backend.BackendException;
import dev.gridstride.backend.DeviceOptions;
import dev.gridstride.backend.Executable;
import dev.gridstride.backend.ImplementationChoice;
import dev.gridstride.backend.Precision;
import dev.gridstride.backend.Rates;
import dev.gridstride.backend.Session;
import dev.gridstride.backend.TimingOptions;
import dev.gridstride.backend.UnsupportedOpException;
import dev.gridstride.conformance.Device;
import dev.gridstride.program.ProgramException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Consumer;
import java.util.function.Supplier;
import java.util.stream.Collectors;

/**
 * Runs ops: each by every implementation that the device has of it, and on the CPU, all held
 * against the reference before they are timed. Each runs in a session of its own, so that one that
 * fails does not harm the next.
 */
public final class Benchmark {
  /** Implementations that are a vendor's. */
  private static final Set<String> VENDORS =
      Set.of(ImplementationChoice.CUDNN, ImplementationChoice.CUBLAS);

  private static final String NONE = "none";

  /** Where the CPU is only beside a card it gets this share of the time limit. */
  private static final int CPU_SHARE = 4;

  /**
   * How to measure.
   *
   * @param timing of each row, with cold and then with warm caches; null to check results alone
   * @param budget no op is begun after so long
   * @param only implementations to measure; empty for all
   */
  public record Settings(TimingOptions timing, Duration budget, Set<String> only) {
    /** Copies the set. */
    public Settings {
      only = Set.copyOf(only);
    }
  }

  /** A device whose rates are known. */
  private record Machine(Backend backend, DeviceOptions options, String name, Rates rates) {
    Machine with(DeviceOptions others) {
      return new Machine(backend, others, name, rates);
    }
  }

  private final Machine device;
  private final Machine cpu;
  private final Settings settings;
  private final Map<String, Double> cpuNanos = new HashMap<>();
  private final Map<String, String> libraries = new TreeMap<>();

  /**
   * Measures what the devices do at best.
   *
   * @param backend whose ops are measured
   * @param options which of its devices
   * @param cpuBackend beside which it is measured; null for none
   */
  public Benchmark(Backend backend, DeviceOptions options, Backend cpuBackend, Settings settings) {
    this.settings = settings;
    device = machine(backend, options);
    DeviceOptions plain = DeviceOptions.DEFAULT.withThreads(options.threads());
    cpu = cpuBackend == null ? null : machine(cpuBackend, plain);
  }

  /** What {@link Settings#only} can name of a backend. */
  public static List<String> implementations(Backend backend) {
    return Implementations.names(backend);
  }

  private Machine machine(Backend backend, DeviceOptions options) {
    try (Session session = backend.open(options)) {
      Rates rates = settings.timing() == null ? Rates.UNKNOWN : session.rates();
      // Every op has a precision of its own.
      String name = session.description().replace(", " + options.precision(), "");
      return new Machine(backend, options, name, rates);
    }
  }

  /** The device in words. */
  public String deviceName() {
    return device.name();
  }

  /** What the device does at best. */
  public Rates rates() {
    return device.rates();
  }

  /** What the CPU does at best; null if nothing is measured on it. */
  public Rates cpuRates() {
    return cpu == null ? null : cpu.rates();
  }

  /** The CPU in words; null if nothing is measured on it. */
  public String cpuName() {
    return cpu == null ? null : cpu.name();
  }

  /** Versions of the vendor's libraries that were used so far, by name. */
  public Map<String, String> libraries() {
    return Collections.unmodifiableMap(libraries);
  }

  /**
   * Runs them all.
   *
   * @param told each row as it comes
   * @param stop asked before each op; once it says so, the rest is left out
   */
  public List<Row> run(List<Request> requests, Consumer<Row> told, Supplier<Boolean> stop) {
    long start = System.nanoTime();
    List<Row> rows = new ArrayList<>();
    for (Request request : requests) {
      if (stop.get()) {
        break;
      }
      boolean late = System.nanoTime() - start > settings.budget().toNanos();
      List<Row> some = late ? List.of(notRun(request)) : run(request);
      some.forEach(told);
      rows.addAll(some);
    }
    return rows;
  }

  private Row notRun(Request request) {
    Row row = new Row(Problem.sketch(request), NONE, device.name(), device.rates());
    String why = "the suite's budget of " + settings.budget().toSeconds() + " s is used up";
    return row.end(Row.Status.NOT_RUN, why);
  }

  private List<Row> run(Request request) {
    Problem problem;
    Judge judge;
    List<Implementations.Candidate> candidates;
    try {
      problem = Problem.of(request);
      judge = judge(problem);
      candidates = new Implementations(device.backend(), device.options()).of(problem);
    } catch (RuntimeException | LinkageError | OutOfMemoryError e) {
      Row row = new Row(Problem.sketch(request), NONE, device.name(), device.rates());
      return List.of(row.end(Row.Status.FAILED, describe(e)));
    }
    List<Row> rows = new ArrayList<>();
    for (Implementations.Candidate candidate : candidates) {
      if (settings.only().isEmpty() || settings.only().contains(candidate.name())) {
        Row row = new Row(problem, candidate.name(), device.name(), device.rates());
        rows.add(
            candidate.refusal().isEmpty()
                ? measure(row, problem, judge, device.with(candidate.options()), settings.timing())
                : row.end(Row.Status.REFUSED, candidate.refusal()));
      }
    }
    if (candidates.stream().noneMatch(candidate -> candidate.refusal().isEmpty())) {
      String why =
          candidates.stream()
              .map(candidate -> candidate.name() + ": " + candidate.refusal())
              .collect(Collectors.joining("; "));
      Row row = new Row(problem, NONE, device.name(), device.rates());
      rows.add(row.end(Row.Status.REFUSED, "no implementation takes it: " + why));
    }
    double vendor =
        rows.stream()
            .filter(row -> VENDORS.contains(row.implementation()))
            .mapToDouble(Row::nanos)
            .filter(Double::isFinite)
            .min()
            .orElse(Double.NaN);
    if (cpu != null) {
      onCpu(request, rows);
    }
    double own = cpuNanos.getOrDefault(inFloat32(request).toString(), Double.NaN);
    boolean itself = device.backend().name().equals("cpu");
    rows.forEach(row -> row.besides(vendor, itself ? row.nanos() : own));
    return rows;
  }

  /** Adds the CPU's row, which computes in float32 alone, once for all precisions. */
  private void onCpu(Request request, List<Row> rows) {
    Request plain = inFloat32(request);
    if (!cpuNanos.containsKey(plain.toString())) {
      Row row = new Row(Problem.sketch(plain), cpu.backend().name(), cpu.name(), cpu.rates());
      TimingOptions timing = settings.timing();
      boolean shorter = timing != null && !device.backend().name().equals("sim");
      if (shorter) {
        timing = timing.withLimit(timing.limit().dividedBy(CPU_SHARE));
      }
      try {
        Problem problem = Problem.of(plain);
        measure(row, problem, judge(problem), cpu, timing);
      } catch (RuntimeException | LinkageError | OutOfMemoryError e) {
        row.end(Row.Status.FAILED, describe(e));
      }
      cpuNanos.put(plain.toString(), row.nanos());
      rows.add(row);
    }
  }

  private static Request inFloat32(Request request) {
    Sizes sizes = request.sizes().without(ConvolutionKinds.CAST.name());
    return new Request(request.kind(), sizes, Precision.FLOAT32, request.origin());
  }

  private static Judge judge(Problem problem) {
    try (Session reference = Device.reference().open()) {
      return new Judge(problem, reference);
    }
  }

  private Row measure(Row row, Problem problem, Judge judge, Machine on, TimingOptions timing) {
    DeviceOptions precise = on.options().withPrecision(problem.request().precision());
    try (Session session = on.backend().open(precise);
        Executable executable = session.compile(problem.program())) {
      problem.data().forEach(session::write);
      row.computedBy(executable.explanation().rows());
      libraries.putAll(session.implementationUse().libraries());
      executable.run();
      if (row.judged(judge.compare(problem, session, executable, row.how()), judge.share())) {
        time(row, executable, timing);
      }
      return row;
    } catch (UnsupportedOpException e) {
      return row.end(Row.Status.REFUSED, e.getMessage());
    } catch (RuntimeException | LinkageError | OutOfMemoryError e) {
      return row.end(Row.Status.FAILED, describe(e));
    }
  }

  private static void time(Row row, Executable executable, TimingOptions timing) {
    if (timing == null) {
      row.end(Row.Status.RIGHT, "");
    } else {
      row.timed(
          executable.time(timing.withCache(TimingOptions.Cache.COLD)),
          executable.time(timing.withCache(TimingOptions.Cache.WARM)));
    }
  }

  private static String describe(Throwable thrown) {
    if (thrown instanceof OutOfMemoryError) {
      return "Java's heap is too small for the data: give more with GRIDSTRIDE_JAVA_OPTS=-Xmx... ("
          + thrown.getMessage()
          + ")";
    }
    boolean known = thrown instanceof BackendException || thrown instanceof ProgramException;
    return known ? String.valueOf(thrown.getMessage()) : thrown.toString();
  }
}
