package dev.gridstride.program.op;

import dev.gridstride.program.DataType;
import dev.gridstride.program.Op;
import dev.gridstride.program.ProgramException;
import dev.gridstride.program.Shape;
import dev.gridstride.program.TensorType;
import java.util.List;

/**
 * Gathers the next batch of a data set and augments it.
 *
 * <p>Slot {@code s} of the batch takes position {@code p = cursor + s}; with {@code n} samples in
 * the data set, that is epoch {@code p / n} and, shuffled, sample {@code Permutation.at(seed, p /
 * n, n, p % n)}, or else sample {@code p % n}. Bytes are scaled by 1/255; float data are not
 * scaled.
 *
 * <p>Inputs: samples uint8 or float32 [n, ...], labels int32 [n] or float32 [n, k], cursor int64.
 * Outputs: float32 [batchSize, ...] and labels [batchSize] or [batchSize, k].
 *
 * @param batchSize samples in a batch
 * @param shuffle whether each epoch has an order of its own
 * @param seed of the shuffle and the augmentation
 * @param augmentation what happens to each sample
 */
public record FetchBatch(int batchSize, boolean shuffle, long seed, Augmentation augmentation)
    implements Op {
  @Override
  public String name() {
    return "fetch_batch";
  }

  @Override
  public List<TensorType> outputTypes(List<TensorType> inputs) {
    Check.count(name(), inputs, 3, 3);
    TensorType samples = inputs.get(0);
    TensorType labels = inputs.get(1);
    Check.that(batchSize >= 1, name(), "batchSize must be at least 1, got " + batchSize);
    Check.that(
        samples.dtype() == DataType.UINT8 || samples.dtype() == DataType.FLOAT32,
        name(),
        "samples must be UINT8 or FLOAT32, got " + samples);
    Check.that(
        samples.shape().rank() >= 2 && labels.shape().rank() >= 1,
        name(),
        "samples must have at least 2 dimensions, labels at least 1, got "
            + samples
            + " and "
            + labels);
    int count = samples.shape().dim(0);
    Check.that(
        labels.shape().dim(0) == count,
        name(),
        "samples and labels must be as many, got " + samples + " and " + labels);
    Check.that(
        (labels.dtype() == DataType.INT32 && labels.shape().rank() == 1)
            || labels.dtype() == DataType.FLOAT32,
        name(),
        "labels must be int32[n] class indices or float32, got " + labels);
    Check.scalar(name(), "cursor", inputs.get(2), DataType.INT64);
    checkAugmentation(samples.shape());
    return List.of(
        new TensorType(DataType.FLOAT32, samples.shape().withRows(batchSize)),
        new TensorType(labels.dtype(), labels.shape().withRows(batchSize)));
  }

  private void checkAugmentation(Shape samples) {
    boolean spatial =
        augmentation.flip() != Augmentation.Flip.NONE
            || augmentation.shift() > 0
            || augmentation.cutout() > 0;
    Check.that(
        !spatial || samples.rank() == 4,
        name(),
        "flip, shift and cutout need images [n, c, h, w], got " + samples);
    if (!augmentation.mean().isEmpty() && augmentation.mean().size() != samples.dim(1)) {
      throw new ProgramException(
          name()
              + ": mean has "
              + augmentation.mean().size()
              + " channels, samples have "
              + samples.dim(1));
    }
    if (augmentation.shift() > 0) {
      int least = Math.min(samples.dim(2), samples.dim(3));
      Check.that(
          augmentation.shift() < least,
          name(),
          "shift must be below the image's side " + least + ", got " + augmentation.shift());
    }
  }

  @Override
  public boolean outputBatched(int output, boolean anyInputBatched) {
    return true;
  }
}
