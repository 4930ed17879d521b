package dev.gridstride.backend.cpu;

import dev.gridstride.program.Value;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Orders steps into stages, with a barrier between them. Within a parallel stage each worker runs
 * all steps on its own part without waiting for the others; a training step of a plain network has
 * two.
 */
final class Scheduler {
  /**
   * Steps between two barriers.
   *
   * @param parallel whether all workers run it, or worker 0 alone
   * @param steps in order
   */
  record Stage(boolean parallel, List<Step> steps) {}

  private final List<Step> steps;
  private final List<Set<Integer>> waitsFor = new ArrayList<>();
  private final Set<Integer> done = new HashSet<>();
  private final List<Stage> stages = new ArrayList<>();

  private Scheduler(List<Step> steps) {
    this.steps = steps;
  }

  static List<Stage> schedule(List<Step> steps) {
    Scheduler scheduler = new Scheduler(steps);
    scheduler.findDependencies();
    while (scheduler.done.size() < steps.size()) {
      scheduler.addStage();
    }
    return scheduler.stages;
  }

  /** A step waits for the last writer of what it reads, and for all users of what it overwrites. */
  private void findDependencies() {
    Map<Value, Integer> writer = new HashMap<>();
    Map<Value, List<Integer>> readers = new HashMap<>();
    for (int i = 0; i < steps.size(); i++) {
      Step step = steps.get(i);
      Set<Integer> before = new HashSet<>();
      for (Value value : step.reads()) {
        if (writer.containsKey(value)) {
          before.add(writer.get(value));
        }
      }
      for (Value value : step.writes()) {
        if (writer.containsKey(value)) {
          before.add(writer.get(value));
        }
        before.addAll(readers.getOrDefault(value, List.of()));
      }
      waitsFor.add(before);
      for (Value value : step.reads()) {
        readers.computeIfAbsent(value, v -> new ArrayList<>()).add(i);
      }
      for (Value value : step.writes()) {
        writer.put(value, i);
        readers.remove(value);
      }
    }
  }

  /** Serial steps first, since they are short and parallel ones wait for them. */
  private void addStage() {
    boolean serial =
        java.util.stream.IntStream.range(0, steps.size())
            .anyMatch(i -> ready(i) && steps.get(i).mode() == Step.Mode.SERIAL);
    List<Step> members = new ArrayList<>();
    boolean grown = true;
    while (grown) {
      grown = false;
      for (int i = 0; i < steps.size(); i++) {
        Step step = steps.get(i);
        if (ready(i)
            && (step.mode() == Step.Mode.SERIAL) == serial
            && (serial || members.stream().noneMatch(other -> conflict(other, step)))) {
          members.add(step);
          done.add(i);
          grown = true;
        }
      }
    }
    stages.add(new Stage(!serial, List.copyOf(members)));
  }

  private boolean ready(int i) {
    return !done.contains(i) && done.containsAll(waitsFor.get(i));
  }

  /** Whether one worker could see another's work on something that is not cut into shards. */
  private static boolean conflict(Step earlier, Step later) {
    return crosses(earlier.writes(), later.reads())
        || crosses(earlier.writes(), later.writes())
        || crosses(earlier.reads(), later.writes());
  }

  private static boolean crosses(List<Value> a, List<Value> b) {
    return a.stream().anyMatch(value -> !value.batched() && b.contains(value));
  }
}
