package dev.gridstride.backend.cuda.program;

import dev.gridstride.backend.cuda.CudaContext;
import dev.gridstride.backend.cuda.DeviceBuffer;
import dev.gridstride.backend.cuda.PinnedBuffer;
import dev.gridstride.program.Bfloat16;
import dev.gridstride.program.DataType;
import dev.gridstride.program.Shape;
import dev.gridstride.program.Tensor;
import dev.gridstride.program.TensorType;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * Moves values between Java arrays in row-major order and device memory in the device's layout,
 * part by part through pinned memory of a fixed size. Waits until a part has arrived.
 */
final class Transfer implements AutoCloseable {
  private static final int PART_BYTES = 4 << 20;

  private final PinnedBuffer staging;
  private final ByteBuffer bytes;

  Transfer(CudaContext context) {
    staging = context.allocatePinned(PART_BYTES);
    bytes = staging.memory().order(ByteOrder.nativeOrder());
  }

  /**
   * Writes a value.
   *
   * @param stored the shape as which it is stored, see {@link StoredShapes}
   */
  void write(DeviceBuffer to, Tensor tensor, Shape stored) {
    Layout.Mover pack = packer(tensor, bytes.clear());
    parts(
        tensor.type(),
        (first, count, offset, size) -> {
          Layout.forEach(stored, first, count, pack);
          to.slice(offset, size).write(bytes.position(0).limit(size));
        });
  }

  /** Reads a value, as {@link #write}. */
  Tensor read(DeviceBuffer from, TensorType type, Shape stored) {
    Tensor tensor = Tensor.zeros(type);
    Layout.Mover unpack = unpacker(tensor, bytes.clear());
    parts(
        type,
        (first, count, offset, size) -> {
          from.slice(offset, size).read(bytes.position(0).limit(size));
          Layout.forEach(stored, first, count, unpack);
        });
    return tensor;
  }

  /** The only element of a value, without allocating. */
  double readScalar(DeviceBuffer from, DataType dtype) {
    from.read(bytes.position(0).limit(dtype.bytes()));
    return scalar(bytes, 0, dtype);
  }

  /** The element at an offset in bytes. */
  static double scalar(ByteBuffer bytes, int at, DataType dtype) {
    return switch (dtype) {
      case FLOAT32 -> bytes.getFloat(at);
      case BFLOAT16 -> Bfloat16.toFloat(bytes.getShort(at));
      case FLOAT64 -> bytes.getDouble(at);
      case INT32 -> bytes.getInt(at);
      case INT64 -> bytes.getLong(at);
      case UINT8 -> bytes.get(at) & 0xff;
    };
  }

  /** Stored elements that fit the staging memory. */
  private interface Part {
    void move(long first, int count, long offset, int size);
  }

  private static void parts(TensorType type, Part part) {
    int size = type.dtype().bytes();
    long elements = type.shape().elements();
    int most = PART_BYTES / size;
    for (long first = 0; first < elements; first += most) {
      int count = (int) Math.min(most, elements - first);
      part.move(first, count, first * size, count * size);
    }
  }

  /** Takes an element from the array to the staging memory. */
  private static Layout.Mover packer(Tensor tensor, ByteBuffer staging) {
    return switch (tensor.type().dtype()) {
      case FLOAT32 -> {
        float[] array = tensor.floats();
        var staged = staging.asFloatBuffer();
        yield (logical, i) -> staged.put(i, array[logical]);
      }
      case BFLOAT16 -> {
        short[] array = tensor.bfloat16s();
        var staged = staging.asShortBuffer();
        yield (logical, i) -> staged.put(i, array[logical]);
      }
      case FLOAT64 -> {
        double[] array = tensor.doubles();
        var staged = staging.asDoubleBuffer();
        yield (logical, i) -> staged.put(i, array[logical]);
      }
      case INT32 -> {
        int[] array = tensor.ints();
        var staged = staging.asIntBuffer();
        yield (logical, i) -> staged.put(i, array[logical]);
      }
      case INT64 -> {
        long[] array = tensor.longs();
        var staged = staging.asLongBuffer();
        yield (logical, i) -> staged.put(i, array[logical]);
      }
      case UINT8 -> {
        byte[] array = tensor.bytes();
        ByteBuffer staged = staging.duplicate();
        yield (logical, i) -> staged.put(i, array[logical]);
      }
    };
  }

  /** Takes an element from the staging memory to the array. */
  private static Layout.Mover unpacker(Tensor tensor, ByteBuffer staging) {
    return switch (tensor.type().dtype()) {
      case FLOAT32 -> {
        float[] array = tensor.floats();
        var staged = staging.asFloatBuffer();
        yield (logical, i) -> array[logical] = staged.get(i);
      }
      case BFLOAT16 -> {
        short[] array = tensor.bfloat16s();
        var staged = staging.asShortBuffer();
        yield (logical, i) -> array[logical] = staged.get(i);
      }
      case FLOAT64 -> {
        double[] array = tensor.doubles();
        var staged = staging.asDoubleBuffer();
        yield (logical, i) -> array[logical] = staged.get(i);
      }
      case INT32 -> {
        int[] array = tensor.ints();
        var staged = staging.asIntBuffer();
        yield (logical, i) -> array[logical] = staged.get(i);
      }
      case INT64 -> {
        long[] array = tensor.longs();
        var staged = staging.asLongBuffer();
        yield (logical, i) -> array[logical] = staged.get(i);
      }
      case UINT8 -> {
        byte[] array = tensor.bytes();
        ByteBuffer staged = staging.duplicate();
        yield (logical, i) -> array[logical] = staged.get(i);
      }
    };
  }

  @Override
  public void close() {
    staging.close();
  }
}
