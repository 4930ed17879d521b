package dev.gridstride.benchmark;

import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** Every op that can be measured. */
public final class Kinds {
  private static final List<Kind> ALL =
      Stream.of(
              ConvolutionKinds.all(),
              MatmulKinds.all(),
              PoolingKinds.all(),
              LossKinds.all(),
              LayerKinds.all(),
              TrainingKinds.all())
          .flatMap(List::stream)
          .toList();

  private Kinds() {}

  /** All, family by family. */
  public static List<Kind> all() {
    return ALL;
  }

  /**
   * The op of this name.
   *
   * @throws BenchmarkException if there is none
   */
  static Kind of(String op) {
    return ALL.stream()
        .filter(kind -> kind.op().equals(op))
        .findFirst()
        .orElseThrow(
            () ->
                new BenchmarkException(
                    "unknown op '"
                        + op
                        + "'; known: "
                        + ALL.stream().map(Kind::op).collect(Collectors.joining(", "))));
  }
}
