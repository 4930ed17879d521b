package dev.gridstride.nn;

import dev.gridstride.files.AtomicFiles;
import dev.gridstride.files.FileException;
import dev.gridstride.program.Tensor;
import dev.gridstride.program.TensorType;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Reads and writes named tensors in the safetensors format: the length of the header as a 64-bit
 * integer, the header as JSON, the elements; everything little-endian, the header padded with
 * spaces so that the elements begin at a multiple of 8. Element types: F32, BF16, F64, I32, I64,
 * U8.
 *
 * <p>Tensors are stored as the format's own library does: widest types first, then by name.
 */
public final class SafeTensors {
  private static final int CHUNK_BYTES = 1 << 20;

  private SafeTensors() {}

  /**
   * What a file holds.
   *
   * @param tensors by name, in the order of the file
   * @param metadata free text by key; empty if there is none
   */
  public record Contents(Map<String, Tensor> tensors, Map<String, String> metadata) {}

  /**
   * Writes a file, whole or not at all.
   *
   * @throws FileException if it cannot be written
   */
  public static void write(Path file, Map<String, Tensor> tensors, Map<String, String> metadata) {
    Map<String, TensorType> types = new LinkedHashMap<>();
    tensors.forEach((name, tensor) -> types.put(name, tensor.type()));
    SafeTensorsHeader header = SafeTensorsHeader.of(types, metadata);
    AtomicFiles.write(
        file,
        channel -> {
          AtomicFiles.writeFully(channel, header.encode());
          ByteBuffer buffer = newBuffer();
          for (SafeTensorsHeader.Entry entry : header.entries()) {
            writeElements(channel, buffer, tensors.get(entry.name()));
          }
        });
  }

  /**
   * Reads a file.
   *
   * @throws FileException if it cannot be read or is not well-formed, down to the last byte
   */
  public static Contents read(Path file) {
    try (FileChannel channel = FileChannel.open(file)) {
      SafeTensorsHeader header = SafeTensorsHeader.read(file, channel);
      Map<String, Tensor> tensors = new LinkedHashMap<>();
      ByteBuffer buffer = newBuffer();
      for (SafeTensorsHeader.Entry entry : header.entries()) {
        Tensor tensor = Tensor.zeros(entry.type());
        readElements(channel, buffer, tensor);
        tensors.put(entry.name(), tensor);
      }
      return new Contents(tensors, header.metadata());
    } catch (IOException e) {
      throw FileException.reading(file, e);
    }
  }

  private static ByteBuffer newBuffer() {
    return ByteBuffer.allocate(CHUNK_BYTES).order(ByteOrder.LITTLE_ENDIAN);
  }

  private static void writeElements(FileChannel channel, ByteBuffer buffer, Tensor tensor)
      throws IOException {
    int size = tensor.type().dtype().bytes();
    int total = Math.toIntExact(tensor.shape().elements());
    for (int from = 0; from < total; from += CHUNK_BYTES / size) {
      int count = Math.min(CHUNK_BYTES / size, total - from);
      buffer.clear().limit(count * size);
      switch (tensor.type().dtype()) {
        case FLOAT32 -> buffer.asFloatBuffer().put(tensor.floats(), from, count);
        case BFLOAT16 -> buffer.asShortBuffer().put(tensor.bfloat16s(), from, count);
        case FLOAT64 -> buffer.asDoubleBuffer().put(tensor.doubles(), from, count);
        case INT32 -> buffer.asIntBuffer().put(tensor.ints(), from, count);
        case INT64 -> buffer.asLongBuffer().put(tensor.longs(), from, count);
        case UINT8 -> buffer.duplicate().put(tensor.bytes(), from, count);
      }
      AtomicFiles.writeFully(channel, buffer);
    }
  }

  private static void readElements(FileChannel channel, ByteBuffer buffer, Tensor tensor)
      throws IOException {
    int size = tensor.type().dtype().bytes();
    int total = Math.toIntExact(tensor.shape().elements());
    for (int from = 0; from < total; from += CHUNK_BYTES / size) {
      int count = Math.min(CHUNK_BYTES / size, total - from);
      buffer.clear().limit(count * size);
      readFully(channel, buffer);
      buffer.flip();
      switch (tensor.type().dtype()) {
        case FLOAT32 -> buffer.asFloatBuffer().get(tensor.floats(), from, count);
        case BFLOAT16 -> buffer.asShortBuffer().get(tensor.bfloat16s(), from, count);
        case FLOAT64 -> buffer.asDoubleBuffer().get(tensor.doubles(), from, count);
        case INT32 -> buffer.asIntBuffer().get(tensor.ints(), from, count);
        case INT64 -> buffer.asLongBuffer().get(tensor.longs(), from, count);
        case UINT8 -> buffer.get(tensor.bytes(), from, count);
      }
    }
  }

  static void readFully(FileChannel channel, ByteBuffer buffer) throws IOException {
    while (buffer.hasRemaining()) {
      if (channel.read(buffer) < 0) {
        throw new EOFException("the file ends early");
      }
    }
  }
}
