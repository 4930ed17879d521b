package dev.gridstride.backend.cuda.program;

import dev.gridstride.program.DataType;
import dev.gridstride.program.Node;
import dev.gridstride.program.Program;
import dev.gridstride.program.TensorType;
import dev.gridstride.program.Value;
import dev.gridstride.program.op.Increment;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The device's counters as the host can tell them without asking: what was written to them, plus
 * the increments of all runs since. So the host knows which rows a launch will fetch before the
 * device gets there.
 */
final class Cursors {
  /** One counter. */
  static final class Cursor {
    private long value;
    private boolean known = true;

    /** From now on it is this. */
    void set(long content) {
      value = content;
      known = true;
    }

    /** From now on only the device knows. */
    void forget() {
      known = false;
    }

    boolean known() {
      return known;
    }

    long value() {
      if (!known) {
        throw new IllegalStateException("the device's counter is to be read first");
      }
      return value;
    }
  }

  /** What one run of a program does to a counter. */
  private record Change(Cursor cursor, long by, boolean unforeseen) {}

  /** What runs of one program do to all counters. */
  static final class Changes {
    private final List<Change> changes = new ArrayList<>();

    /** So many runs were launched. */
    void add(int runs) {
      for (int i = 0; i < changes.size(); i++) {
        Change change = changes.get(i);
        if (change.unforeseen) {
          change.cursor.forget();
        } else {
          change.cursor.value += change.by * runs;
        }
      }
    }
  }

  private final Map<String, Cursor> cursors = new HashMap<>();

  /** Whether a value can be a cursor. */
  static boolean counts(TensorType type) {
    return type.dtype() == DataType.INT64 && type.shape().elements() == 1;
  }

  /** The counter of this name; zero if it is new, as a session's values are. */
  Cursor of(String name) {
    return cursors.computeIfAbsent(name, key -> new Cursor());
  }

  /** What a run of this program will do. */
  Changes changes(Program program) {
    Map<Value, Long> sums = new LinkedHashMap<>();
    Map<Value, Boolean> unforeseen = new LinkedHashMap<>();
    for (Node node : program.nodes()) {
      for (Value written : node.outputs()) {
        if (written.role().persistent() && counts(written.type())) {
          sums.merge(written, step(node, written), Long::sum);
          unforeseen.merge(written, !increments(node, written), Boolean::logicalOr);
        }
      }
    }
    Changes changes = new Changes();
    sums.forEach(
        (value, by) ->
            changes.changes.add(new Change(of(value.name()), by, unforeseen.get(value))));
    return changes;
  }

  /** How much is added to {@code counter} in a run before {@code node}. */
  static long before(Node node, Value counter, Program program) {
    long sum = 0;
    for (Node earlier : program.nodes()) {
      if (earlier.equals(node)) {
        return sum;
      }
      if (earlier.outputs().contains(counter)) {
        sum += step(earlier, counter);
      }
    }
    throw new IllegalArgumentException(node + " is not of this program");
  }

  /** How much is added to {@code counter} in a run. */
  static long perRun(Value counter, Program program) {
    return program.nodes().stream()
        .filter(node -> node.outputs().contains(counter))
        .mapToLong(node -> step(node, counter))
        .sum();
  }

  /** Whether a program changes {@code counter} in no other way than by increments. */
  static boolean onlyIncremented(Value counter, Program program) {
    return program.nodes().stream()
        .filter(node -> node.outputs().contains(counter))
        .allMatch(node -> increments(node, counter));
  }

  private static boolean increments(Node node, Value counter) {
    return node.op() instanceof Increment && node.input(0) == counter;
  }

  private static long step(Node node, Value counter) {
    return increments(node, counter) ? ((Increment) node.op()).by() : 0;
  }
}
