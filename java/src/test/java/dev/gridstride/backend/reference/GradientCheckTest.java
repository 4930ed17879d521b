package dev.gridstride.backend.reference;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gridstride.conformance.Case;
import dev.gridstride.conformance.Cases;
import dev.gridstride.program.Program;
import dev.gridstride.program.Value;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/**
 * Gradients of the reference against central differences of its loss, in double, for every case of
 * the conformance suite with real numbers and a loss. Inputs with a kink within a step (ReLU,
 * absolute value, maximum) are left out: there the two one-sided differences disagree.
 */
class GradientCheckTest {
  private static final double STEP = 1e-6;

  /** Elements tried of each input, and products above which a case tries few. */
  private static final int ELEMENTS = 12;

  private static final int FEW = 2;
  private static final long LARGE = 2_000_000;

  /** What truncation may leave, relative to the largest gradient. */
  private static final double TRUNCATION = 1e-7;

  @TestFactory
  Stream<DynamicTest> everyGradient() {
    return cases().map(test -> DynamicTest.dynamicTest(test.name(), () -> check(test)));
  }

  private static Stream<Case> cases() {
    return Cases.all().stream()
        .filter(test -> test.gradient() != null && !test.name().endsWith("integers"));
  }

  private static void check(Case test) {
    Value loss = test.gradient().loss();
    Program full = test.runs().get(0).program();
    Program forward = upTo(full, loss);
    try (ReferenceSession session = new ReferenceSession()) {
      ReferenceExecutable backward = (ReferenceExecutable) session.compile(full);
      ReferenceExecutable evaluate = (ReferenceExecutable) session.compile(forward);
      test.data().forEach(session::write);
      backward.run();
      double rounding = rounding(forward, backward.result(loss).reals()[0]);
      int tries = full.flops() > LARGE ? FEW : ELEMENTS;
      test.gradient()
          .gradients()
          .forEach(
              (value, gradient) -> {
                double[] expected = backward.result(gradient).reals().clone();
                double[] x = session.storage(value).reals();
                double scale = Math.max(1, Arrays.stream(expected).map(Math::abs).max().orElse(0));
                int checked = 0;
                for (int i : elements(expected.length, tries, test.seed())) {
                  double[] sides = oneSided(evaluate, loss, x, i);
                  if (Math.abs(sides[0] - sides[1]) > 1e-3 * scale) {
                    continue;
                  }
                  checked++;
                  assertEquals(
                      (sides[0] + sides[1]) / 2,
                      expected[i],
                      TRUNCATION * scale + rounding,
                      value.name() + "[" + i + "], seed " + test.seed());
                }
                assertTrue(checked > 0, "every element tried of " + value + " sits on a kink");
              });
    }
  }

  /** All elements, or some drawn from the seed. */
  private static int[] elements(int length, int tries, long seed) {
    return length <= tries
        ? IntStream.range(0, length).toArray()
        : new SplittableRandom(seed).ints(tries, 0, length).toArray();
  }

  /** What rounding of the loss, a sum over the largest value's elements, makes of a difference. */
  private static double rounding(Program forward, double loss) {
    long terms =
        forward.values().stream().mapToLong(value -> value.shape().elements()).max().orElse(1);
    return Math.ulp(loss) * Math.sqrt((double) terms) / STEP;
  }

  /** Differences of the loss to the left and to the right of element {@code i}. */
  private static double[] oneSided(ReferenceExecutable evaluate, Value loss, double[] x, int i) {
    double before = x[i];
    double middle = run(evaluate, loss);
    x[i] = before - STEP;
    double left = run(evaluate, loss);
    x[i] = before + STEP;
    double right = run(evaluate, loss);
    x[i] = before;
    return new double[] {(middle - left) / STEP, (right - middle) / STEP};
  }

  private static double run(ReferenceExecutable evaluate, Value loss) {
    evaluate.run();
    return evaluate.result(loss).reals()[0];
  }

  /** The program without what comes after the loss. */
  private static Program upTo(Program program, Value loss) {
    int end = program.nodes().indexOf(program.producer(loss)) + 1;
    return Program.of(program.nodes().subList(0, end), List.of(loss));
  }

  /** Ops whose gradient rule is the default, which throws. */
  @Test
  void everyOpWithAGradientIsChecked() {
    Set<String> differentiated =
        cases()
            .flatMap(
                test -> upTo(test.runs().get(0).program(), test.gradient().loss()).nodes().stream())
            .map(node -> node.op().name())
            .collect(Collectors.toCollection(TreeSet::new));
    assertEquals(
        new TreeSet<>(
            List.of(
                "add",
                "avg_pool2d",
                "batch_norm",
                "batch_norm_inference",
                "bias_add",
                "conv2d",
                "cross_entropy",
                "dense",
                "dropout",
                "global_avg_pool2d",
                "matmul",
                "max_pool2d",
                "mean_squared_error",
                "relu",
                "reshape",
                "softmax",
                "softmax_cross_entropy",
                "weight_penalty")),
        differentiated);
  }
}
