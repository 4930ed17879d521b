package dev.gridstride.benchmark;

import dev.gridstride.program.DataType;
import dev.gridstride.program.Size2d;
import dev.gridstride.program.Value;
import dev.gridstride.program.op.Adam;
import dev.gridstride.program.op.Augmentation;
import dev.gridstride.program.op.Cast;
import dev.gridstride.program.op.FetchBatch;
import dev.gridstride.program.op.MovingAverage;
import dev.gridstride.program.op.Sgd;
import dev.gridstride.program.op.WeightPenalty;
import dev.gridstride.program.op.WeightPenaltyBackward;
import java.util.Collections;
import java.util.List;

/** What a training step does to weights, and to the data set. */
final class TrainingKinds {
  private static final List<Key> ELEMENTS = List.of(Key.count("elements", "weights"));

  private TrainingKinds() {}

  static List<Kind> all() {
    List<Key> sgd =
        List.of(
            ELEMENTS.get(0),
            Key.number("momentum", "0.9", "decay of the velocity; 0 for none"),
            Key.flag("nesterov", "looks ahead"),
            Key.number("decay", "0", "L2 weight decay"));
    List<Key> adam =
        List.of(ELEMENTS.get(0), Key.number("decay", "0", "decoupled weight decay (AdamW)"));
    List<Key> fetch =
        List.of(
            Key.count("n", "images of a batch"),
            Key.count("c", "channels"),
            Key.pair("image", null, "size of an image", "ih", "iw"),
            Key.count("samples", "images of the data set, in bytes"),
            Key.flag("shuffle", "in random order"),
            Key.flag("augment", "mirrored, shifted and normalised"));
    return List.of(
        new Kind("adam", false, adam, TrainingKinds::adam),
        new Kind("sgd", false, sgd, TrainingKinds::sgd),
        new Kind("moving_average", false, ELEMENTS, TrainingKinds::movingAverage),
        new Kind("weight_penalty", false, ELEMENTS, TrainingKinds::weightPenalty),
        new Kind("weight_penalty_backward", false, ELEMENTS, TrainingKinds::weightPenaltyBackward),
        new Kind("cast", false, ELEMENTS, TrainingKinds::cast),
        new Kind("fetch_batch", false, fetch, TrainingKinds::fetchBatch));
  }

  private static Dim elements(Sizes sizes, Draft draft) {
    return draft.free("elements", sizes.count("elements"));
  }

  private static void adam(Sizes sizes, Draft draft) {
    Dim elements = elements(sizes, draft);
    Value w = draft.parameter("w", Fill.REALS, elements);
    Value g = draft.parameter("g", Fill.REALS, elements);
    Value m = draft.state("m", DataType.FLOAT32, Fill.REALS, elements);
    Value v = draft.state("v", DataType.FLOAT32, Fill.POSITIVE, elements);
    Value step = draft.state("step", DataType.INT64, Fill.scalar(1000L));
    Value lr = draft.state("lr", DataType.FLOAT32, Fill.scalar(1e-3f));
    Adam op = new Adam(0.9f, 0.999f, 1e-7f, sizes.number("decay"));
    draft.update(op, Bound.relative(1), List.of(w, g, m, v, step, lr), w, m, v);
  }

  private static void sgd(Sizes sizes, Draft draft) {
    Dim elements = elements(sizes, draft);
    Value w = draft.parameter("w", Fill.REALS, elements);
    Value g = draft.parameter("g", Fill.REALS, elements);
    Value u = draft.state("u", DataType.FLOAT32, Fill.REALS, elements);
    Value lr = draft.state("lr", DataType.FLOAT32, Fill.scalar(1e-3f));
    Sgd op = new Sgd(sizes.number("momentum"), sizes.flag("nesterov"), sizes.number("decay"));
    draft.update(op, Bound.relative(1), List.of(w, g, u, lr), w, u);
  }

  private static void movingAverage(Sizes sizes, Draft draft) {
    Dim elements = elements(sizes, draft);
    Value average = draft.state("average", DataType.FLOAT32, Fill.REALS, elements);
    Value value = draft.parameter("value", Fill.REALS, elements);
    List<Value> inputs = List.of(average, value);
    draft.update(new MovingAverage(0.1f, 1), Bound.relative(1), inputs, average);
  }

  private static void weightPenalty(Sizes sizes, Draft draft) {
    Dim elements = Dim.whole(sizes.count("elements"));
    Value w = draft.parameter("w", Fill.REALS, elements);
    Value loss = draft.add(new WeightPenalty(0.01f, 0.01f), w).get(0);
    draft.result(loss, Bound.relative(elements.size()));
  }

  private static void weightPenaltyBackward(Sizes sizes, Draft draft) {
    Dim elements = elements(sizes, draft);
    Value w = draft.parameter("w", Fill.REALS, elements);
    Value g = draft.state("g", DataType.FLOAT32, Fill.scalar(1f));
    Value dw = draft.add(new WeightPenaltyBackward(0.01f, 0.01f), w, g).get(0);
    draft.result(dw, Bound.relative(4), elements);
  }

  private static void cast(Sizes sizes, Draft draft) {
    Dim elements = elements(sizes, draft);
    Value w = draft.parameter("w", Fill.REALS, elements);
    Value y = draft.add(new Cast(DataType.BFLOAT16), w).get(0);
    draft.result(y, Bound.EXACT, elements);
  }

  private static void fetchBatch(Sizes sizes, Draft draft) {
    Dim samples = Dim.whole(sizes.count("samples"));
    Dim c = Dim.whole(sizes.count("c"));
    Size2d image = sizes.pair("image");
    Dim height = Dim.whole(image.height());
    Dim width = Dim.whole(image.width());
    Value x = draft.data("samples", DataType.UINT8, Fill.BYTES, samples, c, height, width);
    Value labels = draft.data("labels", DataType.INT32, Fill.classes(10), samples);
    Value cursor = draft.state("cursor", DataType.INT64, Fill.scalar(samples.size() / 2L));
    int n = sizes.count("n");
    FetchBatch op = new FetchBatch(n, sizes.flag("shuffle"), 11, augmentation(sizes));
    List<Value> batch = draft.add(op, x, labels, cursor);
    draft.result(batch.get(0), Bound.relative(4), Dim.whole(n), c, height, width);
    draft.result(batch.get(1), Bound.EXACT, Dim.whole(n));
  }

  private static Augmentation augmentation(Sizes sizes) {
    if (!sizes.flag("augment")) {
      return Augmentation.NONE;
    }
    Size2d image = sizes.pair("image");
    int shift = Math.min(4, Math.min(image.height(), image.width()) - 1);
    List<Float> mean = Collections.nCopies(sizes.count("c"), 0.45f);
    List<Float> std = Collections.nCopies(sizes.count("c"), 0.25f);
    return new Augmentation(mean, std, Augmentation.Flip.RANDOM, shift, 0);
  }
}
