package dev.gridstride.conformance;

import dev.gridstride.program.Op;
import dev.gridstride.program.Padding2d;
import dev.gridstride.program.Shape;
import dev.gridstride.program.Tensor;
import dev.gridstride.program.Value;
import dev.gridstride.program.op.Add;
import dev.gridstride.program.op.Conv2d;
import dev.gridstride.program.op.Dropout;
import dev.gridstride.program.op.Fill;
import dev.gridstride.program.op.MaxPool2d;
import dev.gridstride.program.op.Pool2d;
import dev.gridstride.program.op.Relu;
import dev.gridstride.program.op.Reshape;
import java.util.ArrayList;
import java.util.List;

/** Ops that treat each element by itself, and changes of shape. */
final class ElementwiseCases {
  private ElementwiseCases() {}

  private static Case relu(String reason, Numbers.Kind kind, int... dims) {
    Sketch sketch = new Sketch("relu " + Shape.of(dims), reason, kind);
    Value x = sketch.input("x", dims);
    Value y = sketch.builder().add("y", new Relu(), x);
    return sketch.differentiate(y, 1, x);
  }

  private static Case reluOfSpecialNumbers() {
    Sketch sketch =
        new Sketch("relu of infinities and zeros", "also negative zero", Numbers.Kind.INTEGERS);
    float infinity = Float.POSITIVE_INFINITY;
    Value x = sketch.input("x", Tensor.of(Shape.of(2, 3), infinity, 1, -0f, 0, -infinity, -3));
    return sketch.compare(Tolerance.EXACT, sketch.builder().add("y", new Relu(), x));
  }

  private static Case add(String reason, int... dims) {
    Sketch sketch = new Sketch("add " + Shape.of(dims), reason, Numbers.Kind.INTEGERS);
    Value a = sketch.input("a", dims);
    Value b = sketch.input("b", dims);
    Value y = sketch.builder().add("y", new Add(), a, b);
    return sketch.differentiate(y, Tolerance.EXACT, a, b);
  }

  private static Case addOfBatchAndParameter() {
    Sketch sketch =
        new Sketch(
            "add of a batch and a parameter",
            "one operand may be cut into shards of samples, the other not",
            Numbers.Kind.INTEGERS);
    Value a = sketch.input("a", 5, 7);
    Value b = sketch.parameter("b", 5, 7);
    Value y = sketch.builder().add("y", new Add(), a, b);
    return sketch.differentiate(y, Tolerance.EXACT, a, b);
  }

  private static Case addTwice() {
    Sketch sketch =
        new Sketch(
            "add of a value to itself, twice", "gradients add up to 4", Numbers.Kind.INTEGERS);
    Value x = sketch.input("x", 3, 5);
    Value doubled = sketch.builder().add("doubled", new Add(), x, x);
    Value y = sketch.builder().add("y", new Add(), doubled, doubled);
    return sketch.differentiate(y, Tolerance.EXACT, x);
  }

  private static Case addOfConvolutionAndInput() {
    Sketch sketch =
        new Sketch(
            "add of a convolution and its input, then relu",
            "operands in different layouts; an input with two readers",
            Numbers.Kind.INTEGERS);
    Value x = sketch.input("x", 5, 17, 5, 5);
    Value w = sketch.parameter("w", 17, 17, 3, 3);
    Conv2d conv = Conv2d.PLAIN.withPadding(Padding2d.of(1));
    Value sum = sketch.builder().add("sum", new Add(), sketch.builder().add("c", conv, x, w), x);
    Value y = sketch.builder().add("y", new Relu(), sum);
    return sketch.differentiate(y, Tolerance.EXACT, x, w);
  }

  private static Case reshape(Numbers.Kind kind, Shape from, Shape to, String reason) {
    Sketch sketch = new Sketch("reshape " + from + " to " + to, reason, kind);
    Value x = sketch.input("x", from.dims());
    Value y = sketch.builder().add("y", new Reshape(to), x);
    return sketch.differentiate(y, 1, x);
  }

  private static Case flattenAfterPooling() {
    Sketch sketch =
        new Sketch(
            "reshape after convolution and pooling",
            "a blocked layout must come back to row-major order, with odd channels",
            Numbers.Kind.INTEGERS);
    Value x = sketch.input("x", 3, 3, 9, 9);
    Value w = sketch.parameter("w", 19, 3, 2, 2);
    Value map = sketch.builder().add("map", Conv2d.PLAIN, x, w);
    Op pool = new MaxPool2d(Pool2d.of(2));
    Value pooled = sketch.builder().addAll("pooled", pool, List.of(map)).get(0);
    Value y = sketch.builder().add("y", new Reshape(Shape.of(3, 19 * 16)), pooled);
    return sketch.differentiate(y, Tolerance.EXACT, x, w);
  }

  private static Case dropout(float rate, long step, long seed, String reason, int... dims) {
    Sketch sketch =
        new Sketch(
            "dropout " + Shape.of(dims) + ", rate " + rate + ", step " + step,
            reason,
            Numbers.Kind.REALS);
    Value x = sketch.input("x", dims);
    Value steps = sketch.state("step", Numbers.scalar(step));
    Value y = sketch.builder().add("y", new Dropout(rate, seed), x, steps);
    return sketch.differentiate(y, Tolerance.ofUnits(1), x);
  }

