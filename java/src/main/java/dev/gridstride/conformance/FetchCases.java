package dev.gridstride.conformance;

import dev.gridstride.program.Shape;
import dev.gridstride.program.Size2d;
import dev.gridstride.program.Tensor;
import dev.gridstride.program.Value;
import dev.gridstride.program.op.Augmentation;
import dev.gridstride.program.op.FetchBatch;
import dev.gridstride.program.op.Increment;
import java.util.ArrayList;
import java.util.List;

/** Batches fetched from a data set in several epochs, shuffled and augmented. */
final class FetchCases {
  private static final int BATCH = 5;
  private static final int RUNS = 6;
  private static final List<Float> MEAN = List.of(0.5f, 0.45f, 0.4f);
  private static final List<Float> STD = List.of(0.25f, 0.2f, 0.3f);

  private FetchCases() {}

  private static Augmentation augmentation(Augmentation.Flip flip, int shift, int cutout) {
    return new Augmentation(List.of(), List.of(), flip, shift, cutout);
  }

  /** Thirteen samples in batches of five: an epoch ends inside a batch. */
  private static Case fetch(
      String what, FetchBatch op, Tensor samples, boolean soft, Tolerance tolerance, String why) {
    return fetch(what, op, samples, soft ? 3 : 0, 0, tolerance, why);
  }

  /**
   * A case of any labels and any beginning.
   *
   * @param columns of soft labels; 0 for class indices
   */
  private static Case fetch(
      String what,
      FetchBatch op,
      Tensor samples,
      int columns,
      long first,
      Tolerance tolerance,
      String why) {
    Sketch sketch = new Sketch("fetch_batch " + what, why, Numbers.Kind.INTEGERS);
    int count = samples.shape().dim(0);
    Value images = sketch.data("samples", samples);
    Value labels =
        sketch.data(
            "labels",
            columns > 0
                ? sketch.numbers().integers(Shape.of(count, columns), 0, 9)
                : sketch.numbers().classes(count, 10));
    Value cursor = sketch.state("cursor", Numbers.scalar(first));
    List<Value> batch = sketch.builder().addAll("x", op, List.of(images, labels, cursor));
    Increment next = new Increment(op.batchSize());
    sketch.builder().update(next, List.of(cursor), List.of(cursor));
    return sketch.compare(tolerance, RUNS, batch.get(0), batch.get(1));
  }

  private static Tensor images(int count) {
    return new Numbers(count).bytes(Shape.of(count, 3, 7, 6));
  }

  private static Tensor floatImages(int count) {
    return new Numbers(count).integers(Shape.of(count, 3, 7, 6), -99, 99);
  }

  private static FetchBatch shuffled(long seed, Augmentation augmentation) {
    return new FetchBatch(BATCH, true, seed, augmentation);
  }

  /** Moves whole float pixels about, which changes none of them. */
  private static Case exact(String what, Augmentation augmentation, String reason) {
    return fetch(what, shuffled(3, augmentation), floatImages(13), false, Tolerance.EXACT, reason);
  }

