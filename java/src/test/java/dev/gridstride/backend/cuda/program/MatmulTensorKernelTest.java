package dev.gridstride.backend.cuda.program;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gridstride.backend.BackendException;
import dev.gridstride.backend.Precision;
import dev.gridstride.backend.cuda.program.TensorNumbers.Sum;
import dev.gridstride.program.Node;
import dev.gridstride.program.Role;
import dev.gridstride.program.TensorType;
import dev.gridstride.program.Value;
import dev.gridstride.program.op.Relu;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/** The kernels of {@code matmul_tensor.cu} against double loops. */
class MatmulTensorKernelTest {
  /** Stored as it is or transposed. */
  private enum Form {
    NN(false, false),
    NT(false, true),
    TN(true, false);

    final boolean transposeA;
    final boolean transposeB;

    Form(boolean transposeA, boolean transposeB) {
      this.transposeA = transposeA;
      this.transposeB = transposeB;
    }
  }

  /**
   * A product.
   *
   * @param shift elements by which every matrix starts off 256 bytes
   * @param reason what is special about it
   */
  private record Problem(
      int m, int n, int k, int shift, boolean bias, boolean relu, String reason) {
    @Override
    public String toString() {
      return m + "x" + n + "x" + k + (shift == 0 ? "" : " shifted " + shift) + ": " + reason;
    }
  }

  /** Tiles are 64x64 or, from 8 of them on (DirectRun has 8 multiprocessors), 128x128. */
  private static final List<Problem> PROBLEMS =
      List.of(
          new Problem(1, 1, 1, 0, true, true, "smallest; nothing fills a chunk of 16 bytes"),
          new Problem(64, 64, 32, 0, false, false, "one tile, one or two stages"),
          new Problem(65, 72, 40, 0, true, false, "one row and one chunk above a tile"),
          new Problem(63, 56, 24, 0, true, true, "below a tile; the last stage is not full"),
          new Problem(7, 13, 37, 0, true, true, "primes: rows are not whole chunks"),
          new Problem(64, 64, 64, 1, true, false, "whole chunks that are not aligned"),
          new Problem(16, 10, 512, 0, true, true, "split k with bias and ReLU; ten classes"),
          new Problem(8, 136, 2304, 0, false, false, "split k into uneven parts"),
          new Problem(512, 256, 16, 0, true, false, "eight large tiles"),
          new Problem(390, 264, 72, 0, true, true, "large tiles with ragged edges"),
          new Problem(385, 257, 33, 0, true, true, "large tiles, rows that are not whole chunks"));

  @TestFactory
  Stream<DynamicTest> everyFormAndType() {
    return PROBLEMS.stream()
        .flatMap(
            problem ->
                Stream.of(Form.values())
                    .flatMap(
                        form ->
                            Stream.of(TensorCores.values())
                                .map(
                                    type ->
                                        DynamicTest.dynamicTest(
                                            form + " " + type + " " + problem,
                                            () -> check(problem, form, type)))));
  }

  private static void check(Problem problem, Form form, TensorCores type) {
    for (boolean integers : new boolean[] {true, false}) {
      long seed = problem.hashCode() * 31L + form.name().hashCode();
      TensorNumbers numbers = new TensorNumbers(seed, integers);
      float[] a = numbers.values(problem.m() * problem.k(), type);
      float[] b = numbers.values(problem.k() * problem.n(), type);
      float[] bias = problem.bias() ? numbers.bias(problem.n()) : null;
      Sum[] expected = product(problem, form, a, b, bias);
      List<float[]> first = null;
      for (DirectRun.Way way : DirectRun.WAYS) {
        String what = way + (integers ? ", integers" : ", reals") + ", seed " + seed;
        List<float[]> results = run(problem, form, type, way, a, b, bias);
        for (int i = 0; i < results.size(); i++) {
          numbers.check(what, expected, results.get(i), type, i == 1);
          if (first != null) {
            assertArrayEquals(first.get(i), results.get(i), what + ": other bits than in order");
          }
        }
        first = results;
      }
    }
  }

  /** The float32 result and, for bf16, the bfloat16 one. */
  private static List<float[]> run(
      Problem p,
      Form form,
      TensorCores type,
      DirectRun.Way way,
      float[] a,
      float[] b,
      float[] bias) {
    int shift = p.shift();
    int count = p.m() * p.n();
    try (DirectRun run = new DirectRun(way)) {
      boolean bf16 = type == TensorCores.BF16;
      Place placeA = bf16 ? run.bfloat16s("a", shift, a) : run.floats("a", shift, a);
      Place placeB = bf16 ? run.bfloat16s("b", shift, b) : run.floats("b", shift, b);
      Place placeBias = bias == null ? Place.NULL : run.floats("bias", shift, bias);
      Place c = run.unset("c", 4L * shift, 4L * count);
      Place bfloat16C = bf16 ? run.unset("c in bf16", 2L * shift, 2L * count) : Place.NULL;
      run.run(
          e ->
              MatmulTensorLaunches.matmul(
                  e,
                  type,
                  form.transposeA,
                  form.transposeB,
                  c,
                  bfloat16C,
                  placeA,
                  placeB,
                  placeBias,
                  p.m(),
                  p.n(),
                  p.k(),
                  p.relu()));
      List<float[]> results = new ArrayList<>(List.of(run.floats(c)));
      if (bf16) {
        results.add(run.bfloat16s(bfloat16C));
      }
      return results;
    }
  }

