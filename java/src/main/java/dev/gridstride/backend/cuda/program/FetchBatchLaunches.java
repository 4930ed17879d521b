package dev.gridstride.backend.cuda.program;

import dev.gridstride.backend.cuda.Dim;
import dev.gridstride.program.DataType;
import dev.gridstride.program.Shape;
import dev.gridstride.program.op.Augmentation;
import dev.gridstride.program.op.FetchBatch;
import java.util.List;

/** Launches of {@code fetch_batch.cu}. */
final class FetchBatchLaunches {
  private static final int ELEMENTS_PER_BLOCK = 1024;

  private FetchBatchLaunches() {}

  static void fetchBatch(FetchBatch op, Emitter e) {
    Shape samples = e.input(0).shape();
    boolean bytes = e.input(0).type().dtype() == DataType.UINT8;
    boolean image = samples.rank() == 4;
    int perSample = e.int32(samples.elementsPerRow(), "a sample");
    int height = image ? samples.dim(2) : 1;
    int width = image ? samples.dim(3) : 1;
    int channels = perSample / height / width;
    int rows = height - op.trim().height();
    int columns = width - op.trim().width();
    Augmentation augmentation = op.augmentation();
    boolean normalised = !augmentation.mean().isEmpty();
    Dim grid =
        Dim.of(op.batchSize(), Dim.ceilDiv((long) rows * columns * channels, ELEMENTS_PER_BLOCK));
    e.launch(
        "fetch_batch",
        bytes ? "fetch_batch_u8" : "fetch_batch_f32",
        grid,
        Blocks.ALL,
        0,
        e.out(0),
        e.out(1),
        e.in(0),
        e.in(1),
        e.in(2),
        normalised ? e.constant(mean(augmentation)) : Place.NULL,
        normalised ? e.constant(inverseStd(augmentation)) : Place.NULL,
        samples.dim(0),
        height,
        width,
        channels,
        channels / (image ? channels : samples.dim(1)),
        rows,
        columns,
        e.int32(e.input(1).shape().elementsPerRow(), "a label"),
        e.in(0).ringRows(),
        e.in(1).ringRows(),
        bytes ? 1 / 255f : 1f,
        op.shuffle() ? 1 : 0,
        op.seed(),
        flip(augmentation.flip()),
        augmentation.shift(),
        augmentation.cutout());
  }

  private static float[] mean(Augmentation augmentation) {
    return floats(augmentation.mean());
  }

  private static float[] inverseStd(Augmentation augmentation) {
    float[] inverse = floats(augmentation.std());
    for (int c = 0; c < inverse.length; c++) {
      inverse[c] = 1 / inverse[c];
    }
    return inverse;
  }

  private static float[] floats(List<Float> list) {
    float[] array = new float[list.size()];
    for (int i = 0; i < array.length; i++) {
      array[i] = list.get(i);
    }
    return array;
  }

  /** The kernel's number for it. */
  private static int flip(Augmentation.Flip flip) {
    return switch (flip) {
      case NONE -> 0;
      case RANDOM -> 1;
      case ALTERNATING -> 2;
    };
  }
}