  static List<Case> all() {
    Tolerance scaled = Tolerance.ofSum(1);
    Augmentation none = Augmentation.NONE;
    List<Case> cases = new ArrayList<>();
    cases.add(
        fetch(
            "in order",
            new FetchBatch(BATCH, false, 1, none),
            floatImages(13),
            false,
            Tolerance.EXACT,
            "no shuffle; epochs wrap inside a batch"));
    cases.add(
        fetch(
            "in order, bytes",
            new FetchBatch(BATCH, false, 1, none),
            images(13),
            false,
            scaled,
            "bytes from 0 to 255 scaled to [0, 1]"));
    cases.add(exact("shuffled", none, "each epoch has its own order"));
    cases.add(
        fetch(
            "shuffled, soft labels",
            shuffled(1L << 40, none),
            floatImages(13),
            true,
            Tolerance.EXACT,
            "labels of several columns; high word of the seed"));
    cases.add(
        fetch(
            "batch above the data set",
            new FetchBatch(BATCH, true, 9, none),
            floatImages(2),
            false,
            Tolerance.EXACT,
            "three epochs in one batch"));
    cases.add(
        fetch(
            "a single sample",
            new FetchBatch(BATCH, true, 9, none),
            floatImages(1),
            false,
            Tolerance.EXACT,
            "a permutation of one"));
    cases.add(
        fetch(
            "batch 1",
            new FetchBatch(1, true, 9, none),
            floatImages(3),
            false,
            Tolerance.EXACT,
            "smallest batch"));
    cases.add(
        fetch(
            "rows of features",
            shuffled(-5, none),
            new Numbers(1).integers(Shape.of(13, 4), -9, 9),
            false,
            Tolerance.EXACT,
            "samples that are no images; a negative seed"));
    cases.add(
        fetch(
            "rows of features, normalised",
            shuffled(5, new Augmentation(MEAN, STD, Augmentation.Flip.NONE, 0, 0)),
            new Numbers(1).reals(Shape.of(13, 3), 0, 1),
            false,
            scaled,
            "mean and std by feature"));
    cases.add(
        exact("random flip", augmentation(Augmentation.Flip.RANDOM, 0, 0), "columns mirrored"));
    cases.add(
        exact(
            "alternating flip",
            augmentation(Augmentation.Flip.ALTERNATING, 0, 0),
            "one half in even epochs, the other in odd ones"));
    cases.add(exact("shift", augmentation(Augmentation.Flip.NONE, 2, 0), "mirrored at the edges"));
    cases.add(exact("largest shift", augmentation(Augmentation.Flip.NONE, 5, 0), "side less one"));
    cases.add(exact("odd cut-out", augmentation(Augmentation.Flip.NONE, 0, 3), "clipped at edges"));
    cases.add(
        exact(
            "even cut-out",
            augmentation(Augmentation.Flip.NONE, 0, 4),
            "where the centre of an even square lies"));
    cases.add(
        exact(
            "everything moved",
            augmentation(Augmentation.Flip.RANDOM, 1, 2),
            "order of flip, shift and cut-out"));
    cases.add(
        fetch(
            "normalised bytes",
            shuffled(7, new Augmentation(MEAN, STD, Augmentation.Flip.NONE, 0, 0)),
            images(13),
            false,
            Tolerance.ofSum(4),
            "mean and std by channel"));
    cases.add(
        fetch(
            "everything",
            shuffled(7, new Augmentation(MEAN, STD, Augmentation.Flip.ALTERNATING, 2, 3)),
            images(13),
            true,
            Tolerance.ofSum(4),
            "zeros of the cut-out come after normalising"));
    cases.add(
        fetch(
            "trimmed",
            shuffled(7, new Augmentation(MEAN, STD, Augmentation.Flip.RANDOM, 2, 3))
                .withTrim(new Size2d(2, 1)),
            images(13),
            false,
            Tolerance.ofSum(4),
            "rows and columns left out last, after flip and shift"));
    cases.add(
        fetch(
            "images of 1,200 elements",
            shuffled(11, new Augmentation(MEAN, STD, Augmentation.Flip.RANDOM, 3, 5)),
            new Numbers(2).bytes(Shape.of(6, 3, 20, 20)),
            false,
            Tolerance.ofSum(4),
            "two blocks of threads a sample draw the same choices"));
    cases.add(
        fetch(
            "images of one channel",
            shuffled(11, augmentation(Augmentation.Flip.RANDOM, 2, 40)),
            new Numbers(2).integers(Shape.of(6, 1, 9, 5), -99, 99),
            false,
            Tolerance.EXACT,
            "a cut-out above the image"));
    cases.add(
        fetch(
            "sequences, normalised",
            shuffled(5, new Augmentation(MEAN, STD, Augmentation.Flip.NONE, 0, 0)),
            new Numbers(1).reals(Shape.of(7, 3, 5), 0, 1),
            false,
            scaled,
            "rank 3: several elements share a mean"));
    cases.add(
        fetch(
            "many columns of labels, late",
            shuffled(5, augmentation(Augmentation.Flip.ALTERNATING, 1, 0)),
            floatImages(13),
            300,
            (1L << 33) + 7,
            Tolerance.EXACT,
            "more labels than threads; a position and an epoch above 2^31"));
    return cases;
  }
}
