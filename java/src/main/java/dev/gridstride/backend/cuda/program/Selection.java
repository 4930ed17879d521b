package dev.gridstride.backend.cuda.program;

import dev.gridstride.backend.BackendException;
import dev.gridstride.backend.DeviceOptions;
import dev.gridstride.backend.Explanation;
import dev.gridstride.backend.ImplementationChoice;
import dev.gridstride.backend.ImplementationUse;
import dev.gridstride.backend.Precision;
import dev.gridstride.backend.cuda.CudaDevice;
import dev.gridstride.backend.cuda.vendor.VendorLibraries;
import dev.gridstride.files.FileException;
import dev.gridstride.program.Node;
import dev.gridstride.program.Program;
import dev.gridstride.program.Value;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.function.Consumer;
import java.util.function.Predicate;
import java.util.stream.Stream;

/** Which implementations a session uses: what was asked for, and what is known of their times. */
final class Selection {
  private static final String NONE = "none";

  private static volatile Consumer<String> messages = System.err::println;

  private final CudaDevice device;
  private final Precision precision;
  private final ImplementationChoice choice;
  private final VendorLibraries libraries;
  private final SessionOptions.Dispatch dispatch;
  private final Candidates candidates;
  private final Map<String, String> byNode = new LinkedHashMap<>();

  /** Nodes that were to be measured and that have nothing to choose from, or could not be timed. */
  private final Set<NodeKey> settled = new HashSet<>();

  /** Null until it is needed. */
  private TunedFile file;

  private int measured;
  private String notKept = "";

  /**
   * Checks what was asked for.
   *
   * @param libraries of the session's context
   * @throws BackendException if an op is unknown, or a library that is asked for by name is absent
   */
  Selection(
      CudaDevice device,
      Precision precision,
      ImplementationChoice choice,
      VendorLibraries libraries,
      SessionOptions.Dispatch dispatch) {
    this.device = device;
    this.precision = precision;
    this.choice = choice;
    this.libraries = libraries;
    this.dispatch = dispatch;
    candidates =
        new Candidates(
            dispatch.table(), choice, dispatch.forced() == null ? this::winner : dispatch.forced());
  }

  /**
   * For what was asked for by name.
   *
   * @throws BackendException if there is no such op, or the library is missing
   */
  void require() {
    for (String op : choice.byOp().keySet()) {
      if (!Lowerings.names().contains(op)) {
        throw new BackendException(
            "--impl "
                + choice
                + ": unknown op "
                + op
                + "; known: "
                + String.join(", ", Lowerings.names()));
      }
    }
    if (choice.names(ImplementationChoice.CUBLAS)) {
      require(ImplementationChoice.CUBLAS, libraries::cublas);
    }
    if (choice.names(ImplementationChoice.CUDNN)) {
      require(ImplementationChoice.CUDNN, libraries::cudnn);
    }
  }

  private void require(String name, Runnable open) {
    try {
      open.run();
    } catch (BackendException e) {
      throw new BackendException(
          "--impl "
              + choice
              + " needs "
              + name
              + ", and "
              + e.getMessage()
              + "; --impl own needs no library",
          e);
    }
  }

  /** The program as it is recorded, with what libraries that were asked for need. */
  Program prepared(Program program) {
    return CudnnInputs.apply(program, choice, libraries);
  }

  /** What emitters are told. */
  Emitter.Traits traits() {
    return Emitter.Traits.of(device, precision, choice, libraries, candidates);
  }

  private NodeKey key(Node node, Program program) {
    return key(node, value -> Recording.isRead(program, value));
  }

  private NodeKey key(Node node, Predicate<Value> read) {
    return NodeKey.of(node, read, precision, choice.nondeterministic());
  }

  private Candidates.Winner winner(Node node, Predicate<Value> read) {
    NodeKey key = key(node, read);
    String recorded = choice.recorded().get(key.toString());
    if (recorded != null) {
      return new Candidates.Winner(recorded, true);
    }
    TunedFile.Entry entry = file().find(key);
    return entry == null ? Candidates.Winner.UNKNOWN : new Candidates.Winner(entry.winner(), false);
  }

  private TunedFile file() {
    if (file == null) {
      String note = device.driver().isSimulated() ? CudaTimer.SIMULATED : "";
      file = new TunedFile(dispatch.folder(), origin(), note);
    }
    return file;
  }

  private TunedFile.Origin origin() {
    String gridstride = Selection.class.getPackage().getImplementationVersion();
    return new TunedFile.Origin(
        device.name(),
        device.computeCapability().toString(),
        device.multiprocessors(),
        device.driver().toString(),
        gridstride == null ? "development" : gridstride,
        Objects.requireNonNullElse(libraries.cublasVersion(), NONE),
        Objects.requireNonNullElse(libraries.cudnnVersion(), NONE));
  }

