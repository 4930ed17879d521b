package dev.gridstride.backend.reference;

import dev.gridstride.program.DataType;
import dev.gridstride.program.Shape;
import dev.gridstride.program.op.Augmentation;
import dev.gridstride.program.op.FetchBatch;

/** The next batch of a data set. */
final class FetchKernels {
  private FetchKernels() {}

  static void fetchBatch(FetchBatch op, Operands io) {
    int count = io.inShape(0).dim(0);
    for (int slot = 0; slot < op.batchSize(); slot++) {
      long position = io.inIntegers(2)[0] + slot;
      long epoch = position / count;
      int place = (int) (position % count);
      int sample = op.shuffle() ? Randomness.permuted(op.seed(), epoch, count, place) : place;
      copyLabel(io, sample, slot);
      copySample(op, io, sample, slot, epoch);
    }
  }

  private static void copyLabel(Operands io, int sample, int slot) {
    int row = Math.toIntExact(io.inShape(1).elementsPerRow());
    for (int k = 0; k < row; k++) {
      if (io.inputs().get(1).type().dtype() == DataType.INT32) {
        io.outIntegers(1)[slot * row + k] = io.inIntegers(1)[sample * row + k];
      } else {
        io.out(1)[slot * row + k] = io.in(1)[sample * row + k];
      }
    }
  }

  /** The sample as [channels, height, width]; whatever has no such axes counts as 1 wide. */
  private static void copySample(FetchBatch op, Operands io, int sample, int slot, long epoch) {
    Shape shape = io.inShape(0);
    int channels = shape.dim(1);
    int height = shape.rank() == 4 ? shape.dim(2) : 1;
    int width = Math.toIntExact(shape.elementsPerRow()) / channels / height;
    int outHeight = height - op.trim().height();
    int outWidth = width - op.trim().width();
    Choices choices = Choices.draw(op, sample, epoch, height, width);
    Augmentation augmentation = op.augmentation();
    for (int c = 0; c < channels; c++) {
      double mean = augmentation.mean().isEmpty() ? 0 : augmentation.mean().get(c);
      double std = augmentation.std().isEmpty() ? 1 : augmentation.std().get(c);
      for (int row = 0; row < outHeight; row++) {
        for (int column = 0; column < outWidth; column++) {
          int fromRow = mirrored(row + choices.up(), height);
          int fromColumn = mirrored(column + choices.left(), width);
          if (choices.flip()) {
            fromColumn = width - 1 - fromColumn;
          }
          int from = ((sample * channels + c) * height + fromRow) * width + fromColumn;
          int to = ((slot * channels + c) * outHeight + row) * outWidth + column;
          boolean cut = choices.cut(row, column, augmentation.cutout());
          io.out(0)[to] = cut ? 0 : (scaled(io, from) - mean) / std;
        }
      }
    }
  }

  private static double scaled(Operands io, int i) {
    boolean bytes = io.inputs().get(0).type().dtype() == DataType.UINT8;
    return io.inputs().get(0).get(i) / (bytes ? 255 : 1);
  }

  /** Reflection at the edges, which are not repeated: ... 2 1 0 1 2 ... */
  private static int mirrored(int i, int extent) {
    return i < 0 ? -i : i >= extent ? 2 * (extent - 1) - i : i;
  }

  /** What chance decided for one sample in one epoch. */
  private record Choices(boolean flip, int up, int left, int cutRow, int cutColumn) {
    static Choices draw(FetchBatch op, int sample, long epoch, int height, int width) {
      long key = ~op.seed();
      long[] move = Randomness.philox(key, sample, 2 * epoch);
      long[] cut = Randomness.philox(key, sample, 2 * epoch + 1);
      Augmentation augmentation = op.augmentation();
      boolean flip =
          switch (augmentation.flip()) {
            case NONE -> false;
            case RANDOM -> Randomness.topBit(move[0]);
            case ALTERNATING ->
                Randomness.topBit(Randomness.philox(key, sample, 0)[0]) == (epoch % 2 == 0);
          };
      int span = 2 * augmentation.shift() + 1;
      return new Choices(
          flip,
          Randomness.below(move[1], span) - augmentation.shift(),
          Randomness.below(move[2], span) - augmentation.shift(),
          Randomness.below(cut[0], height),
          Randomness.below(cut[1], width));
    }

    boolean cut(int row, int column, int side) {
      int top = cutRow - side / 2;
      int left = cutColumn - side / 2;
      return row >= top && row < top + side && column >= left && column < left + side;
    }
  }
}
