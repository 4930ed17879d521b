package dev.gridstride.data;

import dev.gridstride.program.Shape;
import dev.gridstride.program.Tensor;
import java.io.BufferedInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.zip.GZIPInputStream;
import java.util.zip.ZipException;

/**
 * Reads the IDX files of MNIST (LeCun, Cortes, Burges, "The MNIST database of handwritten digits")
 * and of the sets that took over its format.
 *
 * <p>An IDX file is: two bytes 0, a byte for the element type (8: unsigned byte, the only one read
 * here), a byte for the number of dimensions, each dimension as a big-endian int32, then the
 * elements in row-major order and nothing more. A file that ends in {@code .gz} is decompressed on
 * the way; gzip's own checksum is verified. Images [n, h, w] become samples [n, 1, h, w].
 */
final class IdxReader {
  static final List<String> FILES =
      List.of(
          "train-images-idx3-ubyte",
          "train-labels-idx1-ubyte",
          "t10k-images-idx3-ubyte",
          "t10k-labels-idx1-ubyte");

  private static final int UNSIGNED_BYTE = 8;

  private final String name;
  private final List<String> classNames;

  IdxReader(String name, List<String> classNames) {
    this.name = name;
    this.classNames = classNames;
  }

  /** Reads the four files of {@link #FILES} in the folder, each plain or {@code .gz}. */
  Parts read(Path folder) {
    Dataset train = read(folder, name + " train", FILES.get(0), FILES.get(1));
    return new Parts(train, read(folder, name + " test", FILES.get(2), FILES.get(3)));
  }

  private Dataset read(Path folder, String part, String imageFile, String labelFile) {
    Path imagePath = existing(folder, imageFile);
    Tensor images = readTensor(imagePath, 3);
    Path labelPath = existing(folder, labelFile);
    Tensor labelBytes = readTensor(labelPath, 1);
    int count = images.shape().dim(0);
    if (labelBytes.shape().dim(0) != count) {
      throw DataException.expected(
          labelPath,
          "as many labels as images in " + imagePath.getFileName() + ", " + count,
          labelBytes.shape().dim(0));
    }
    int[] labels = new int[count];
    for (int i = 0; i < count; i++) {
      labels[i] = labelBytes.bytes()[i] & 0xff;
      if (labels[i] >= classNames.size()) {
        throw DataException.expected(
            labelPath, "label " + i + " in 0.." + (classNames.size() - 1), labels[i]);
      }
    }
    Shape shape = Shape.of(count, 1, images.shape().dim(1), images.shape().dim(2));
    return Dataset.of(
        part, Tensor.of(shape, images.bytes()), Tensor.of(Shape.of(count), labels), classNames);
  }

  private static Path existing(Path folder, String file) {
    return DataFiles.plainOrGz(folder, file)
        .orElseThrow(
            () ->
                DataException.expected(folder, "the file " + file + " or " + file + ".gz", "none"));
  }

  /** Reads one file of unsigned bytes with this many dimensions. */
  static Tensor readTensor(Path file, int rank) {
    boolean gz = file.toString().endsWith(".gz");
    long size = DataFiles.size(file);
    long limit = gz ? Math.multiplyExact(size, DataFiles.LARGEST_EXPANSION) : size;
    try (InputStream raw = new BufferedInputStream(Files.newInputStream(file), 1 << 16);
        InputStream in = gz ? new GZIPInputStream(raw, 1 << 16) : raw) {
      Shape shape = readHeader(file, in, rank);
      long bytes = shape.elements();
      if (bytes > limit) {
        throw DataException.expected(
            file, "as many bytes as its header says, " + bytes + " for " + shape, size + " bytes");
      }
      byte[] elements = new byte[DataFiles.arrayLength(file, bytes)];
      int got = in.readNBytes(elements, 0, elements.length);
      if (got < elements.length) {
        throw DataException.expected(
            file, elements.length + " bytes after the header " + shape, got + "; it is cut short");
      }
      if (in.read() >= 0) {
        throw DataException.expected(file, "its end after the header and " + shape, "more bytes");
      }
      return Tensor.of(shape, elements);
    } catch (ZipException e) {
      throw new DataException(
          file
              + ": expected undamaged gzip data with their checksum, got: "
              + DataException.describe(e),
          e);
    } catch (EOFException e) {
      throw new DataException(file + ": expected more compressed data, got the end of the file", e);
    } catch (IOException e) {
      throw DataException.io("read", file, e);
    }
  }

  private static Shape readHeader(Path file, InputStream in, int rank) throws IOException {
    byte[] magic = readHeaderBytes(file, in, 4);
    byte[] expected = {0, 0, UNSIGNED_BYTE, (byte) rank};
    if (!Arrays.equals(magic, expected)) {
      throw DataException.expected(
          file,
          "the magic bytes " + Arrays.toString(expected) + " of an IDX file",
          Arrays.toString(magic));
    }
    int[] dims = new int[rank];
    long product = 1;
    for (int d = 0; d < rank; d++) {
      byte[] b = readHeaderBytes(file, in, 4);
      dims[d] = (b[0] & 0xff) << 24 | (b[1] & 0xff) << 16 | (b[2] & 0xff) << 8 | (b[3] & 0xff);
      if (dims[d] < 1 || (product *= dims[d]) > Integer.MAX_VALUE) {
        throw DataException.expected(
            file,
            "dimensions of at least 1, at most 2^31 elements together",
            Integer.toUnsignedString(dims[d]) + " for dimension " + d);
      }
    }
    return Shape.of(dims);
  }

  private static byte[] readHeaderBytes(Path file, InputStream in, int count) throws IOException {
    byte[] bytes = in.readNBytes(count);
    if (bytes.length < count) {
      throw DataException.expected(file, "the header of an IDX file", "the end of the file");
    }
    return bytes;
  }
}
