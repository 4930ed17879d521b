package dev.gridstride.data;

import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Random damage to valid files: a reader either returns or throws {@link DataException}. */
class ReaderFuzzTest {
  private static final byte[] EXTREMES = {0, 1, 0x7f, (byte) 0x80, (byte) 0xff};

  @TempDir Path folder;

  private void fuzz(Path file, int rounds, Runnable reader) throws IOException {
    byte[] valid = Files.readAllBytes(file);
    reader.run();
    int refused = 0;
    for (int seed = 0; seed < rounds; seed++) {
      Files.write(file, damage(valid, new SplittableRandom(seed)));
      try {
        reader.run();
      } catch (DataException expected) {
        refused++;
      } catch (RuntimeException | Error e) {
        fail(file.getFileName() + " damaged with seed " + seed, e);
      }
    }
    assertTrue(refused > rounds / 5, "refused " + refused + " of " + rounds);
  }

  private static byte[] damage(byte[] valid, SplittableRandom random) {
    int length =
        switch (random.nextInt(4)) {
          case 0 -> random.nextInt(valid.length + 1);
          case 1 -> valid.length + random.nextInt(9);
          default -> valid.length;
        };
    byte[] bytes = Arrays.copyOf(valid, length);
    int changes = 1 + random.nextInt(4);
    for (int i = 0; i < changes && length > 0; i++) {
      // Half of the changes go to the first bytes, where the headers are.
      int at = random.nextInt(random.nextBoolean() ? Math.min(length, 140) : length);
      bytes[at] =
          random.nextBoolean()
              ? EXTREMES[random.nextInt(EXTREMES.length)]
              : (byte) (bytes[at] ^ (1 << random.nextInt(8)));
    }
    return bytes;
  }

  @Test
  void cifar() throws IOException {
    TestFiles.cifar10(folder, 1, 1);
    CifarReader reader = CifarReader.cifar10();
    fuzz(folder.resolve("data_batch_2.bin"), 200, () -> reader.read(folder));
  }

  @Test
  void idx() throws IOException {
    for (boolean gz : new boolean[] {false, true}) {
      Path files = TestFiles.idxFolder(folder.resolve("gz " + gz), gz);
      IdxReader reader = new IdxReader("mnist", ClassNames.DIGITS);
      for (String name : IdxReader.FILES) {
        Path file = DataFiles.plainOrGz(files, name).orElseThrow();
        byte[] valid = Files.readAllBytes(file);
        fuzz(file, 150, () -> reader.read(files));
        Files.write(file, valid);
      }
    }
  }

  @Test
  void npyAndNpz() throws IOException {
    byte[] x = TestFiles.npy("<f4", "2, 3", new byte[24]);
    byte[] y = TestFiles.npy("<i4", "2,", new byte[8]);
    Path npy = Files.write(folder.resolve("x.npy"), x);
    fuzz(npy, 1000, () -> NpyReader.read(npy));
    byte[] archive = TestFiles.npz("x_train", x, "y_train", y, "x_test", x, "y_test", y);
    Path npz = Files.write(folder.resolve("a.npz"), archive);
    fuzz(npz, 1000, () -> NpySetReader.read(npz));
  }

  @Test
  void images() throws IOException {
    for (String format : new String[] {"png", "jpg"}) {
      for (int type : new int[] {BufferedImage.TYPE_INT_RGB, BufferedImage.TYPE_BYTE_GRAY}) {
        byte[] valid = TestFiles.image(format, type, 20, 12);
        Path file = Files.write(folder.resolve(format + type), valid);
        fuzz(file, 300, () -> ImageDecoder.decode(file));
      }
    }
    Path palette = folder.resolve("palette");
    Files.write(palette, TestFiles.image("png", BufferedImage.TYPE_BYTE_INDEXED, 20, 12));
    fuzz(palette, 200, () -> ImageDecoder.decode(palette));
  }

  @Test
  void archives() throws IOException {
    Path archive = folder.resolve("a.tar.gz");
    Files.write(archive, ArchiveTest.tarGz("d/one", new byte[2000], "d/two", new byte[10]));
    fuzz(
        archive,
        200,
        () -> {
          Path target = folder.resolve("unpacked");
          DataFiles.deleteTree(target);
          Archive.unpack(archive, target);
        });
  }
}
