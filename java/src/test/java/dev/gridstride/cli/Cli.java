package dev.gridstride.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gridstride.data.Dataset;
import dev.gridstride.data.Synthetic;
import dev.gridstride.program.Shape;
import dev.gridstride.program.Tensor;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * What a command printed and returned.
 *
 * @param code its exit code
 * @param out its standard output
 * @param err its standard error
 */
record Cli(int code, String out, String err) {
  /** Side of the images of {@link #writeData}: the least that the reference net takes. */
  static final int SIDE = 10;

  static final int CLASSES = 3;
  static final int TRAIN = 12;
  static final int TEST = 6;

  /** Runs a command within this process. */
  static Cli run(String... args) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    ByteArrayOutputStream err = new ByteArrayOutputStream();
    Terminal terminal =
        new Terminal(
            new PrintStream(out, true, StandardCharsets.UTF_8),
            new PrintStream(err, true, StandardCharsets.UTF_8),
            false,
            100);
    int code = Main.run(terminal, args);
    return new Cli(
        code, out.toString(StandardCharsets.UTF_8), err.toString(StandardCharsets.UTF_8));
  }

  /** {@code train} on the data of {@link #writeData} with more options. */
  static Cli train(String device, Path data, Path out, String... more) {
    List<String> args = new ArrayList<>();
    args.addAll(List.of("train", "--device", device, "--dataset", "npy", "--data", "" + data));
    args.addAll(List.of("--batch", "5", "--threads", "2", "--out", "" + out));
    args.addAll(Arrays.asList(more));
    return run(args.toArray(String[]::new));
  }

  Cli expect(int expected) {
    assertEquals(expected, code, () -> "stdout:\n" + out + "\nstderr:\n" + err);
    assertFalse(err.contains("\tat "), "no stack trace: " + err);
    return this;
  }

  Cli says(String part) {
    assertTrue(out.contains(part), () -> "expected '" + part + "' in:\n" + out);
    return this;
  }

  Cli complains(String part) {
    assertTrue(err.contains(part), () -> "expected '" + part + "' in:\n" + err);
    return this;
  }

  /** NumPy files of a small image set with {@value #TRAIN} and {@value #TEST} samples. */
  static Path writeData(Path folder) throws IOException {
    Files.createDirectories(folder);
    Shape shape = Shape.of(1, SIDE, SIDE);
    writePart(folder, "train", Synthetic.of("train", shape, CLASSES, TRAIN, 1, 0));
    writePart(folder, "test", Synthetic.of("test", shape, CLASSES, TEST, 1, 1));
    return folder;
  }

  private static void writePart(Path folder, String part, Dataset data) throws IOException {
    writeNpy(folder.resolve("x_" + part + ".npy"), "|u1", data.samples());
    writeNpy(folder.resolve("y_" + part + ".npy"), "<i4", data.labels());
  }

  /** A version 1.0 {@code .npy} file. */
  static void writeNpy(Path file, String descr, Tensor tensor) throws IOException {
    String shape = Arrays.toString(tensor.shape().dims()).replace("[", "(").replace("]", ",)");
    StringBuilder header = new StringBuilder();
    header.append("{'descr': '").append(descr).append("', 'fortran_order': False, 'shape': ");
    header.append(shape).append(", }");
    while ((header.length() + 11) % 64 != 0) {
      header.append(' ');
    }
    header.append('\n');
    int size = tensor.type().dtype().bytes();
    int elements = (int) tensor.shape().elements();
    ByteBuffer bytes = ByteBuffer.allocate(10 + header.length() + elements * size);
    bytes.order(ByteOrder.LITTLE_ENDIAN);
    bytes.put((byte) 0x93).put("NUMPY".getBytes(StandardCharsets.US_ASCII));
    bytes.put((byte) 1).put((byte) 0).putShort((short) header.length());
    bytes.put(header.toString().getBytes(StandardCharsets.US_ASCII));
    for (int i = 0; i < elements; i++) {
      if (size == 1) {
        bytes.put((byte) tensor.get(i));
      } else {
        bytes.putInt((int) tensor.get(i));
      }
    }
    Files.write(file, bytes.array());
  }
}
