package dev.gridstride.conformance;

import dev.gridstride.program.DataType;
import dev.gridstride.program.Shape;
import dev.gridstride.program.Tensor;
import dev.gridstride.program.Value;
import dev.gridstride.program.op.Cast;
import dev.gridstride.program.op.Conv2d;
import dev.gridstride.program.op.Dense;
import dev.gridstride.program.op.Matmul;
import java.util.List;

/**
 * Casts, and products of bfloat16 factors. More of those come from the cases of convolutions and
 * dense layers by {@link Case#in}.
 */
final class CastCases {
  private static final Cast TO_BFLOAT16 = new Cast(DataType.BFLOAT16);
  private static final Cast TO_FLOAT32 = new Cast(DataType.FLOAT32);

  private CastCases() {}

  private static Case thereAndBack(String reason, Tolerance tolerance, Tensor tensor) {
    Sketch sketch = new Sketch("cast " + tensor.shape(), reason, Numbers.Kind.REALS);
    Value x = sketch.input("x", tensor);
    Value half = sketch.builder().add("half", TO_BFLOAT16, x);
    return sketch.compare(tolerance, half, sketch.builder().add("y", TO_FLOAT32, half));
  }

  /** These numbers and their negatives. */
  private static Tensor andNegatives(float... positive) {
    float[] values = new float[2 * positive.length];
    for (int i = 0; i < positive.length; i++) {
      values[i] = positive[i];
      values[positive.length + i] = -positive[i];
    }
    return Tensor.of(Shape.of(2, positive.length), values);
  }

  private static Tensor special() {
    return andNegatives(
        0,
        Float.MIN_VALUE, // rounds to 0
        0x1p-133f, // bfloat16's least
        0x1.8p-133f, // a tie of denormals
        0x1.01p0f, // a tie, down to even
        0x1.03p0f, // a tie, up to even
        0x1.010002p0f, // above a tie
        0x1.02fffep0f, // below a tie
        0x1.ffp0f, // a carry into the exponent
        0x1.fffffep23f); // many
  }

  /** Numbers about the largest: infinity where it is rounded to. */
  private static Tensor large() {
    return andNegatives(
        Float.POSITIVE_INFINITY,
        Float.MAX_VALUE,
        0x1.ffp127f, // a tie, up to even
        0x1.fefffep127f, // below the tie
        0x1.fep127f); // bfloat16's largest
  }

  private static Value half(Sketch sketch, String name, Value value) {
    return sketch.builder().add(name, TO_BFLOAT16, value);
  }

  private static Case conv2d() {
    Sketch sketch =
        new Sketch("conv2d of casts", "its gradients pass through casts", Numbers.Kind.INTEGERS);
    Value x = sketch.input("x", 2, 8, 6, 5);
    Value w = sketch.parameter("w", 5, 8, 3, 3);
    Value b = sketch.parameter("b", 5);
    Value y =
        sketch.builder().add("y", Conv2d.PLAIN, half(sketch, "x16", x), half(sketch, "w16", w), b);
    return sketch.differentiate(y, 1, x, w, b).withoutGradientCheck();
  }

  private static Case dense() {
    Sketch sketch =
        new Sketch("dense of casts", "images flattened as bfloat16", Numbers.Kind.INTEGERS);
    Value x = sketch.input("x", 3, 5, 2, 3);
    Value w = sketch.parameter("w", 7, 30);
    Value b = sketch.parameter("b", 7);
    Value y =
        sketch
            .builder()
            .add("y", new Dense(true), half(sketch, "x16", x), half(sketch, "w16", w), b);
    return sketch.differentiate(y, 1, x, w, b).withoutGradientCheck();
  }

  private static Case matmul() {
    Sketch sketch = new Sketch("matmul of casts", "two readers of one cast", Numbers.Kind.INTEGERS);
    Value a = sketch.input("a", 6, 6);
    Value half = half(sketch, "a16", a);
    Value c = sketch.builder().add("c", new Matmul(false, false), half, half);
    return sketch.differentiate(c, 1, a).withoutGradientCheck();
  }

  static List<Case> all() {
    Numbers numbers = new Numbers(5);
    return List.of(
        thereAndBack("ties, denormals, carries", Tolerance.EXACT, special()),
        thereAndBack("what becomes infinite", Tolerance.ofSum(1), large()),
        thereAndBack("images", Tolerance.EXACT, numbers.reals(Shape.of(3, 5, 4, 7), -1, 1)),
        thereAndBack(
            "more than a block's 2048",
            Tolerance.EXACT,
            numbers.reals(Shape.of(2, 2057), -300, 300)),
        conv2d(),
        dense(),
        matmul());
  }
}