  /**
   * Measures the nodes of a program whose ops are to be tuned and of which nothing is known.
   *
   * @param program as it is recorded
   */
  void tune(Program program) {
    if (!choice.names(ImplementationChoice.TUNE)) {
      return;
    }
    try (Tuner tuner = new Tuner(this::open, precision, device.driver().isSimulated(), messages)) {
      for (Node node : program.nodes()) {
        NodeKey key = key(node, program);
        boolean missing =
            choice.of(node.op().name()).equals(ImplementationChoice.TUNE)
                && candidates.all(node).size() > 1
                && !choice.recorded().containsKey(key.toString())
                && file().find(key) == null
                && settled.add(key);
        if (missing) {
          keep(tuner.measure(node, value -> Recording.isRead(program, value), key));
        }
      }
    }
  }

  /** As {@link #tune}, in another thread, so that this one's context stays current. */
  void tuneApart(Program program) {
    if (!choice.names(ImplementationChoice.TUNE)) {
      return;
    }
    FutureTask<Void> task = new FutureTask<>(() -> tune(program), null);
    new Thread(task, "gridstride tuning").start();
    try {
      task.get();
    } catch (ExecutionException e) {
      throw e.getCause() instanceof RuntimeException failure
          ? failure
          : new IllegalStateException(e.getCause());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new BackendException("tuning was interrupted", e);
    }
  }

  /** A session to measure in. */
  private CudaSession open(Candidates.Winners winners) {
    ImplementationChoice any =
        new ImplementationChoice(ImplementationChoice.AUTO, Map.of(), choice.nondeterministic());
    return new CudaSession(
        "tuning",
        device,
        DeviceOptions.DEFAULT.withPrecision(precision).withImplementations(any),
        SessionOptions.DEFAULT.withDispatch(
            new SessionOptions.Dispatch(dispatch.folder(), dispatch.table(), winners)));
  }

  private void keep(TunedFile.Entry entry) {
    if (entry == null) {
      return;
    }
    measured++;
    TunedFile.Entry kept = entry;
    try {
      kept = file().add(entry);
    } catch (FileException e) {
      notKept = ", not kept: " + e.getMessage();
    }
    messages.accept("tuned " + kept.node() + ": " + kept.winner() + ", " + kept.why());
  }

  /** The candidates with their times, where they are known. */
  List<Explanation.Candidate> timed(Node node, Program program, List<Explanation.Candidate> all) {
    boolean known = dispatch.forced() == null && choice.isMeasured(node.op().name());
    TunedFile.Entry entry = known ? file().find(key(node, program)) : null;
    return entry == null ? all : all.stream().map(one -> timed(one, entry)).toList();
  }

  private static Explanation.Candidate timed(Explanation.Candidate one, TunedFile.Entry entry) {
    return entry.candidates().stream()
        .filter(m -> m.implementation().equals(one.name()) && m.cold() != null && m.warm() != null)
        .findFirst()
        .map(
            m ->
                new Explanation.Candidate(
                    one.name(),
                    one.verdict(),
                    one.detail(),
                    one.workspaceBytes(),
                    1e3 * m.cold().medianUs(),
                    1e3 * m.warm().medianUs()))
        .orElse(one);
  }

  /** Notes who computes the nodes of a program that was compiled. */
  void used(Recording recording) {
    for (Recording.Step step : recording.steps()) {
      String op = step.node().op().name();
      boolean open =
          !step.implementation().isEmpty() && !choice.of(op).equals(ImplementationChoice.OWN);
      if (open && candidates.all(step.node()).size() > 1) {
        byNode.put(key(step.node(), recording.program()).toString(), step.implementation());
      }
    }
  }

  /** Who computes the steps of programs. */
  ImplementationUse use(Stream<Recording.Step> steps) {
    Map<String, Integer> nodes = new LinkedHashMap<>();
    steps
        .filter(step -> !step.implementation().isEmpty())
        .forEach(step -> nodes.merge(step.implementation(), step.members().size(), Integer::sum));
    return new ImplementationUse(nodes, byNode, libraries.versions(), tuning());
  }

  private String tuning() {
    if (file == null) {
      return "";
    }
    if (file.size() == 0 && notKept.isEmpty()) {
      return "no times are known yet, --impl tune measures them (" + file.path() + ")";
    }
    String now = measured == 0 ? "" : ", " + measured + " of them now";
    return "times of " + file.size() + " nodes in " + file.path() + now + notKept;
  }
}
