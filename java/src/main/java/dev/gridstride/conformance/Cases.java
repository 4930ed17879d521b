package dev.gridstride.conformance;

import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;

/** All cases, op family by op family. */
public final class Cases {
  private Cases() {}

  /**
   * Every case, in a fixed order.
   *
   * @throws IllegalStateException if two have the same name
   */
  public static List<Case> all() {
    List<Case> cases =
        Stream.of(
                ConvolutionCases.all(),
                PoolingCases.all(),
                DenseCases.all(),
                ElementwiseCases.all(),
                CastCases.all(),
                BatchNormCases.all(),
                LossCases.all(),
                OptimizerCases.all(),
                MetricCases.all(),
                FetchCases.all(),
                TrainingCases.all())
            .flatMap(List::stream)
            .toList();
    Set<String> names = new HashSet<>();
    for (Case test : cases) {
      if (!names.add(test.name())) {
        throw new IllegalStateException("two cases are named " + test.name());
      }
    }
    return cases;
  }
}
