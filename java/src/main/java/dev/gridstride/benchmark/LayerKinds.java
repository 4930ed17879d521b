package dev.gridstride.benchmark;

import dev.gridstride.program.DataType;
import dev.gridstride.program.Op;
import dev.gridstride.program.Size2d;
import dev.gridstride.program.Value;
import dev.gridstride.program.op.Add;
import dev.gridstride.program.op.BatchNorm;
import dev.gridstride.program.op.BatchNormBackward;
import dev.gridstride.program.op.BatchNormInference;
import dev.gridstride.program.op.BiasAdd;
import dev.gridstride.program.op.BiasBackward;
import dev.gridstride.program.op.Dropout;
import dev.gridstride.program.op.Relu;
import dev.gridstride.program.op.ReluBackward;
import java.util.ArrayList;
import java.util.List;

/** What a network does to an image element by element or channel by channel. */
final class LayerKinds {
  private static final List<Key> IMAGES =
      List.of(
          Key.count("n", "images"),
          Key.count("c", "channels"),
          Key.pair("image", null, "size of an image", "ih", "iw"));
  private static final float EPSILON = 1e-3f;

  private LayerKinds() {}

  static List<Kind> all() {
    List<Key> dropout = new ArrayList<>(IMAGES);
    dropout.add(Key.number("rate", "0.5", "probability of a zero"));
    return List.of(
        new Kind("relu", false, IMAGES, LayerKinds::relu),
        new Kind("relu_backward", false, IMAGES, LayerKinds::reluBackward),
        new Kind("add", false, IMAGES, LayerKinds::add),
        new Kind("bias_add", false, IMAGES, LayerKinds::biasAdd),
        new Kind("bias_backward", false, IMAGES, LayerKinds::biasBackward),
        new Kind("dropout", false, dropout, LayerKinds::dropout),
        new Kind("batch_norm", false, IMAGES, LayerKinds::batchNorm),
        new Kind("batch_norm_inference", false, IMAGES, LayerKinds::batchNormInference),
        new Kind("batch_norm_backward", false, IMAGES, LayerKinds::batchNormBackward));
  }

  private static Dim[] images(Sizes sizes, Dim n, Dim c) {
    Size2d image = sizes.pair("image");
    return new Dim[] {n, c, Dim.whole(image.height()), Dim.whole(image.width())};
  }

  /** Images of which each element is computed apart. */
  private static Dim[] apart(Sizes sizes, Draft draft) {
    Dim c = draft.free("c", sizes.count("c"));
    return images(sizes, draft.free("n", sizes.count("n")), c);
  }

  /** Images of which each channel is computed apart. */
  private static Dim[] byChannel(Sizes sizes, Draft draft) {
    return images(sizes, Dim.whole(sizes.count("n")), draft.free("c", sizes.count("c")));
  }

  private static long elementsOfChannel(Dim... x) {
    return (long) x[0].size() * x[2].size() * x[3].size();
  }

  private static Value reals(Draft draft, String name, Dim... dims) {
    return draft.input(name, DataType.FLOAT32, Fill.REALS, dims);
  }

  private static void relu(Sizes sizes, Draft draft) {
    Dim[] x = apart(sizes, draft);
    draft.result(draft.add(new Relu(), reals(draft, "x", x)).get(0), Bound.EXACT, x);
  }

  private static void reluBackward(Sizes sizes, Draft draft) {
    Dim[] x = apart(sizes, draft);
    Value dy = reals(draft, "dy", x);
    Value y = draft.add(new ReluBackward(), dy, reals(draft, "activation", x)).get(0);
    draft.result(y, Bound.EXACT, x);
  }

  private static void add(Sizes sizes, Draft draft) {
    Dim[] x = apart(sizes, draft);
    Value a = reals(draft, "a", x);
    draft.result(draft.add(new Add(), a, reals(draft, "b", x)).get(0), Bound.relative(1), x);
  }

  private static void biasAdd(Sizes sizes, Draft draft) {
    Dim[] x = apart(sizes, draft);
    Value input = reals(draft, "x", x);
    Value bias = draft.parameter("b", Fill.REALS, x[1]);
    draft.result(draft.add(new BiasAdd(), input, bias).get(0), Bound.relative(1), x);
  }

  private static void biasBackward(Sizes sizes, Draft draft) {
    Dim[] dy = byChannel(sizes, draft);
    Value db = draft.add(new BiasBackward(), reals(draft, "dy", dy)).get(0);
    draft.result(db, Bound.ofSum(elementsOfChannel(dy)), dy[1]);
  }

  /** The mask depends on where an element lies in the whole batch, so none is left out. */
  private static void dropout(Sizes sizes, Draft draft) {
    Dim[] x = images(sizes, Dim.whole(sizes.count("n")), Dim.whole(sizes.count("c")));
    Value input = reals(draft, "x", x);
    Value step = draft.state("step", DataType.INT64, Fill.scalar(3L));
    Value y = draft.add(new Dropout(sizes.number("rate"), 7), input, step).get(0);
    draft.result(y, Bound.relative(1), x);
  }

  private static void batchNorm(Sizes sizes, Draft draft) {
    Dim[] x = byChannel(sizes, draft);
    Value input = reals(draft, "x", x);
    Value gamma = draft.parameter("gamma", Fill.REALS, x[1]);
    Value beta = draft.parameter("beta", Fill.REALS, x[1]);
    List<Value> results = draft.add(new BatchNorm(EPSILON), input, gamma, beta);
    Bound bound = Bound.ofSum(elementsOfChannel(x));
    draft.result(results.get(0), bound, x);
    draft.result(results.get(1), bound, x[1]);
    draft.result(results.get(2), bound, x[1]);
  }

  private static void batchNormInference(Sizes sizes, Draft draft) {
    Dim[] x = apart(sizes, draft);
    Value input = reals(draft, "x", x);
    Value gamma = draft.parameter("gamma", Fill.REALS, x[1]);
    Value beta = draft.parameter("beta", Fill.REALS, x[1]);
    Value mean = draft.state("mean", DataType.FLOAT32, Fill.REALS, x[1]);
    Value variance = draft.state("variance", DataType.FLOAT32, Fill.POSITIVE, x[1]);
    Op op = new BatchNormInference(EPSILON);
    draft.result(draft.add(op, input, gamma, beta, mean, variance).get(0), Bound.relative(4), x);
  }

  private static void batchNormBackward(Sizes sizes, Draft draft) {
    Dim[] x = byChannel(sizes, draft);
    Value input = reals(draft, "x", x);
    Value gamma = draft.parameter("gamma", Fill.REALS, x[1]);
    Value mean = draft.state("mean", DataType.FLOAT32, Fill.REALS, x[1]);
    Value variance = draft.state("variance", DataType.FLOAT32, Fill.POSITIVE, x[1]);
    Op op = new BatchNormBackward(EPSILON, true);
    Value dy = reals(draft, "dy", x);
    List<Value> results = draft.add(op, input, gamma, mean, variance, dy);
    Bound bound = Bound.ofSum(elementsOfChannel(x));
    draft.result(results.get(0), bound, x);
    draft.result(results.get(1), bound, x[1]);
    draft.result(results.get(2), bound, x[1]);
  }
}
