package dev.gridstride.benchmark;

import dev.gridstride.backend.Executable;
import dev.gridstride.backend.Session;
import dev.gridstride.conformance.Comparison;
import dev.gridstride.program.Shape;
import dev.gridstride.program.Tensor;
import dev.gridstride.program.TensorType;
import dev.gridstride.program.Value;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;

/**
 * Holds results against the reference's plain loops in double. Where those would take too long, the
 * reference computes part of the results: some images, channels, rows or columns, the first and the
 * last among them, each of the chosen with all of its terms.
 */
final class Judge {
  /** What the reference's loops do in one problem at most: half a second or so. */
  private static final long LARGEST_WORK = 50_000_000;

  /** What an element costs the reference where there are no products to count. */
  private static final long WORK_OF_ELEMENT = 4;

  private static final int FEWEST = 3;

  /** A tensor of results is the same in both. */
  private record Expected(Bound bound, List<Dim> dims, Tensor tensor) {}

  private final Map<String, int[]> chosen;
  private final Map<String, Expected> expected = new LinkedHashMap<>();
  private final double share;

  /**
   * Runs the reference.
   *
   * @param reference a session of its own
   */
  Judge(Problem problem, Session reference) {
    Map<String, Integer> rows = rows(problem);
    chosen = new HashMap<>();
    rows.forEach(
        (label, count) ->
            chosen.put(label, choose(problem.draft().free().get(label), count, label)));
    Draft part = part(problem, rows);
    Map<String, Tensor> data = new HashMap<>();
    problem
        .data()
        .forEach(
            (value, tensor) ->
                data.put(value.name(), pick(tensor, problem.draft().given().get(value).dims())));
    Map<String, Tensor> results = run(part, data, reference);
    long computed = 0;
    long all = 0;
    for (Map.Entry<Value, Draft.Result> result : problem.draft().results().entrySet()) {
      String name = result.getKey().name();
      Tensor tensor = results.get(name);
      expected.put(name, new Expected(result.getValue().bound(), result.getValue().dims(), tensor));
      computed += tensor.shape().elements();
      all += result.getKey().shape().elements();
    }
    share = (double) computed / all;
  }

  private static Draft part(Problem problem, Map<String, Integer> rows) {
    Request request = problem.request();
    Draft draft =
        new Draft(
            request.precision(),
            dim -> new Dim(dim.label(), rows.getOrDefault(dim.label(), dim.size())));
    request.kind().draw().accept(request.sizes(), draft);
    return draft;
  }

  /** How many rows of each dimension the reference computes. */
  private static Map<String, Integer> rows(Problem problem) {
    Map<String, Integer> rows = new HashMap<>(problem.draft().free());
    while (work(part(problem, rows)) > LARGEST_WORK) {
      String most = null;
      for (Map.Entry<String, Integer> dim : rows.entrySet()) {
        if (dim.getValue() > FEWEST && (most == null || dim.getValue() > rows.get(most))) {
          most = dim.getKey();
        }
      }
      if (most == null) {
        break;
      }
      rows.put(most, Math.max(FEWEST, rows.get(most) / 2));
    }
    return rows;
  }

  private static long work(Draft draft) {
    long elements =
        draft.program().values().stream().mapToLong(value -> value.shape().elements()).sum();
    return Math.max(draft.program().flops(), WORK_OF_ELEMENT * elements);
  }

  /** The first, the last and others between them, in order. */
  private static int[] choose(int size, int count, String label) {
    SplittableRandom random = new SplittableRandom(size * 31L + label.hashCode());
    int[] indices = new int[count];
    for (int i = 0; i < count; i++) {
      // One of each of equal parts of the range.
      long start = (long) size * i / count;
      long end = (long) size * (i + 1) / count;
      indices[i] = (int) random.nextLong(start, end);
    }
    indices[0] = 0;
    indices[count - 1] = size - 1;
    return indices;
  }

  private static Map<String, Tensor> run(Draft part, Map<String, Tensor> data, Session session) {
    try (Executable executable = session.compile(part.program())) {
      part.given().keySet().forEach(value -> session.write(value, data.get(value.name())));
      executable.run();
      Map<String, Tensor> results = new HashMap<>();
      part.results()
          .keySet()
          .forEach(value -> results.put(value.name(), read(value, session, executable)));
      return results;
    }
  }

  private static Tensor read(Value value, Session session, Executable executable) {
    return value.role().persistent() ? session.read(value) : executable.read(value);
  }

  /** The share of the results that the reference computed, from 0 to 1. */
  double share() {
    return share;
  }

  /**
   * How the results of a run compare, a line a tensor.
   *
   * @param session whose memory has what the run has updated
   * @param executable that has run once
   * @param how by which algorithm
   */
  List<Comparison.Difference> compare(
      Problem problem, Session session, Executable executable, String how) {
    List<Comparison.Difference> differences = new ArrayList<>();
    for (Value value : problem.draft().results().keySet()) {
      Expected right = expected.get(value.name());
      Tensor got = pick(read(value, session, executable), right.dims());
      boolean winograd = how.contains("WINOGRAD");
      Bound bound = winograd ? right.bound().byWinograd() : right.bound();
      double most = bound.of(right.tensor());
      differences.add(Comparison.measure(value.name(), right.tensor(), got, most));
    }
    return differences;
  }

  /** The chosen rows of each dimension that has some. */
  private Tensor pick(Tensor tensor, List<Dim> dims) {
    Tensor picked = tensor;
    for (int axis = 0; axis < dims.size(); axis++) {
      int[] rows = chosen.get(dims.get(axis).label());
      if (rows != null && rows.length < dims.get(axis).size()) {
        picked = pick(picked, axis, rows);
      }
    }
    return picked;
  }

  private static Tensor pick(Tensor tensor, int axis, int[] rows) {
    int[] dims = tensor.shape().dims();
    int outer = product(dims, 0, axis);
    int inner = product(dims, axis + 1, dims.length);
    int[] fewer = dims.clone();
    fewer[axis] = rows.length;
    Tensor picked = Tensor.zeros(new TensorType(tensor.type().dtype(), Shape.of(fewer)));
    for (int o = 0; o < outer; o++) {
      for (int r = 0; r < rows.length; r++) {
        int from = (o * dims[axis] + rows[r]) * inner;
        tensor.copy(from, picked, (o * rows.length + r) * inner, inner);
      }
    }
    return picked;
  }

  private static int product(int[] dims, int start, int end) {
    return Arrays.stream(dims, start, end).reduce(1, Math::multiplyExact);
  }
}
