package dev.gridstride.data;

import static dev.gridstride.data.TestFiles.CIFAR_RECORD;
import static dev.gridstride.data.TestFiles.assertDataException;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.gridstride.program.Shape;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIfEnvironmentVariable;
import org.junit.jupiter.api.io.TempDir;

class CifarReaderTest {
  @TempDir Path folder;

  private Parts read() {
    return CifarReader.cifar10().read(folder);
  }

  @Test
  void readsCifar10() throws IOException {
    TestFiles.cifar10(folder, 400, 30); // more records than are read at once
    Parts parts = read();
    assertEquals(Shape.of(2000, 3, 32, 32), parts.train().samples().shape());
    assertEquals(30, parts.test().size());
    assertEquals("airplane", parts.train().classNames().get(0));
    byte[] third = TestFiles.cifar(400, 3);
    byte[] pixels = Arrays.copyOfRange(third, 399 * CIFAR_RECORD + 1, 400 * CIFAR_RECORD);
    byte[] samples = parts.train().samples().bytes();
    assertArrayEquals(pixels, Arrays.copyOfRange(samples, 1199 * 3072, 1200 * 3072));
    assertEquals(9, parts.train().labels().ints()[1199]);
  }

  @Test
  void readsCifar100ByFineLabels() throws IOException {
    Files.write(folder.resolve("train.bin"), TestFiles.cifar100(150, 1));
    Files.write(folder.resolve("test.bin"), TestFiles.cifar100(20, 2));
    Parts parts = CifarReader.cifar100().read(folder);
    assertEquals(100, parts.train().classes());
    assertEquals(77, parts.train().labels().ints()[77]);
    assertEquals("worm", parts.train().classNames().get(99));
  }

  @Test
  void takesTheNamesOfTheFolder() throws IOException {
    TestFiles.cifar10(folder, 1, 1);
    Files.writeString(folder.resolve("batches.meta.txt"), "a\nb\nc\nd\ne\nf\ng\nh\ni\nj\n\n");
    assertEquals("j", read().test().classNames().get(9));
    Files.writeString(folder.resolve("batches.meta.txt"), "a\nb\n");
    assertDataException(this::read, "batches.meta.txt", "10 class names", "got 2");
    Files.write(folder.resolve("batches.meta.txt"), new byte[] {(byte) 0xff, (byte) 0xfe, 0});
    assertDataException(this::read, "batches.meta.txt", "UTF-8");
  }

  @Test
  void refusesFilesCutShortAnywhere() throws IOException {
    TestFiles.cifar10(folder, 2, 2);
    byte[] whole = TestFiles.cifar(2, 2);
    Path file = folder.resolve("data_batch_2.bin");
    for (int length = 0; length < whole.length; length += length % 64 == 1 ? 191 : 1) {
      Files.write(file, Arrays.copyOf(whole, length));
      assertDataException(this::read, file, "expected", "got");
    }
    Files.write(file, Arrays.copyOf(whole, CIFAR_RECORD));
    assertDataException(this::read, file, "as many images as data_batch_1.bin, 2", "got 1");
  }

  @Test
  void refusesLongerFilesAndMissingOnes() throws IOException {
    TestFiles.cifar10(folder, 2, 2);
    Path file = folder.resolve("test_batch.bin");
    Files.write(file, Arrays.copyOf(TestFiles.cifar(2, 6), 2 * CIFAR_RECORD + 1));
    assertDataException(this::read, file, "multiple of 3073", "got 6147 bytes");
    Files.delete(file);
    assertDataException(this::read, file, "no such file");
    Files.createDirectory(file);
    assertDataException(this::read, file, "expected a file");
  }

  @Test
  void refusesATestSetCutShortBesideAFullTrainingSet() throws IOException {
    TestFiles.cifar10(folder, 1, 9_999);
    for (int batch = 1; batch <= 5; batch++) {
      try (var file =
          new RandomAccessFile(folder.resolve("data_batch_" + batch + ".bin").toFile(), "rw")) {
        file.setLength(10_000L * CIFAR_RECORD); // sparse: no disk space is used
      }
    }
    assertDataException(this::read, "50000 training and 10000 test", "50000 and 9999");
  }

  @Test
  void refusesLabelsOutOfRange() throws IOException {
    TestFiles.cifar10(folder, 3, 1);
    byte[] bytes = TestFiles.cifar(3, 4);
    bytes[2 * CIFAR_RECORD] = (byte) 200;
    Path file = Files.write(folder.resolve("data_batch_4.bin"), bytes);
    assertDataException(this::read, file, "label of image 2 in 0..9", "got 200");
  }

  @Test
  void refusesCoarseLabelsOutOfRange() throws IOException {
    byte[] bytes = TestFiles.cifar100(3, 1);
    bytes[CIFAR_RECORD + 1] = 20;
    Path file = Files.write(folder.resolve("train.bin"), bytes);
    Files.write(folder.resolve("test.bin"), TestFiles.cifar100(1, 1));
    assertDataException(
        () -> CifarReader.cifar100().read(folder), file, "coarse label of image 1", "got 20");
  }

  @Test
  @EnabledIfEnvironmentVariable(
      named = "GRIDSTRIDE_TEST_DATA",
      matches = ".+",
      disabledReason = "GRIDSTRIDE_TEST_DATA names no folder with cifar-10-batches-bin in it")
  void readsTheRealSet() {
    Path data = Path.of(System.getenv("GRIDSTRIDE_TEST_DATA"), "cifar-10-batches-bin");
    Parts parts = CifarReader.cifar10().read(data);
    assertEquals(50_000, parts.train().size());
    assertEquals(10_000, parts.test().size());
    int[] counts = new int[10];
    Arrays.stream(parts.test().labels().ints()).forEach(label -> counts[label]++);
    assertArrayEquals(
        new int[] {1000, 1000, 1000, 1000, 1000, 1000, 1000, 1000, 1000, 1000}, counts);
    assertEquals(0.491f, ChannelStatistics.of(parts.train()).mean().get(0), 0.002f);
  }
}
