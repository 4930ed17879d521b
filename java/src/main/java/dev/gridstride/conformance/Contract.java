package dev.gridstride.conformance;

import dev.gridstride.backend.Executable;
import dev.gridstride.backend.MemoryUse;
import dev.gridstride.backend.Readings;
import dev.gridstride.backend.Session;
import dev.gridstride.program.DataType;
import dev.gridstride.program.Program;
import dev.gridstride.program.Tensor;
import dev.gridstride.program.Value;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.Supplier;

/**
 * What every session promises beyond the numbers, tried with a training step.
 *
 * @param title unique, begins with {@code contract}
 * @param reason what it catches
 * @param body the check, given how to open a session; a line for each problem
 */
record Contract(String title, String reason, Function<Supplier<Session>, List<String>> body) {
  private static final int RUNS = 3;
  private static final Case STEP = TrainingCases.all().get(0);

  private static final List<Contract> ALL =
      List.of(
          new Contract(
              "contract: values come back as written",
              "layouts and copies, every type of value a training step has",
              Contract::valuesComeBack),
          new Contract(
              "contract: another session gives the same bits",
              "sums whose order changes, memory that was not set",
              Contract::sameBits),
          new Contract(
              "contract: several runs in a row give the bits of single runs",
              "steps that follow each other without the host in between",
              Contract::runsInARow),
          new Contract(
              "contract: readings follow the runs",
              "counters that are read while the device works",
              Contract::readings),
          new Contract(
              "contract: runs allocate nothing",
              "memory that grows from step to step",
              Contract::runsAllocateNothing),
          new Contract(
              "contract: a closed program's memory is free again",
              "memory that is kept after its program",
              Contract::closingFrees));

  static List<Contract> all() {
    return ALL;
  }

  List<String> run(Supplier<Session> open) {
    return body.apply(open);
  }

  /** Opens a session and runs a small program in it: throws if the device does not work. */
  static void probe(Supplier<Session> open) {
    try (Session session = open.get()) {
      Runner.run(DenseCases.all().get(0), session);
    }
  }

  private static Program program() {
    return STEP.runs().get(0).program();
  }

  /** All persistent values of the step, with what they begin with. */
  private static Map<Value, Tensor> data() {
    Map<Value, Tensor> data = new LinkedHashMap<>();
    for (Value value : program().values()) {
      if (value.role().persistent()) {
        data.put(value, STEP.data().getOrDefault(value, Tensor.zeros(value.type())));
      }
    }
    return data;
  }

  private static List<Value> counters() {
    return data().keySet().stream()
        .filter(value -> value.type().dtype() == DataType.INT64)
        .filter(value -> value.shape().elements() == 1)
        .toList();
  }

  private static Executable begin(Session session) {
    Executable executable = session.compile(program());
    data().forEach(session::write);
    return executable;
  }

  private static List<String> valuesComeBack(Supplier<Session> open) {
    List<String> problems = new ArrayList<>();
    try (Session session = open.get()) {
      begin(session);
      data()
          .forEach(
              (value, tensor) -> {
                if (!session.read(value).equals(tensor)) {
                  problems.add(value + " is not what was written");
                }
              });
    }
    return problems;
  }

  private static List<String> sameBits(Supplier<Session> open) {
    return differing(wholeCase(open), wholeCase(open), "in another session");
  }

  private static Map<String, Tensor> wholeCase(Supplier<Session> open) {
    try (Session session = open.get()) {
      return Runner.run(STEP, session);
    }
  }

  private static List<String> runsInARow(Supplier<Session> open) {
    Map<String, Tensor> single =
        after(
            open,
            executable -> {
              for (int i = 0; i < RUNS; i++) {
                executable.run();
              }
            });
    Map<String, Tensor> together = after(open, executable -> executable.run(RUNS));
    return differing(single, together, "after " + RUNS + " runs in one call");
  }

  private static Map<String, Tensor> after(Supplier<Session> open, Consumer<Executable> runs) {
    Map<String, Tensor> results = new LinkedHashMap<>();
    try (Session session = open.get()) {
      Executable executable = begin(session);
      runs.accept(executable);
      for (Value output : program().outputs()) {
        results.put(output.name(), executable.read(output));
      }
      data().keySet().forEach(value -> results.put(value.name(), session.read(value)));
    }
    return results;
  }

  private static List<String> differing(
      Map<String, Tensor> first, Map<String, Tensor> second, String when) {
    return first.keySet().stream()
        .filter(key -> !first.get(key).equals(second.get(key)))
        .map(key -> key + " has other bits " + when)
        .toList();
  }

  private static List<String> readings(Supplier<Session> open) {
    List<String> problems = new ArrayList<>();
    List<Value> counters = counters();
    try (Session session = open.get()) {
      Executable executable = begin(session);
      try (Readings readings = session.follow(counters)) {
        for (int i = 0; i < RUNS; i++) {
          executable.run();
          readings.request();
          readings.await();
          for (int k = 0; k < counters.size(); k++) {
            double read = session.readScalar(counters.get(k));
            if (readings.get(k) != read) {
              problems.add(
                  counters.get(k).name()
                      + " after run "
                      + i
                      + ": expected "
                      + read
                      + ", the reading says "
                      + readings.get(k));
            }
          }
        }
      }
    }
    return problems;
  }

  private static List<String> runsAllocateNothing(Supplier<Session> open) {
    try (Session session = open.get()) {
      Executable executable = begin(session);
      executable.run();
      executable.read(program().outputs().get(0));
      MemoryUse before = session.memoryUse();
      for (int i = 0; i < RUNS; i++) {
        executable.run();
        executable.read(program().outputs().get(0));
      }
      MemoryUse after = session.memoryUse();
      return before.equals(after)
          ? List.of()
          : List.of("expected " + before + " as before " + RUNS + " runs, got " + after);
    }
  }

  private static List<String> closingFrees(Supplier<Session> open) {
    try (Session session = open.get()) {
      begin(session);
      long one = session.memoryUse().programBytes();
      session.compile(program()).close();
      long after = session.memoryUse().programBytes();
      return after == one
          ? List.of()
          : List.of("expected " + one + " bytes as before, got " + after);
    }
  }
}
