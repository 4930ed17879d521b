package dev.gridstride.program.op;

import dev.gridstride.program.DataType;
import dev.gridstride.program.Op;
import dev.gridstride.program.ProgramException;
import dev.gridstride.program.Shape;
import dev.gridstride.program.Size2d;
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
 * @param trim rows at the bottom and columns on the right that are left out in the end, because the
 *     network never reads them; 0x0 for none
 */
public record FetchBatch(
    int batchSize, boolean shuffle, long seed, Augmentation augmentation, Size2d trim)
    implements Op {
  /** Whole samples, nothing trimmed. */
  public FetchBatch(int batchSize, boolean shuffle, long seed, Augmentation augmentation) {
    this(batchSize, shuffle, seed, augmentation, Size2d.of(0));
  }

  /** This with another trim. */
  public FetchBatch withTrim(Size2d other) {
    return new FetchBatch(batchSize, shuffle, seed, augmentation, other);
  }

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
        new TensorType(DataType.FLOAT32, trimmed(samples.shape()).withRows(batchSize)),
        new TensorType(labels.dtype(), labels.shape().withRows(batchSize)));
  }

  private Shape trimmed(Shape samples) {
    if (trim.equals(Size2d.of(0))) {
      return samples;
    }
    Check.that(samples.rank() == 4, name(), "trim needs images [n, c, h, w], got " + samples);
    Check.that(
        trim.height() >= 0
            && trim.width() >= 0
            && trim.height() < samples.dim(2)
            && trim.width() < samples.dim(3),
        name(),
        "trim must be below the image's size, got " + trim + " for " + samples);
    return Shape.of(
        samples.dim(0),
        samples.dim(1),
        samples.dim(2) - trim.height(),
        samples.dim(3) - trim.width());
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
