package dev.gridstride.data;

import static dev.gridstride.data.TestFiles.assertDataException;
import static dev.gridstride.data.TestFiles.npy;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.gridstride.program.Shape;
import dev.gridstride.program.Tensor;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class NpySetReaderTest {
  @TempDir Path folder;

  /** Training and test images uint8 [2,2,2,3] (n, h, w, c) counting up, labels 0 and 1. */
  private void writeSet() throws IOException {
    byte[] x = new byte[24];
    for (int i = 0; i < x.length; i++) {
      x[i] = (byte) i;
    }
    Files.write(folder.resolve("x_train.npy"), npy("|u1", "2, 2, 2, 3", x));
    Files.write(folder.resolve("x_test.npy"), npy("|u1", "2, 2, 2, 3", x));
    Files.write(folder.resolve("y_train.npy"), npy("|u1", "2,", new byte[] {0, 1}));
    Files.write(folder.resolve("y_test.npy"), npy("|u1", "2,", new byte[] {1, 0}));
  }

  private static byte[] numbers(String descr, double... values) {
    ByteOrder order = descr.charAt(0) == '>' ? ByteOrder.BIG_ENDIAN : ByteOrder.LITTLE_ENDIAN;
    ByteBuffer buffer = ByteBuffer.allocate(8 * values.length).order(order);
    for (double value : values) {
      switch (descr.substring(1)) {
        case "f4" -> buffer.putFloat((float) value);
        case "f8" -> buffer.putDouble(value);
        case "i4" -> buffer.putInt((int) value);
        case "i8" -> buffer.putLong((long) value);
        default -> throw new IllegalArgumentException(descr);
      }
    }
    return Arrays.copyOf(buffer.array(), buffer.position());
  }

  @ParameterizedTest
  @ValueSource(strings = {"<f4", ">f4", "<f8", ">f8", "<i4", ">i4", "<i8", ">i8"})
  void readsEveryTypeInBothByteOrders(String descr) throws IOException {
    Path file =
        Files.write(
            folder.resolve("a.npy"), npy(descr, "2, 3", numbers(descr, 1, -2, 3, 4, 5, 600)));
    Tensor tensor = NpyReader.read(file);
    assertEquals(Shape.of(2, 3), tensor.shape());
    assertEquals(-2, tensor.get(1));
    assertEquals(600, tensor.get(5));
  }

  @Test
  void readsMoreElementsThanFitOneBuffer() throws IOException {
    double[] values = new double[150_000];
    for (int i = 0; i < values.length; i++) {
      values[i] = i;
    }
    Path file = folder.resolve("a.npy");
    Files.write(file, npy(">f4", "150000,", numbers(">f4", values)));
    Tensor tensor = NpyReader.read(file);
    assertEquals(65_536, tensor.get(65_536));
    assertEquals(149_999, tensor.get(149_999));
  }

  @Test
  void turnsChannelsLastIntoChannelsFirst() throws IOException {
    writeSet();
    Parts parts = NpySetReader.read(folder);
    assertEquals(Shape.of(2, 3, 2, 2), parts.train().samples().shape());
    byte[] first = Arrays.copyOf(parts.train().samples().bytes(), 12);
    assertArrayEquals(new byte[] {0, 3, 6, 9, 1, 4, 7, 10, 2, 5, 8, 11}, first);
    assertArrayEquals(new int[] {1, 0}, parts.test().labels().ints());
    assertEquals(2, parts.train().classes());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "2, 3, 2, 2 | [2,3,2,2]", // channels are first already
        "2, 3, 4    | [2,1,3,4]", // grey images without channels
        "2, 12      | [2,12]", // no images
        "2, 4, 3, 1 | [2,1,4,3]",
        "2, 1, 4, 3 | [2,1,4,3]" // second dimension 1: channels first
      })
  void givesSamplesTheShapeThatItDocuments(String stored, String expected) throws IOException {
    writeSet();
    for (String name : new String[] {"x_train.npy", "x_test.npy"}) {
      Files.write(folder.resolve(name), npy("|u1", stored, new byte[24]));
    }
    assertEquals(expected, NpySetReader.read(folder).train().samples().shape().toString());
  }

  @Test
  void readsFloatsWithSoftLabels() throws IOException {
    writeSet();
    for (String part : new String[] {"train", "test"}) {
      Files.write(folder.resolve("x_" + part + ".npy"), npy("<f8", "1, 2", numbers("<f8", .1, 2)));
      Files.write(folder.resolve("y_" + part + ".npy"), npy("<f4", "1, 2", numbers("<f4", .5, .5)));
    }
    Dataset train = NpySetReader.read(folder).train();
    assertArrayEquals(new float[] {.1f, 2}, train.samples().floats());
    assertArrayEquals(new float[] {.5f, .5f}, train.labels().floats());
  }

  @Test
  void readsOneArchiveAsKerasHasThem() throws IOException {
    writeSet();
    byte[] archive = archive();
    Path other = Files.createDirectory(folder.resolve("other"));
    Path file = Files.write(other.resolve("mnist.npz"), archive);
    assertEquals(2, NpySetReader.read(other).train().size());
    assertEquals(2, NpySetReader.read(file).test().size());
    Files.write(other.resolve("second.npz"), archive);
    assertDataException(() -> NpySetReader.read(other), other, "one .npz", "second.npz");
  }

  private byte[] archive() throws IOException {
    return TestFiles.npz(
        "x_train",
        Files.readAllBytes(folder.resolve("x_train.npy")),
        "y_train",
        Files.readAllBytes(folder.resolve("y_train.npy")),
        "x_test",
        Files.readAllBytes(folder.resolve("x_test.npy")),
        "y_test",
        Files.readAllBytes(folder.resolve("y_test.npy")));
  }

  @Test
  void refusesArraysAndArchivesCutShortAnywhere() throws IOException {
    writeSet();
    byte[] archive = archive();
    Path npz = folder.resolve("a.npz");
    for (int length = 0; length < archive.length; length++) {
      Files.write(npz, Arrays.copyOf(archive, length));
      assertDataException(() -> NpySetReader.read(npz), npz);
    }
    Path npy = folder.resolve("x_train.npy");
    byte[] whole = Files.readAllBytes(npy);
    for (int length = 0; length < whole.length; length++) {
      Files.write(npy, Arrays.copyOf(whole, length));
      assertDataException(() -> NpySetReader.read(folder), npy);
    }
    Files.write(npy, Arrays.copyOf(whole, whole.length + 1));
    assertDataException(() -> NpySetReader.read(folder), npy, "24 bytes", "got 25");
  }

  @Test
  void refusesWrongChecksumsInArchives() throws IOException {
    writeSet();
    byte[] archive = archive();
    int central = archive.length - 22 - 4 * (46 + 11); // a rough start of the central directory
    Path npz = folder.resolve("a.npz");
    int refused = 0;
    for (int i = central; i < archive.length; i++) {
      if (archive[i] == 'P' && archive[i + 1] == 'K' && archive[i + 2] == 1) {
        byte[] damaged = archive.clone();
        damaged[i + 16] ^= 1; // the entry's CRC-32
        Files.write(npz, damaged);
        assertDataException(() -> NpySetReader.read(npz), npz, "checksum");
        refused++;
      }
    }
    assertEquals(4, refused);
  }

  @Test
  void refusesHeadersThatAreWrong() throws IOException {
    writeSet();
    Path npy = folder.resolve("x_train.npy");
    String[][] cases = {
      {"{'descr': '<f4', 'fortran_order': True, 'shape': (2, 3), }", "Fortran order"},
      {"{'descr': '<c8', 'fortran_order': False, 'shape': (2, 3), }", "u1, f4, f8, i4 or i8"},
      {"{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (2,), }", "descr"},
      {"{'descr': '<f4', 'fortran_order': False, }", "shape"},
      {"{'descr': '<f4', 'fortran_order': False, 'shape': (0, 3), }", "at least 1"},
      {"{'descr': '<f4', 'fortran_order': False, 'shape': (-2, 3), }", "shape"},
      {"{'descr': '<f4', 'fortran_order': False, 'shape': (2,, 3), }", "dimensions"},
      {"{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999,), }", "2^31"},
      {"{'descr': '<f8', 'fortran_order': False, 'shape': (2147483647, 2147483647, 4), }", "2^31"},
      {"{'descr': '<f8', 'fortran_order': False, 'shape': (2147483647, 1000), }", "bytes of data"},
      {"", "fortran_order"}
    };
    for (String[] test : cases) {
      Files.write(npy, npy(test[0], new byte[24]));
      assertDataException(() -> NpySetReader.read(folder), npy, test[1]);
    }
    byte[] version = npy("|u1", "24,", new byte[24]);
    version[6] = 9;
    Files.write(npy, version);
    assertDataException(() -> NpySetReader.read(folder), npy, "version", "got 9");
    Files.writeString(npy, "x_train, a text");
    assertDataException(() -> NpySetReader.read(folder), npy, "NUMPY");
  }

  @Test
  void refusesLabelsThatAreWrong() throws IOException {
    writeSet();
    Path labels = folder.resolve("y_train.npy");
    Files.write(labels, npy("<i8", "2,", numbers("<i8", 0, -1)));
    assertDataException(() -> NpySetReader.read(folder), "y_train", "label 1", "got -1");
    Files.write(labels, npy("<i8", "2,", numbers("<i8", 0, 1e12)));
    assertDataException(() -> NpySetReader.read(folder), "y_train", "label 1", "1000000000000");
    Files.write(labels, npy("<f4", "2,", numbers("<f4", 0, 1)));
    assertDataException(() -> NpySetReader.read(folder), "y_train", "integers");
    Files.write(labels, npy("<i4", "3,", numbers("<i4", 0, 1, 1)));
    assertDataException(() -> NpySetReader.read(folder), "as many labels as samples, 2", "got 3");
  }

  @Test
  void refusesMissingArrays() throws IOException {
    assertDataException(() -> NpySetReader.read(folder), folder, "x_train.npy", "got none");
    writeSet();
    Files.delete(folder.resolve("y_test.npy"));
    assertDataException(() -> NpySetReader.read(folder), "y_test.npy", "no such file");
    Path npz = Files.write(folder.resolve("a.npz"), TestFiles.npz("x_train", new byte[3]));
    assertDataException(() -> NpySetReader.read(npz), npz, "x_train", "cut short");
    Files.write(npz, TestFiles.npz("x", new byte[3]));
    assertDataException(() -> NpySetReader.read(npz), npz, "an array x_train");
  }
}
