package dev.gridstride.data;

import dev.gridstride.program.DataType;
import dev.gridstride.program.Shape;
import dev.gridstride.program.Tensor;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.zip.CRC32;
import java.util.zip.CheckedInputStream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;

/**
 * Reads a data set of NumPy arrays named {@code x_train}, {@code y_train}, {@code x_test} and
 * {@code y_test}: four {@code .npy} files in a folder, or one {@code .npz} (the only one in the
 * folder, or named itself), as Keras distributes its sets.
 *
 * <p>Samples: u1 stay bytes, all other types become float32, unscaled. [n, h, w] becomes [n, 1, h,
 * w]; of four dimensions the last is taken for channels if it is 1 or 3 and the second is neither,
 * and [n, h, w, c] becomes [n, c, h, w]. Labels: integers [n] or [n, 1] are class indices, the
 * number of classes being the greatest of both parts plus 1; [n, k] of any type are weights of k
 * classes. Classes have numbers for names.
 */
final class NpySetReader {
  private static final List<String> NAMES = List.of("x_train", "y_train", "x_test", "y_test");
  private static final int MOST_CLASSES = 1 << 16;

  private NpySetReader() {}

  /** Reads a folder or a {@code .npz} file. */
  static Parts read(Path path) {
    Map<String, Tensor> arrays = Files.isDirectory(path) ? folder(path) : npz(path);
    Tensor trainLabels = labels(path + ", y_train", arrays.get("y_train"));
    Tensor testLabels = labels(path + ", y_test", arrays.get("y_test"));
    int classes = Math.max(classes(trainLabels), classes(testLabels));
    List<String> names = Dataset.numberedClasses(classes);
    return new Parts(
        Dataset.of("npy train", samples(path, arrays.get("x_train")), trainLabels, names),
        Dataset.of("npy test", samples(path, arrays.get("x_test")), testLabels, names));
  }

  private static Map<String, Tensor> folder(Path folder) {
    if (NAMES.stream().anyMatch(name -> Files.exists(folder.resolve(name + ".npy")))) {
      Map<String, Tensor> arrays = new HashMap<>();
      NAMES.forEach(name -> arrays.put(name, NpyReader.read(folder.resolve(name + ".npy"))));
      return arrays;
    }
    List<Path> archives =
        DataFiles.entries(folder).stream().filter(f -> f.toString().endsWith(".npz")).toList();
    if (archives.size() != 1) {
      throw DataException.expected(
          folder,
          "x_train.npy, y_train.npy, x_test.npy and y_test.npy, or one .npz file",
          archives.isEmpty() ? "none" : archives);
    }
    return npz(archives.get(0));
  }

  private static Map<String, Tensor> npz(Path file) {
    DataFiles.size(file);
    Map<String, Tensor> arrays = new HashMap<>();
    try (ZipFile zip = new ZipFile(file.toFile())) {
      for (String name : NAMES) {
        ZipEntry entry = zip.getEntry(name + ".npy");
        if (entry == null) {
          throw DataException.expected(file, "an array " + name, "none");
        }
        arrays.put(name, array(file + ", " + name, zip, entry));
      }
      return arrays;
    } catch (IOException | IllegalArgumentException e) {
      throw new DataException(
          file + ": expected an undamaged .npz (zip) file, got: " + DataException.describe(e), e);
    }
  }

  private static Tensor array(String place, ZipFile zip, ZipEntry entry) throws IOException {
    long size = entry.getSize();
    if (size > (entry.getCompressedSize() + 1) * DataFiles.LARGEST_EXPANSION) {
      throw DataException.expected(
          place, "no more than " + entry.getCompressedSize() + " bytes can hold", size + " bytes");
    }
    CheckedInputStream in = new CheckedInputStream(zip.getInputStream(entry), new CRC32());
    try (in) {
      Tensor tensor = NpyReader.read(place, in, size);
      if (in.read() >= 0) {
        throw DataException.expected(place, size + " bytes", "more");
      }
      if (in.getChecksum().getValue() != entry.getCrc()) {
        throw DataException.expected(
            place,
            "the checksum " + Long.toHexString(entry.getCrc()),
            Long.toHexString(in.getChecksum().getValue()));
      }
      return tensor;
    }
  }