  private static Sum[] product(Problem p, Form form, float[] a, float[] b, float[] bias) {
    Sum[] sums = TensorNumbers.sums(p.m() * p.n());
    for (int i = 0; i < p.m(); i++) {
      for (int j = 0; j < p.n(); j++) {
        Sum sum = sums[i * p.n() + j];
        for (int q = 0; q < p.k(); q++) {
          sum.add(
              a[form.transposeA ? q * p.m() + i : i * p.k() + q],
              b[form.transposeB ? j * p.k() + q : q * p.n() + j]);
        }
        if (bias != null) {
          sum.addBias(bias[j]);
        }
        if (p.relu()) {
          sum.relu();
        }
      }
    }
    return sums;
  }

  /**
   * With k = 1 and b = 1 the product is a as the tensor core sees it: rounded, ties away from 0.
   */
  @Test
  void tf32IsRoundedToNearest() {
    int[] bits = {
      0x3f800000,
      0x3f800fff,
      0x3f801000,
      0x3f801001,
      0xbf801000,
      0xbf800fff, // round 1 and -1
      0x3f803000,
      0x3ffff000, // a tie to the even neighbour's other side, a carry to the exponent
      0x7f800000,
      0xff800000,
      0x7f800001,
      0x7fc00000, // infinities and NaN
      0x00000000,
      0x00001000,
      0x00000fff,
      0x7f7fe000 // zero, denormals, the largest
    };
    float[] a = new float[bits.length];
    for (int i = 0; i < a.length; i++) {
      a[i] = Float.intBitsToFloat(bits[i]);
    }
    Problem column = new Problem(a.length, 1, 1, 0, false, false, "one column");
    float[] one = {1};
    float[] c = run(column, Form.NN, TensorCores.TF32, DirectRun.WAYS.get(0), a, one, null).get(0);
    for (int i = 0; i < a.length; i++) {
      float expected =
          Float.isNaN(a[i]) ? Float.NaN : Float.intBitsToFloat((bits[i] + 0x1000) & 0xffffe000);
      assertEquals(expected, c[i], "0x" + Integer.toHexString(bits[i]));
    }
  }

  @Test
  void saysWhatItDoesNotTake() {
    record Wish(TensorCores type, boolean transposeA, boolean bfloat16C, int capability) {}
    Map<Wish, String> wishes =
        Map.of(
            new Wish(TensorCores.BF16, false, true, 75),
            "tf32 and bf16 need compute capability 8.0, the device has 7.5",
            new Wish(TensorCores.BF16, true, true, 90),
            "no kernel on tensor cores has both matrices transposed",
            new Wish(TensorCores.TF32, false, true, 90),
            "TF32 kernels write float32 only");
    Value value = Value.of("value", TensorType.float32(1), Role.STATE, false);
    Place place = Place.of(new Place.Memory("place", 4));
    wishes.forEach(
        (wish, message) -> {
          Emitter e =
              new Emitter(
                  new Node(new Relu(), List.of(value), List.of(value)),
                  false,
                  v -> place,
                  Value::shape,
                  new Emitter.Traits(8, wish.capability(), Precision.FLOAT32));
          BackendException error =
              assertThrows(
                  BackendException.class,
                  () ->
                      MatmulTensorLaunches.matmul(
                          e,
                          wish.type(),
                          wish.transposeA(),
                          true,
                          place,
                          wish.bfloat16C() ? place : Place.NULL,
                          place,
                          place,
                          Place.NULL,
                          1,
                          1,
                          1,
                          false));
          assertTrue(error.getMessage().contains(message), error.getMessage());
        });
  }

  @TestFactory
  Stream<DynamicTest> picksTileAndSplit() {
    record Choice(int m, int n, int k, List<String> kernels) {}
    return Stream.of(
            new Choice(64, 64, 32, List.of("matmul_nn_64x64_bf16")),
            new Choice(16, 10, 512, List.of("matmul_nn_64x64_bf16", "matmul_sum_parts_f32")),
            new Choice(512, 256, 16, List.of("matmul_nn_128x128_bf16")))
        .map(
            choice ->
                DynamicTest.dynamicTest(
                    choice.toString(),
                    () -> {
                      try (DirectRun run = new DirectRun(DirectRun.WAYS.get(0))) {
                        Place a = run.bfloat16s("a", 0, new float[choice.m() * choice.k()]);
                        Place b = run.bfloat16s("b", 0, new float[choice.k() * choice.n()]);
                        Place c = run.unset("c", 0, 4L * choice.m() * choice.n());
                        assertEquals(
                            choice.kernels(),
                            run.run(
                                e ->
                                    MatmulTensorLaunches.matmul(
                                        e,
                                        TensorCores.BF16,
                                        false,
                                        false,
                                        c,
                                        Place.NULL,
                                        a,
                                        b,
                                        Place.NULL,
                                        choice.m(),
                                        choice.n(),
                                        choice.k(),
                                        false)));
                      }
                    }));
  }
}
