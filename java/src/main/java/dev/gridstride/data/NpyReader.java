package dev.gridstride.data;

import dev.gridstride.program.DataType;
import dev.gridstride.program.Shape;
import dev.gridstride.program.Tensor;
import dev.gridstride.program.TensorType;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Reads one NumPy array ({@code numpy.lib.format}, versions 1 to 3): unsigned bytes, 32- and 64-bit
 * floats and integers, little and big endian, in C order.
 */
final class NpyReader {
  private static final byte[] MAGIC = {(byte) 0x93, 'N', 'U', 'M', 'P', 'Y'};
  private static final int LONGEST_HEADER = 1 << 16;
  private static final int ELEMENTS_AT_ONCE = 1 << 16;
  private static final Pattern DESCR = Pattern.compile("'descr'\\s*:\\s*'([^']*)'");
  private static final Pattern FORTRAN = Pattern.compile("'fortran_order'\\s*:\\s*(True|False)");
  private static final Pattern SHAPE = Pattern.compile("'shape'\\s*:\\s*\\(([\\d,\\s]*)\\)");

  private final Object place;
  private final InputStream in;
  private final long length;

  private NpyReader(Object place, InputStream in, long length) {
    this.place = place;
    this.in = in;
    this.length = length;
  }

  /** Reads a {@code .npy} file. */
  static Tensor read(Path file) {
    long size = DataFiles.size(file);
    try (InputStream in = new BufferedInputStream(Files.newInputStream(file), 1 << 16)) {
      return read(file, in, size);
    } catch (IOException e) {
      throw DataException.io("read", file, e);
    }
  }

  /**
   * Reads an array of {@code length} bytes, header and all.
   *
   * @param place what messages call it
   */
  static Tensor read(Object place, InputStream in, long length) throws IOException {
    return new NpyReader(place, in, length).read();
  }

  private Tensor read() throws IOException {
    byte[] start = bytes(8);
    if (!Arrays.equals(start, 0, 6, MAGIC, 0, 6)) {
      throw DataException.expected(place, "a NumPy array, magic \\x93NUMPY", "other data");
    }
    int version = start[6];
    if (version < 1 || version > 3) {
      throw DataException.expected(place, "format version 1, 2 or 3", version);
    }
    int sizeBytes = version == 1 ? 2 : 4;
    ByteBuffer size = ByteBuffer.wrap(Arrays.copyOf(bytes(sizeBytes), 4));
    int headerLength = size.order(ByteOrder.LITTLE_ENDIAN).getInt();
    if (headerLength < 0 || headerLength > LONGEST_HEADER) {
      throw DataException.expected(
          place,
          "a header of at most " + LONGEST_HEADER + " bytes",
          Integer.toUnsignedString(headerLength));
    }
    String header = new String(bytes(headerLength), StandardCharsets.UTF_8);
    if (group(FORTRAN, header).equals("True")) {
      throw DataException.expected(
          place, "C order (save numpy.ascontiguousarray(a))", "Fortran order");
    }
    String descr = group(DESCR, header);
    TensorType type = new TensorType(dataType(descr), shape(group(SHAPE, header)));
    long dataBytes = Math.multiplyExact(type.shape().elements(), (long) elementBytes(descr));
    long rest = length - 8 - sizeBytes - headerLength;
    if (dataBytes != rest) {
      throw DataException.expected(
          place, dataBytes + " bytes of data for " + type, rest + "; is it cut short?");
    }
    DataFiles.arrayLength(place, dataBytes);
    return elements(type, descr.charAt(0) == '>' ? ByteOrder.BIG_ENDIAN : ByteOrder.LITTLE_ENDIAN);
  }

  private String group(Pattern pattern, String header) {
    Matcher matcher = pattern.matcher(header);
    if (!matcher.find()) {
      throw DataException.expected(
          place, "a header with " + pattern.pattern(), "'" + header.strip() + "'");
    }
    return matcher.group(1);
  }

  private DataType dataType(String descr) {
    return switch (descr) {
      case "|u1", "<u1", ">u1", "=u1" -> DataType.UINT8;
      case "<f4", ">f4" -> DataType.FLOAT32;
      case "<f8", ">f8" -> DataType.FLOAT64;
      case "<i4", ">i4" -> DataType.INT32;
      case "<i8", ">i8" -> DataType.INT64;
      default ->
          throw DataException.expected(place, "elements of type u1, f4, f8, i4 or i8", descr);
    };
  }

  private static int elementBytes(String descr) {
    return descr.charAt(2) - '0';
  }

  private Shape shape(String text) {
    String[] parts = text.isBlank() ? new String[0] : text.strip().split("\\s*,\\s*", 0);
    try {
      int[] dims = Arrays.stream(parts).mapToInt(Integer::parseInt).toArray();
      long elements = 1;
      for (int dim : dims) {
        elements = Math.multiplyExact(elements, dim);
      }
      if (elements > 0) {
        return Shape.of(dims);
      }
    } catch (NumberFormatException | ArithmeticException e) {
      throw new DataException(place + ": expected dimensions below 2^31, got (" + text + ")", e);
    }
    throw DataException.expected(place, "dimensions of at least 1", "(" + text + ")");
  }

  private Tensor elements(TensorType type, ByteOrder order) throws IOException {
    Tensor tensor = Tensor.zeros(type);
    int count = (int) type.shape().elements();
    if (type.dtype() == DataType.UINT8) {
      int got = in.readNBytes(tensor.bytes(), 0, count);
      checkAll(got, count);
      return tensor;
    }
    int width = type.dtype() == DataType.FLOAT32 || type.dtype() == DataType.INT32 ? 4 : 8;
    byte[] bytes = new byte[ELEMENTS_AT_ONCE * width];
    for (int i = 0; i < count; i += ELEMENTS_AT_ONCE) {
      int n = Math.min(ELEMENTS_AT_ONCE, count - i);
      checkAll(in.readNBytes(bytes, 0, n * width), n * width);
      ByteBuffer buffer = ByteBuffer.wrap(bytes, 0, n * width).order(order);
      switch (type.dtype()) {
        case FLOAT32 -> buffer.asFloatBuffer().get(tensor.floats(), i, n);
        case FLOAT64 -> buffer.asDoubleBuffer().get(tensor.doubles(), i, n);
        case INT32 -> buffer.asIntBuffer().get(tensor.ints(), i, n);
        case INT64 -> buffer.asLongBuffer().get(tensor.longs(), i, n);
        default -> throw new IllegalStateException("not read this way: " + type);
      }
    }
    return tensor;
  }

  private byte[] bytes(int count) throws IOException {
    byte[] bytes = in.readNBytes(count);
    checkAll(bytes.length, count);
    return bytes;
  }

  private void checkAll(int got, int wanted) {
    if (got < wanted) {
      throw DataException.expected(place, wanted + " more bytes", got + "; it is cut short");
    }
  }
}
