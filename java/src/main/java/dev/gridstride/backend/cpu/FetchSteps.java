package dev.gridstride.backend.cpu;

import dev.gridstride.program.DataType;
import dev.gridstride.program.Node;
import dev.gridstride.program.Permutation;
import dev.gridstride.program.Philox;
import dev.gridstride.program.Shape;
import dev.gridstride.program.Tensor;
import dev.gridstride.program.Value;
import dev.gridstride.program.op.Augmentation;
import dev.gridstride.program.op.FetchBatch;
import java.nio.FloatBuffer;
import java.util.Map;

/** fetch_batch, in Java: bytes become floats through a table, a row of pixels at a time. */
final class FetchSteps {
  private FetchSteps() {}

  static void register(Map<Class<?>, Steps> table) {
    table.put(FetchBatch.class, FetchSteps::lower);
  }

  private static void lower(Node node, Lowering lowering) {
    FetchBatch op = (FetchBatch) node.op();
    node.outputs().stream()
        .filter(v -> !Lowering.inHeap(v))
        .forEach(v -> lowering.define(v, Layout.PLAIN));
    lowering.add(
        new Step(
            Step.FETCH,
            Step.Mode.SHARDED,
            node.inputs(),
            node.outputs(),
            memory -> new Fetch(op, node, lowering, memory)));
  }

  private static final class Fetch implements Step.Kernel {
    private final FetchBatch op;
    private final Value samplesValue;
    private final Value labelsValue;
    private final Value cursorValue;
    private final Value batch;
    private final Value batchLabels;
    private final Lowering lowering;
    private final Memory memory;
    private final Shape shape;
    private final int channels;
    private final int height;
    private final int width;
    private final float[][] tableByChannel;
    private final float[] scale;
    private final float[] shift;

    Fetch(FetchBatch op, Node node, Lowering lowering, Memory memory) {
      this.op = op;
      this.lowering = lowering;
      this.memory = memory;
      samplesValue = node.input(0);
      labelsValue = node.input(1);
      cursorValue = node.input(2);
      batch = node.output(0);
      batchLabels = node.output(1);
      shape = samplesValue.shape();
      boolean image = shape.rank() == 4;
      channels = shape.dim(1);
      height = image ? shape.dim(2) : 1;
      width = image ? shape.dim(3) : Math.toIntExact(shape.elementsPerRow() / channels);
      Augmentation augmentation = op.augmentation();
      boolean normalised = !augmentation.mean().isEmpty();
      scale = new float[channels];
      shift = new float[channels];
      tableByChannel = new float[channels][256];
      for (int c = 0; c < channels; c++) {
        double mean = normalised ? augmentation.mean().get(c) : 0;
        double std = normalised ? augmentation.std().get(c) : 1;
        scale[c] = (float) std;
        shift[c] = (float) mean;
        for (int b = 0; b < 256; b++) {
          tableByChannel[c][b] = (float) ((b / 255.0 - mean) / std);
        }
      }
    }

    @Override
    public void run(int part) {
      Tensor samples = memory.of(samplesValue).heap;
      int count = shape.dim(0);
      long cursor = memory.of(cursorValue).heap.longs()[0];
      FloatBuffer out = memory.floats(batch, part);
      int outHeight = height - op.trim().height();
      int outWidth = width - op.trim().width();
      int outSize = channels * outHeight * outWidth;
      float[] image = memory.scratch(part, 0, outSize);
      int first = lowering.firstRow(Step.Mode.SHARDED, part);
      int rows = lowering.partShape(batch, Step.Mode.SHARDED, part).dim(0);
      for (int n = 0; n < rows; n++) {
        long position = cursor + first + n;
        long epoch = position / count;
        int place = (int) (position % count);
        int index = op.shuffle() ? Permutation.at(op.seed(), epoch, count, place) : place;
        sample(samples, index, epoch, image, outHeight, outWidth);
        out.put(n * outSize, image, 0, outSize);
        label(index, part, n, first + n);
      }
    }

    private void label(int index, int part, int row, int slot) {
      Tensor labels = memory.of(labelsValue).heap;
      if (labelsValue.type().dtype() == DataType.INT32) {
        memory.of(batchLabels).heap.ints()[slot] = labels.ints()[index];
      } else {
        int classes = Math.toIntExact(labelsValue.shape().elementsPerRow());
        memory
            .floats(batchLabels, part)
            .put(row * classes, labels.floats(), index * classes, classes);
      }
    }

    private void sample(
        Tensor samples, int index, long epoch, float[] image, int outHeight, int outWidth) {
      Augmentation augmentation = op.augmentation();
      long key = ~op.seed();
      boolean flip = flip(augmentation.flip(), key, index, epoch);
      int most = augmentation.shift();
      int dy =
          most == 0 ? 0 : Philox.below(Philox.word(key, index, 2 * epoch, 1), 2 * most + 1) - most;
      int dx =
          most == 0 ? 0 : Philox.below(Philox.word(key, index, 2 * epoch, 2), 2 * most + 1) - most;
      long base = (long) index * channels * height * width;
      boolean bytes = samplesValue.type().dtype() == DataType.UINT8;
      for (int c = 0; c < channels; c++) {
        for (int y = 0; y < outHeight; y++) {
          int from = Math.toIntExact(base + ((long) c * height + mirror(y + dy, height)) * width);
          int to = (c * outHeight + y) * outWidth;
          if (!flip && dx == 0) {
            copyRow(samples, bytes, c, from, image, to, outWidth);
          } else {
            for (int x = 0; x < outWidth; x++) {
              int column = mirror(x + dx, width);
              int source = from + (flip ? width - 1 - column : column);
              copyRow(samples, bytes, c, source, image, to + x, 1);
            }
          }
        }
      }
      if (augmentation.cutout() > 0) {
        int cy = Philox.below(Philox.word(key, index, 2 * epoch + 1, 0), height);
        int cx = Philox.below(Philox.word(key, index, 2 * epoch + 1, 1), width);
        cutOut(image, augmentation.cutout(), cy, cx, outHeight, outWidth);
      }
    }

    private void copyRow(
        Tensor samples, boolean bytes, int c, int from, float[] image, int to, int length) {
      if (bytes) {
        byte[] source = samples.bytes();
        float[] table = tableByChannel[c];
        for (int i = 0; i < length; i++) {
          image[to + i] = table[source[from + i] & 0xff];
        }
      } else {
        float[] source = samples.floats();
        for (int i = 0; i < length; i++) {
          image[to + i] = (source[from + i] - shift[c]) / scale[c];
        }
      }
    }

    private static boolean flip(Augmentation.Flip flip, long key, int index, long epoch) {
      return switch (flip) {
        case NONE -> false;
        case RANDOM -> Philox.word(key, index, 2 * epoch, 0) < 0;
        case ALTERNATING -> (Philox.word(key, index, 0, 0) < 0) ^ ((epoch & 1) == 1);
      };
    }

    private static int mirror(int place, int size) {
      if (place < 0) {
        return -place;
      }
      return place < size ? place : 2 * (size - 1) - place;
    }

    private void cutOut(float[] image, int side, int cy, int cx, int outHeight, int outWidth) {
      int top = Math.max(0, cy - side / 2);
      int left = Math.max(0, cx - side / 2);
      int bottom = Math.min(outHeight, cy - side / 2 + side);
      int right = Math.min(outWidth, cx - side / 2 + side);
      for (int c = 0; c < channels; c++) {
        for (int y = top; y < bottom; y++) {
          for (int x = left; x < right; x++) {
            image[(c * outHeight + y) * outWidth + x] = 0;
          }
        }
      }
    }
  }
}
