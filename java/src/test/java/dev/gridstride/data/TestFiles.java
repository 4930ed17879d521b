package dev.gridstride.data;

import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import java.util.zip.GZIPOutputStream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.function.Executable;

/** Small files of every format, and what tests demand of errors. */
final class TestFiles {
  static final int CIFAR_RECORD = 3073;

  private TestFiles() {}

  /** Fails unless a {@link DataException} comes whose message has all these parts. */
  static void assertDataException(Executable call, Object... parts) {
    String message = assertThrows(DataException.class, call).getMessage();
    for (Object part : parts) {
      assertTrue(message.contains(part.toString()), "no '" + part + "' in: " + message);
    }
  }

  /** A CIFAR-10 folder with this many images a batch and in the test set. */
  static Path cifar10(Path folder, int perBatch, int test) throws IOException {
    Files.createDirectories(folder);
    for (int batch = 1; batch <= 5; batch++) {
      Files.write(folder.resolve("data_batch_" + batch + ".bin"), cifar(perBatch, batch));
    }
    Files.write(folder.resolve("test_batch.bin"), cifar(test, 6));
    return folder;
  }

  /** Records of label r mod 10 and random pixels. */
  static byte[] cifar(int records, long seed) {
    byte[] bytes = new byte[records * CIFAR_RECORD];
    new Random(seed).nextBytes(bytes);
    for (int r = 0; r < records; r++) {
      bytes[r * CIFAR_RECORD] = (byte) (r % 10);
    }
    return bytes;
  }

  /** A CIFAR-100 file: coarse label r mod 20, fine label r mod 100. */
  static byte[] cifar100(int records, long seed) {
    byte[] bytes = new byte[records * (CIFAR_RECORD + 1)];
    new Random(seed).nextBytes(bytes);
    for (int r = 0; r < records; r++) {
      bytes[r * (CIFAR_RECORD + 1)] = (byte) (r % 20);
      bytes[r * (CIFAR_RECORD + 1) + 1] = (byte) (r % 100);
    }
    return bytes;
  }

  /** An IDX file of unsigned bytes. */
  static byte[] idx(byte[] elements, int... dims) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    DataOutputStream out = new DataOutputStream(bytes);
    out.writeInt(0x0800 | dims.length);
    for (int dim : dims) {
      out.writeInt(dim);
    }
    out.write(elements);
    return bytes.toByteArray();
  }

  /** The four IDX files: 3 training and 2 test images of 2x2. */
  static Path idxFolder(Path folder, boolean gz) throws IOException {
    Files.createDirectories(folder);
    byte[][] files = {
      idx(new byte[] {0, 1, 2, 3, 10, 11, 12, 13, 20, 21, 22, (byte) 255}, 3, 2, 2),
      idx(new byte[] {0, 9, 4}, 3),
      idx(new byte[] {1, 2, 3, 4, 5, 6, 7, 8}, 2, 2, 2),
      idx(new byte[] {7, 1}, 2)
    };
    for (int i = 0; i < files.length; i++) {
      String name = IdxReader.FILES.get(i) + (gz ? ".gz" : "");
      Files.write(folder.resolve(name), gz ? gzip(files[i]) : files[i]);
    }
    return folder;
  }

  static byte[] gzip(byte[] bytes) throws IOException {
    ByteArrayOutputStream packed = new ByteArrayOutputStream();
    try (GZIPOutputStream out = new GZIPOutputStream(packed)) {
      out.write(bytes);
    }
    return packed.toByteArray();
  }

  /** A version 1 {@code .npy} of these data bytes. */
  static byte[] npy(String descr, String shape, byte[] data) {
    return npy(
        "{'descr': '" + descr + "', 'fortran_order': False, 'shape': (" + shape + "), }", data);
  }

  /** A version 1 {@code .npy} with this header, padded as NumPy pads it. */
  static byte[] npy(String header, byte[] data) {
    StringBuilder padded = new StringBuilder(header);
    while ((10 + padded.length() + 1) % 64 != 0) {
      padded.append(' ');
    }
    byte[] text = padded.append('\n').toString().getBytes(StandardCharsets.UTF_8);
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    bytes.writeBytes(new byte[] {(byte) 0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0});
    bytes.write(text.length);
    bytes.write(text.length >> 8);
    bytes.writeBytes(text);
    bytes.writeBytes(data);
    return bytes.toByteArray();
  }

  /** An {@code .npz} of these arrays, given as name, bytes, name, bytes, ... */
  static byte[] npz(Object... namesAndArrays) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (ZipOutputStream zip = new ZipOutputStream(bytes)) {
      for (int i = 0; i < namesAndArrays.length; i += 2) {
        zip.putNextEntry(new ZipEntry(namesAndArrays[i] + ".npy"));
        zip.write((byte[]) namesAndArrays[i + 1]);
        zip.closeEntry();
      }
    }
    return bytes.toByteArray();
  }

  /** An image with pixel (x, y) of colour {@code (10 x, 10 y, 5 (x + y))}, or grey 10 x + y. */
  static byte[] image(String format, int type, int width, int height) throws IOException {
    BufferedImage image = new BufferedImage(width, height, type);
    for (int y = 0; y < height; y++) {
      for (int x = 0; x < width; x++) {
        if (type == BufferedImage.TYPE_BYTE_GRAY) {
          image.getRaster().setSample(x, y, 0, (10 * x + y) & 0xff);
        } else {
          int rgb = ((10 * x) & 0xff) << 16 | ((10 * y) & 0xff) << 8 | ((5 * (x + y)) & 0xff);
          image.setRGB(x, y, 0xff000000 | rgb);
        }
      }
    }
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    if (!ImageIO.write(image, format, bytes)) {
      throw new IOException("no writer for " + format);
    }
    return bytes.toByteArray();
  }

  /** Writes a file with its folders. */
  static Path write(Path file, byte[] bytes) throws IOException {
    Files.createDirectories(file.getParent());
    return Files.write(file, bytes);
  }
}
