package dev.gridstride.data;

import static dev.gridstride.data.TestFiles.assertDataException;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.gridstride.program.Shape;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class IdxReaderTest {
  @TempDir Path folder;

  private Parts read() {
    return new IdxReader("mnist", ClassNames.DIGITS).read(folder);
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void readsPlainAndCompressed(boolean gz) throws IOException {
    TestFiles.idxFolder(folder, gz);
    Parts parts = read();
    assertEquals(Shape.of(3, 1, 2, 2), parts.train().samples().shape());
    assertEquals(255, parts.train().samples().get(11));
    assertArrayEquals(new int[] {0, 9, 4}, parts.train().labels().ints());
    assertArrayEquals(new byte[] {1, 2, 3, 4, 5, 6, 7, 8}, parts.test().samples().bytes());
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void refusesFilesCutShortAnywhere(boolean gz) throws IOException {
    TestFiles.idxFolder(folder, gz);
    for (String name : IdxReader.FILES) {
      Path file = folder.resolve(name + (gz ? ".gz" : ""));
      byte[] whole = Files.readAllBytes(file);
      for (int length = 0; length < whole.length; length++) {
        Files.write(file, Arrays.copyOf(whole, length));
        assertDataException(this::read, file);
      }
      Files.write(file, whole);
    }
    assertEquals(3, read().train().size());
  }

  @Test
  void refusesMoreBytesThanTheHeaderSays() throws IOException {
    TestFiles.idxFolder(folder, false);
    Path file = folder.resolve(IdxReader.FILES.get(0));
    byte[] whole = Files.readAllBytes(file);
    Files.write(file, Arrays.copyOf(whole, whole.length + 1));
    assertDataException(this::read, file, "its end", "more bytes");
  }

  @Test
  void refusesAWrongChecksum() throws IOException {
    TestFiles.idxFolder(folder, true);
    Path file = folder.resolve(IdxReader.FILES.get(0) + ".gz");
    byte[] bytes = Files.readAllBytes(file);
    bytes[bytes.length - 8] ^= 1; // the CRC of the gzip trailer
    Files.write(file, bytes);
    assertDataException(this::read, file, "checksum", "Corrupt GZIP trailer");
  }

  @Test
  void refusesHeadersThatPromiseTooMuch() throws IOException {
    TestFiles.idxFolder(folder, false);
    Path file = folder.resolve(IdxReader.FILES.get(0));
    Files.write(file, TestFiles.idx(new byte[12], 60_000, 28, 28));
    assertDataException(this::read, file, "47040000", "got 28 bytes");
    Files.write(file, TestFiles.idx(new byte[12], Integer.MAX_VALUE, Integer.MAX_VALUE, 2));
    assertDataException(this::read, file, "dimension 1");
    Files.write(file, TestFiles.idx(new byte[12], -1, 2, 2));
    assertDataException(this::read, file, "4294967295 for dimension 0");
    Files.write(file, TestFiles.idx(new byte[0], 0, 28, 28));
    assertDataException(this::read, file, "at least 1", "got 0");
    Files.delete(file);
    Path gz = folder.resolve(IdxReader.FILES.get(0) + ".gz");
    Files.write(gz, TestFiles.gzip(TestFiles.idx(new byte[12], 30_000, 28, 28)));
    assertDataException(this::read, gz, "23520000");
  }

  @Test
  void refusesOtherFiles() throws IOException {
    TestFiles.idxFolder(folder, false);
    Path file = folder.resolve(IdxReader.FILES.get(1));
    Files.writeString(file, "<html>not found</html>");
    assertDataException(this::read, file, "magic bytes [0, 0, 8, 1]");
    Files.write(file, TestFiles.idx(new byte[3], 3, 1, 1));
    assertDataException(this::read, file, "magic bytes [0, 0, 8, 1]", "[0, 0, 8, 3]");
    Files.delete(file);
    assertDataException(this::read, folder, file.getFileName(), "got none");
  }

  @Test
  void refusesLabelsThatDoNotFit() throws IOException {
    TestFiles.idxFolder(folder, false);
    Path file = folder.resolve(IdxReader.FILES.get(1));
    Files.write(file, TestFiles.idx(new byte[] {0, 10, 4}, 3));
    assertDataException(this::read, file, "label 1 in 0..9", "got 10");
    Files.write(file, TestFiles.idx(new byte[] {0, 1}, 2));
    assertDataException(this::read, file, "as many labels as images", "3", "got 2");
  }
}
