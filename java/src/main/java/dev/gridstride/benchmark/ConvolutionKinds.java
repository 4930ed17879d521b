package dev.gridstride.benchmark;

import dev.gridstride.backend.Precision;
import dev.gridstride.program.DataType;
import dev.gridstride.program.Shape;
import dev.gridstride.program.Size2d;
import dev.gridstride.program.TensorType;
import dev.gridstride.program.Value;
import dev.gridstride.program.op.Conv2d;
import dev.gridstride.program.op.Conv2dBackwardData;
import dev.gridstride.program.op.Conv2dBackwardWeights;
import java.util.ArrayList;
import java.util.List;

/** Convolution, all three passes. */
final class ConvolutionKinds {
  private static final List<Key> WINDOW =
      List.of(
          Key.count("n", "images"),
          Key.count("ic", "input channels"),
          Key.count("oc", "output channels"),
          Key.pair("image", null, "size of an input image", "ih", "iw"),
          Key.pair("kernel", null, "size of the kernel", "kh", "kw"),
          Key.pair("stride", "1", "of the kernel", "sh", "sw"),
          Key.padding(),
          Key.pair("dilation", "1", "distance of taps, 1 for none", "dh", "dw"),
          Key.count("groups", "into which channels are cut").or("1"));
  private static final Key BIAS = Key.flag("bias", "a number added to each output channel");
  private static final Key BIAS_GRADIENT = Key.flag("bias", "the bias's gradient too");
  static final Key CAST =
      Key.flag("cast", "the result rounded to bfloat16, as the next product takes it; in bf16");
  private static final Key RELU = Key.flag("relu", "max(y, 0) of the result");

  private ConvolutionKinds() {}

  static List<Kind> all() {
    return List.of(
        new Kind("conv2d", true, with(BIAS, RELU, CAST), ConvolutionKinds::forward),
        new Kind("conv2d_backward_data", true, with(CAST), ConvolutionKinds::backwardData),
        new Kind(
            "conv2d_backward_weights",
            true,
            with(BIAS_GRADIENT),
            ConvolutionKinds::backwardWeights));
  }

  private static List<Key> with(Key... more) {
    List<Key> keys = new ArrayList<>(WINDOW);
    keys.addAll(List.of(more));
    return keys;
  }

  private static Conv2d conv(Sizes sizes) {
    return new Conv2d(
        sizes.pair("stride"),
        sizes.padding(),
        sizes.pair("dilation"),
        sizes.count("groups"),
        false);
  }

  /** Channels; those of several groups are not cut. */
  private static Dim channels(String key, boolean free, Sizes sizes, Draft draft) {
    int channels = sizes.count(key);
    return free && sizes.count("groups") == 1 ? draft.free(key, channels) : Dim.whole(channels);
  }

  private static Dim[] input(Dim n, Dim channels, Sizes sizes) {
    Size2d image = sizes.pair("image");
    return new Dim[] {n, channels, Dim.whole(image.height()), Dim.whole(image.width())};
  }

  /** [O,C/G,KH,KW]. */
  private static Dim[] weight(Dim out, Dim in, Sizes sizes) {
    Size2d kernel = sizes.pair("kernel");
    int groups = sizes.count("groups");
    if (in.size() % groups != 0 || out.size() % groups != 0) {
      throw new BenchmarkException(
          "groups=" + groups + " must divide ic=" + in.size() + " and oc=" + out.size());
    }
    Dim each = groups == 1 ? in : Dim.whole(in.size() / groups);
    return new Dim[] {out, each, Dim.whole(kernel.height()), Dim.whole(kernel.width())};
  }

  private static Dim[] output(Dim n, Dim out, Dim[] x, Dim[] w, Conv2d conv) {
    TensorType y =
        conv.outputTypes(
                List.of(
                    new TensorType(DataType.FLOAT32, Draft.shape(x)),
                    new TensorType(DataType.FLOAT32, Draft.shape(w))))
            .get(0);
    return new Dim[] {n, out, Dim.whole(y.shape().dim(2)), Dim.whole(y.shape().dim(3))};
  }

  private static long product(Dim... dims) {
    return Draft.shape(dims).elements();
  }

  private static void forward(Sizes sizes, Draft draft) {
    Dim n = draft.free("n", sizes.count("n"));
    Dim in = channels("ic", false, sizes, draft);
    Dim out = channels("oc", true, sizes, draft);
    Dim[] x = input(n, in, sizes);
    Dim[] w = weight(out, in, sizes);
    Conv2d conv = conv(sizes);
    List<Value> inputs = new ArrayList<>();
    inputs.add(draft.input("x", draft.factor(), Fill.REALS, x));
    inputs.add(draft.weight("w", w));
    if (sizes.flag("bias")) {
      inputs.add(draft.parameter("b", Fill.REALS, out));
    }
    Value y = draft.add(conv.withRelu(sizes.flag("relu")), inputs.toArray(Value[]::new)).get(0);
    Bound bound = Bound.ofProducts(product(w[1], w[2], w[3]), draft.precision());
    result(sizes, draft, y, bound, output(n, out, x, w, conv));
  }

  private static void backwardData(Sizes sizes, Draft draft) {
    Dim n = draft.free("n", sizes.count("n"));
    Dim in = channels("ic", true, sizes, draft);
    Dim out = channels("oc", false, sizes, draft);
    Dim[] x = input(n, in, sizes);
    Dim[] w = weight(out, in, sizes);
    Conv2d conv = conv(sizes);
    Value dy = draft.input("dy", draft.factor(), Fill.REALS, output(n, out, x, w, conv));
    Value weight = draft.weight("w", w);
    Shape image = Draft.shape(x);
    Value dx = draft.add(new Conv2dBackwardData(conv, image), dy, weight).get(0);
    long terms = product(w[2], w[3]) * out.size() / conv.groups();
    result(sizes, draft, dx, Bound.ofProducts(terms, draft.precision()), x);
  }

  private static void result(Sizes sizes, Draft draft, Value value, Bound bound, Dim... dims) {
    if (!sizes.flag("cast")) {
      draft.result(value, bound, dims);
    } else if (draft.precision() == Precision.BF16) {
      draft.result(draft.cast(value), bound.roundedToBfloat16(), dims);
    } else {
      throw new BenchmarkException(
          "cast: rounds to bfloat16, which needs precision=bf16, got " + draft.precision());
    }
  }

  private static void backwardWeights(Sizes sizes, Draft draft) {
    Dim n = Dim.whole(sizes.count("n"));
    Dim in = channels("ic", true, sizes, draft);
    Dim out = channels("oc", true, sizes, draft);
    Dim[] x = input(n, in, sizes);
    Dim[] w = weight(out, in, sizes);
    Conv2d conv = conv(sizes);
    Dim[] y = output(n, out, x, w, conv);
    Value input = draft.input("x", draft.factor(), Fill.REALS, x);
    Value dy = draft.input("dy", draft.factor(), Fill.REALS, y);
    boolean bias = sizes.flag("bias");
    Conv2dBackwardWeights op = new Conv2dBackwardWeights(conv, Draft.shape(w), bias);
    List<Value> gradients = draft.add(op, input, dy);
    long terms = product(n, y[2], y[3]);
    draft.result(gradients.get(0), Bound.ofProducts(terms, draft.precision()), w);
    if (bias) {
      draft.result(gradients.get(1), Bound.ofSum(terms), out);
    }
  }
}