  private static Case dropoutOfOnes() {
    Sketch sketch =
        new Sketch("dropout of ones, rate 0.5", "the mask itself, exactly", Numbers.Kind.INTEGERS);
    Value x = sketch.input("x", sketch.numbers().integers(Shape.of(5, 3, 7, 7), 1, 1));
    Value steps = sketch.state("step", Numbers.scalar(7));
    Value y = sketch.builder().add("y", new Dropout(0.5f, 42), x, steps);
    return sketch.differentiate(y, Tolerance.EXACT, x);
  }

  private static Case fill() {
    Sketch sketch =
        new Sketch(
            "fill [3,5], [5,205] and a scalar",
            "an op without inputs; more than a block of 1,024",
            Numbers.Kind.INTEGERS);
    Value y = sketch.builder().add("y", new Fill(Shape.of(3, 5), -2.5f));
    Value z = sketch.builder().add("z", new Fill(Shape.scalar(), 7));
    Value large = sketch.builder().add("large", new Fill(Shape.of(5, 205), 3));
    return sketch.compare(Tolerance.EXACT, y, z, large);
  }

  static List<Case> all() {
    List<Case> cases = new ArrayList<>();
    cases.add(relu("a scalar row", Numbers.Kind.INTEGERS, 1, 1));
    cases.add(relu("zeros among them: the gradient at 0 is 0", Numbers.Kind.INTEGERS, 5, 7));
    cases.add(relu("an image", Numbers.Kind.REALS, 3, 5, 4, 3));
    cases.add(relu("a thread's four elements and three more", Numbers.Kind.INTEGERS, 7, 1));
    cases.add(relu("one element below a block of 1,024", Numbers.Kind.INTEGERS, 3, 11, 31));
    cases.add(relu("several blocks, the last with one element", Numbers.Kind.INTEGERS, 3, 683));
    cases.add(reluOfSpecialNumbers());
    cases.add(add("rank 1", 7));
    cases.add(add("two whole blocks of 1,024", 2, 1024));
    cases.add(add("rank 5: stored in row-major order again", 3, 2, 5, 2, 7));
    cases.add(add("rank 4, odd channels", 3, 5, 4, 7));
    cases.add(addOfBatchAndParameter());
    cases.add(addTwice());
    cases.add(addOfConvolutionAndInput());
    for (Numbers.Kind kind : Numbers.Kind.values()) {
      cases.add(reshape(kind, Shape.of(2, 3, 4, 5), Shape.of(2, 60), "flatten"));
      cases.add(
          reshape(kind, Shape.of(5, 34), Shape.of(5, 17, 2, 1), "to an image of odd channels"));
      cases.add(reshape(kind, Shape.of(3), Shape.of(3, 1), "rank 1 to 2"));
      cases.add(
          reshape(kind, Shape.of(2, 3, 4, 5), Shape.of(2, 5, 3, 4), "image to image, all moves"));
      cases.add(reshape(kind, Shape.of(2, 6, 35), Shape.of(2, 6, 7, 5), "rank 3 to an image"));
    }
    Numbers.Kind integers = Numbers.Kind.INTEGERS;
    cases.add(
        reshape(integers, Shape.of(2, 33, 5, 7), Shape.of(2, 1155), "one past a tile of 32 x 32"));
    cases.add(
        reshape(integers, Shape.of(2, 3, 19, 19), Shape.of(2, 1083), "a wide tile of 3 channels"));
    cases.add(
        reshape(integers, Shape.of(2, 1200), Shape.of(2, 600, 1, 2), "a tall tile of 2 pixels"));
    cases.add(reshape(integers, Shape.of(2, 31, 31, 1), Shape.of(2, 961), "one below a tile"));
    cases.add(
        reshape(integers, Shape.of(2, 5, 4, 3), Shape.of(2, 3, 10, 2), "an image to an image"));
    cases.add(
        reshape(integers, Shape.of(5, 1, 3, 4), Shape.of(5, 12), "channels-last is the same"));
    cases.add(reshape(integers, Shape.of(3, 8), Shape.of(3, 2, 4), "rank 2 to 3"));
    cases.add(flattenAfterPooling());
    cases.add(dropout(0, 0, 1, "nothing dropped", 3, 5));
    cases.add(dropout(0.25f, 0, 1, "a size that 4 does not divide", 3, 5));
    cases.add(dropout(0.5f, 3, -1, "an image, a negative seed", 5, 3, 7, 7));
    cases.add(dropout(0.9f, (1L << 33) + 5, 1L << 40, "high words of step and seed", 64, 10));
    cases.add(dropout(0.5f, 1, 5, "an image that 4 divides: no block of words shared", 3, 7, 4, 5));
    cases.add(dropout(0.5f, 1, 5, "planes of 2: two channels share a block of words", 2, 5, 1, 2));
    cases.add(dropout(0.5f, 1, 5, "planes of 5, which begin anywhere in a block", 3, 19, 5, 1));
    cases.add(dropout(0.5f, 1, 5, "images of one channel", 5, 1, 3, 3));
    cases.add(dropout(0.5f, 1, 5, "several blocks of threads and a tail", 3, 15, 7, 7));
    cases.add(dropout(0.5f, 1, 5, "one element past a block of 1,024", 5, 205));
    cases.add(dropoutOfOnes());
    cases.add(fill());
    return cases;
  }
}
