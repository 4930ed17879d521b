package dev.gridstride.nn;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gridstride.program.Program;
import dev.gridstride.program.ProgramException;
import dev.gridstride.program.Shape;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class InitializersTest {
  private static final Shape CONV = Shape.of(32, 16, 3, 3);

  private static float[] initial(String name, Shape shape, Initializer initializer) {
    Scope scope = Scope.inference(new Program.Builder());
    scope.parameter(name, shape, initializer);
    return scope.parameters().get(0).initial(7).floats();
  }

  /**
   * Worked out in Python from the published Philox 4x32-10 and FNV-1a, each checked by its vector.
   */
  @Test
  void firstValuesAreThoseOfTheStatedFormula() {
    float[] uniform = initial("conv1.weight", Shape.of(32, 3, 3, 3), Initializers.glorotUniform());
    float[] expectedUniform = {
      -0.06927002f, 0.00020527716f, 0.13763456f,
      -0.12143033f, -0.118917f, -0.010975705f
    };
    assertArrayEquals(expectedUniform, java.util.Arrays.copyOf(uniform, 6));
    float[] normal = initial("fc1.weight", Shape.of(40, 50), Initializers.heNormal());
    float[] expectedNormal = {
      0.08793313f, 0.12712328f, -0.21960749f,
      0.020833934f, -0.3604671f, 0.12803368f
    };
    assertArrayEquals(expectedNormal, java.util.Arrays.copyOf(normal, 6));
  }

  /** Fan in 16 * 9 = 144, fan out 32 * 9 = 288. */
  @ParameterizedTest
  @CsvSource({
    "glorot_uniform, 432, true",
    "glorot_normal, 432, false",
    "he_uniform, 144, true",
    "he_normal, 144, false"
  })
  void spreadFollowsFromTheFans(String name, double fans, boolean uniform) {
    float[] values = Initializers.parse(name).values(Shape.of(32, 16, 3, 3), 1);
    double variance = 2 / fans;
    double sum = 0;
    double squares = 0;
    double largest = 0;
    for (float value : values) {
      sum += value;
      squares += (double) value * value;
      largest = Math.max(largest, Math.abs(value));
    }
    // Four standard errors of the mean, and of the variance of 4608 draws (kurtosis at most 3).
    double n = values.length;
    assertEquals(0, sum / n, 4 * Math.sqrt(variance / n));
    assertEquals(variance, squares / n, 4 * variance * Math.sqrt(2 / n));
    if (uniform) {
      double bound = Math.sqrt(3 * variance);
      assertTrue(largest <= bound && largest > 0.99 * bound, "largest " + largest);
    } else {
      assertTrue(largest > 3 * Math.sqrt(variance), "not truncated, largest " + largest);
    }
  }

  @Test
  void fansOfDenseWeightsAreColumnsAndRows() {
    float[] values = Initializers.glorotUniform().values(Shape.of(500, 100), 3);
    double bound = Math.sqrt(6.0 / 600);
    double largest = 0;
    for (float value : values) {
      largest = Math.max(largest, Math.abs(value));
    }
    assertTrue(largest <= bound && largest > 0.999 * bound, "largest " + largest);
  }

  @Test
  void valuesDependOnSeedAndNameButNotOnOrder() {
    Scope forward = Scope.inference(new Program.Builder());
    forward.parameter("a", CONV, Initializers.heNormal());
    forward.parameter("b", CONV, Initializers.heNormal());
    Scope backward = Scope.inference(new Program.Builder());
    backward.parameter("b", CONV, Initializers.heNormal());
    ParameterSpec a = forward.parameters().get(0);
    ParameterSpec b = forward.parameters().get(1);
    assertEquals(b.initial(1), backward.parameters().get(0).initial(1));
    assertTrue(!a.initial(1).equals(b.initial(1)));
    assertTrue(!b.initial(1).equals(b.initial(2)));
  }

  @Test
  void identityHandsChannelsThrough() {
    float[] conv = Initializers.identity().values(Shape.of(2, 3, 3, 3), 0);
    assertEquals(1, conv[4]);
    assertEquals(1, conv[3 * 9 + 9 + 4]);
    float sum = 0;
    for (float value : conv) {
      sum += value;
    }
    assertEquals(2, sum);
    assertArrayEquals(
        new float[] {1, 0, 0, 1, 0, 0}, Initializers.identity().values(Shape.of(3, 2), 0));
    assertArrayEquals(
        new float[] {1, 0, 0, 1, 1, 0, 0, 1},
        Initializers.identity(2).values(Shape.of(4, 2, 1, 1), 0));
    assertThrows(ProgramException.class, () -> Initializers.identity().values(Shape.of(3), 0));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "glorot_uniform",
        "glorot_normal",
        "he_uniform",
        "he_normal",
        "zeros",
        "ones",
        "constant(0.25)",
        "identity",
        "identity(4)"
      })
  void textComesBack(String text) {
    assertEquals(text, Initializers.parse(text).toString());
    assertEquals(Initializers.parse(text), Initializers.parse(text));
  }

  @Test
  void constantsAreConstant() {
    assertArrayEquals(new float[] {0, 0}, Initializers.zeros().values(Shape.of(2), 5));
    assertArrayEquals(new float[] {1, 1}, Initializers.ones().values(Shape.of(2), 5));
    assertArrayEquals(new float[] {.5f, .5f}, Initializers.constant(.5f).values(Shape.of(2), 5));
    assertEquals(Initializers.zeros(), Initializers.constant(0));
  }

  @ParameterizedTest
  @ValueSource(strings = {"xavier", "constant(x)", "constant(NaN)", "identity(0)", "zeros(1)", ""})
  void unknownTextIsAnError(String text) {
    ProgramException error = assertThrows(ProgramException.class, () -> Initializers.parse(text));
    assertTrue(error.getMessage().startsWith("initializer: "), error.getMessage());
  }
}