  private static Tensor samples(Path path, Tensor array) {
    Tensor tensor = array.type().dtype() == DataType.UINT8 ? array : toFloats(array);
    Shape shape = tensor.shape();
    if (shape.rank() == 3) {
      return reshape(tensor, Shape.of(shape.dim(0), 1, shape.dim(1), shape.dim(2)));
    }
    if (shape.rank() == 4 && isChannels(shape.dim(3)) && !isChannels(shape.dim(1))) {
      return channelsFirst(tensor);
    }
    if (shape.rank() < 2) {
      throw DataException.expected(path, "samples [n, ...] of 2 dimensions or more", shape);
    }
    return tensor;
  }

  private static boolean isChannels(int dim) {
    return dim == 1 || dim == 3;
  }

  private static Tensor reshape(Tensor tensor, Shape shape) {
    return tensor.type().dtype() == DataType.UINT8
        ? Tensor.of(shape, tensor.bytes())
        : Tensor.of(shape, tensor.floats());
  }

  private static Tensor channelsFirst(Tensor tensor) {
    Shape from = tensor.shape();
    int channels = from.dim(3);
    int plane = from.dim(1) * from.dim(2);
    Shape to = Shape.of(from.dim(0), channels, from.dim(1), from.dim(2));
    boolean bytes = tensor.type().dtype() == DataType.UINT8;
    byte[] byteTarget = new byte[bytes ? (int) to.elements() : 0];
    float[] floatTarget = new float[bytes ? 0 : (int) to.elements()];
    int source = 0;
    for (int n = 0; n < from.dim(0); n++) {
      for (int i = 0; i < plane; i++) {
        for (int c = 0; c < channels; c++, source++) {
          int target = (n * channels + c) * plane + i;
          if (bytes) {
            byteTarget[target] = tensor.bytes()[source];
          } else {
            floatTarget[target] = tensor.floats()[source];
          }
        }
      }
    }
    return bytes ? Tensor.of(to, byteTarget) : Tensor.of(to, floatTarget);
  }

  private static Tensor labels(String place, Tensor array) {
    Shape shape = array.shape();
    DataType dtype = array.type().dtype();
    boolean floats = dtype == DataType.FLOAT32 || dtype == DataType.FLOAT64;
    if (shape.rank() == 2 && (floats || shape.dim(1) > 1)) {
      return toFloats(array);
    }
    if (floats || shape.rank() < 1 || shape.rank() > 2) {
      throw DataException.expected(
          place, "labels as integers [n] or [n, 1], or weights [n, k]", array.type());
    }
    int[] indices = new int[shape.dim(0)];
    for (int i = 0; i < indices.length; i++) {
      double label = array.get(i);
      if (label < 0 || label >= MOST_CLASSES) {
        throw DataException.expected(
            place, "label " + i + " in 0.." + (MOST_CLASSES - 1), (long) label);
      }
      indices[i] = (int) label;
    }
    return Tensor.of(Shape.of(indices.length), indices);
  }

  private static int classes(Tensor labels) {
    if (labels.shape().rank() == 2) {
      return labels.shape().dim(1);
    }
    int classes = 1;
    for (int label : labels.ints()) {
      classes = Math.max(classes, label + 1);
    }
    return classes;
  }

  private static Tensor toFloats(Tensor array) {
    if (array.type().dtype() == DataType.FLOAT32) {
      return array;
    }
    DataFiles.arrayLength("samples", 4 * array.shape().elements());
    float[] floats = new float[(int) array.shape().elements()];
    for (int i = 0; i < floats.length; i++) {
      floats[i] = (float) array.get(i);
    }
    return Tensor.of(array.shape(), floats);
  }
}
