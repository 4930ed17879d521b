package dev.gridstride.benchmark;

import dev.gridstride.program.DataType;
import dev.gridstride.program.Shape;
import dev.gridstride.program.Size2d;
import dev.gridstride.program.Tensor;
import dev.gridstride.program.TensorType;
import dev.gridstride.program.Value;
import dev.gridstride.program.op.AvgPool2d;
import dev.gridstride.program.op.AvgPool2dBackward;
import dev.gridstride.program.op.GlobalAvgPool2d;
import dev.gridstride.program.op.GlobalAvgPool2dBackward;
import dev.gridstride.program.op.MaxPool2d;
import dev.gridstride.program.op.MaxPool2dBackward;
import dev.gridstride.program.op.Pool2d;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;

/** Pooling, forward and backward. */
final class PoolingKinds {
  private static final List<Key> GLOBAL =
      List.of(
          Key.count("n", "images"),
          Key.count("c", "channels"),
          Key.pair("image", null, "size of an input image", "ih", "iw"));
  private static final Key COUNT_PADDING =
      Key.flag("count_padding", "padding counts as zeros in the mean");

  private PoolingKinds() {}

  static List<Kind> all() {
    return List.of(
        new Kind("max_pool2d", false, window(), PoolingKinds::max),
        new Kind("max_pool2d_backward", false, window(), PoolingKinds::maxBackward),
        new Kind("avg_pool2d", false, window(COUNT_PADDING), PoolingKinds::average),
        new Kind(
            "avg_pool2d_backward", false, window(COUNT_PADDING), PoolingKinds::averageBackward),
        new Kind("global_avg_pool2d", false, GLOBAL, PoolingKinds::global),
        new Kind("global_avg_pool2d_backward", false, GLOBAL, PoolingKinds::globalBackward));
  }

  private static List<Key> window(Key... more) {
    List<Key> keys = new ArrayList<>(GLOBAL);
    keys.add(Key.pair("kernel", null, "size of the window", "kh", "kw"));
    keys.add(Key.pair("stride", null, "of the window", "sh", "sw"));
    keys.add(Key.padding());
    keys.addAll(List.of(more));
    return keys;
  }

  private static Pool2d pool(Sizes sizes) {
    return new Pool2d(sizes.pair("kernel"), sizes.pair("stride"), sizes.padding());
  }

  private static Dim[] input(Sizes sizes, Draft draft) {
    Size2d image = sizes.pair("image");
    return new Dim[] {
      draft.free("n", sizes.count("n")),
      draft.free("c", sizes.count("c")),
      Dim.whole(image.height()),
      Dim.whole(image.width())
    };
  }

  private static Dim[] output(Dim[] x, Pool2d window) {
    TensorType input = new TensorType(DataType.FLOAT32, Draft.shape(x));
    Shape y = new MaxPool2d(window).outputTypes(List.of(input)).get(0).shape();
    return new Dim[] {x[0], x[1], Dim.whole(y.dim(2)), Dim.whole(y.dim(3))};
  }

  private static Value reals(Draft draft, String name, Dim... dims) {
    return draft.input(name, DataType.FLOAT32, Fill.REALS, dims);
  }

  /** Of a mean over the window, and of the gradients that meet in one element. */
  private static Bound sum(Sizes sizes) {
    Size2d kernel = sizes.pair("kernel");
    return Bound.relative((long) kernel.height() * kernel.width());
  }

  private static void max(Sizes sizes, Draft draft) {
    Dim[] x = input(sizes, draft);
    Pool2d window = pool(sizes);
    Value y = draft.add(new MaxPool2d(window), reals(draft, "x", x)).get(0);
    draft.result(y, Bound.EXACT, output(x, window));
  }

  private static void maxBackward(Sizes sizes, Draft draft) {
    Dim[] x = input(sizes, draft);
    Pool2d window = pool(sizes);
    Dim[] y = output(x, window);
    Value dy = reals(draft, "dy", y);
    Value argmax = draft.input("argmax", DataType.INT32, places(window, sizes.pair("image")), y);
    MaxPool2dBackward op = new MaxPool2dBackward(window, Draft.shape(x));
    draft.result(draft.add(op, dy, argmax).get(0), sum(sizes), x);
  }

  /** A place in the image within each window. */
  private static Fill places(Pool2d window, Size2d image) {
    return (type, random) -> {
      Tensor tensor = Tensor.zeros(type);
      int[] places = tensor.ints();
      int height = type.shape().dim(2);
      int width = type.shape().dim(3);
      for (int i = 0; i < places.length; i++) {
        int row = i / width % height * window.stride().height() - window.padding().top();
        int column = i % width * window.stride().width() - window.padding().left();
        places[i] =
            within(row, window.kernel().height(), image.height(), random) * image.width()
                + within(column, window.kernel().width(), image.width(), random);
      }
      return tensor;
    };
  }

  private static int within(int start, int length, int size, SplittableRandom random) {
    return random.nextInt(Math.max(0, start), Math.min(size, start + length));
  }

  private static void average(Sizes sizes, Draft draft) {
    Dim[] x = input(sizes, draft);
    Pool2d window = pool(sizes);
    AvgPool2d op = new AvgPool2d(window, sizes.flag("count_padding"));
    draft.result(draft.add(op, reals(draft, "x", x)).get(0), sum(sizes), output(x, window));
  }

  private static void averageBackward(Sizes sizes, Draft draft) {
    Dim[] x = input(sizes, draft);
    Pool2d window = pool(sizes);
    Value dy = reals(draft, "dy", output(x, window));
    AvgPool2dBackward op =
        new AvgPool2dBackward(window, sizes.flag("count_padding"), Draft.shape(x));
    draft.result(draft.add(op, dy).get(0), sum(sizes), x);
  }

  private static void global(Sizes sizes, Draft draft) {
    Dim[] x = input(sizes, draft);
    Value y = draft.add(new GlobalAvgPool2d(), reals(draft, "x", x)).get(0);
    long terms = (long) x[2].size() * x[3].size();
    draft.result(y, Bound.relative(terms), x[0], x[1]);
  }

  private static void globalBackward(Sizes sizes, Draft draft) {
    Dim[] x = input(sizes, draft);
    Value dy = reals(draft, "dy", x[0], x[1]);
    GlobalAvgPool2dBackward op = new GlobalAvgPool2dBackward(Draft.shape(x));
    draft.result(draft.add(op, dy).get(0), Bound.relative(1), x);
  }
}
