package dev.gridstride.data;

import static dev.gridstride.data.TestFiles.assertDataException;
import static dev.gridstride.data.TestFiles.image;
import static dev.gridstride.data.TestFiles.write;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.gridstride.program.Shape;
import dev.gridstride.program.Size2d;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ImageFolderReaderTest {
  private static final Datasets.Options OPTIONS = Datasets.Options.defaults();

  @TempDir Path folder;

  private Parts read() {
    return ImageFolderReader.read(folder, OPTIONS);
  }

  private void writeTrainAndTest(int type) throws IOException {
    write(folder.resolve("train/cat/2.png"), image("png", type, 4, 3));
    write(folder.resolve("train/cat/10.png"), image("png", type, 4, 3));
    write(folder.resolve("train/ant/x.JPG"), image("jpg", type, 4, 3));
    write(folder.resolve("train/cat/notes.txt"), new byte[1]);
    write(folder.resolve("train/.git/x.png"), new byte[1]);
    write(folder.resolve("test/cat/z.png"), image("png", type, 4, 3));
  }

  @Test
  void readsTrainAndTestInOrder() throws IOException {
    writeTrainAndTest(BufferedImage.TYPE_INT_RGB);
    Parts parts = read();
    assertEquals(List.of("ant", "cat"), parts.train().classNames());
    assertEquals(Shape.of(3, 3, 3, 4), parts.train().samples().shape());
    assertArrayEquals(new int[] {0, 1, 1}, parts.train().labels().ints());
    assertArrayEquals(new int[] {1}, parts.test().labels().ints());
    assertEquals(30, parts.test().samples().get(3), "red of the pixel at x = 3");
  }

  @Test
  void isGreyOnlyIfAllImagesAre() throws IOException {
    writeTrainAndTest(BufferedImage.TYPE_BYTE_GRAY);
    assertEquals(Shape.of(1, 3, 4), read().train().sampleShape());
    write(folder.resolve("test/ant/colour.png"), image("png", BufferedImage.TYPE_INT_RGB, 4, 3));
    assertEquals(Shape.of(3, 3, 4), read().train().sampleShape());
  }

  @Test
  void holdsOutAFifthWithoutATestFolder() throws IOException {
    for (int i = 0; i < 10; i++) {
      write(folder.resolve("a/" + i + ".png"), image("png", 1, 2, 2));
      write(folder.resolve("b/" + i + ".png"), image("png", 1, 2, 2));
    }
    Parts parts = read();
    assertEquals(16, parts.train().size());
    assertEquals(4, parts.test().size());
    assertEquals(2, Arrays.stream(parts.test().labels().ints()).sum());
  }

  @Test
  void bringsImagesToTheSizeAskedFor() throws IOException {
    writeTrainAndTest(BufferedImage.TYPE_INT_RGB);
    write(folder.resolve("train/ant/big.png"), image("png", 1, 50, 20));
    assertDataException(this::read, "train/ant/x.JPG", "20x50 as", "train/ant/big.png", "got 3x4");
    Parts parts = ImageFolderReader.read(folder, OPTIONS.withImageSize(new Size2d(5, 6)));
    assertEquals(Shape.of(4, 3, 5, 6), parts.train().samples().shape());
  }

  @Test
  void refusesADamagedImage() throws IOException {
    writeTrainAndTest(BufferedImage.TYPE_INT_RGB);
    Path file = write(folder.resolve("train/cat/5.png"), new byte[] {1, 2, 3});
    assertDataException(this::read, file, "JPEG or PNG");
  }

  @Test
  void refusesFoldersThatAreNoClasses() throws IOException {
    assertDataException(this::read, folder, "a folder of images for each class", "none");
    writeTrainAndTest(BufferedImage.TYPE_INT_RGB);
    Files.createDirectory(folder.resolve("test/dog"));
    write(folder.resolve("test/dog/1.png"), image("png", 1, 4, 3));
    assertDataException(this::read, "test/dog", "[ant, cat]");
    Files.createDirectory(folder.resolve("train/dog"));
    assertDataException(this::read, "train/dog", "images", "none");
    write(folder.resolve("train/dog/1.gif"), new byte[3]);
    assertDataException(this::read, "train/dog", "only", "1.gif");
    assertDataException(
        () -> ImageFolderReader.read(folder.resolve("none"), OPTIONS), "none", "no folder");
  }

  @Test
  void refusesTrainWithoutTest() throws IOException {
    write(folder.resolve("train/cat/2.png"), image("png", 1, 4, 3));
    assertDataException(this::read, folder, "test or val");
    Files.createDirectory(folder.resolve("val"));
    assertDataException(this::read, folder.resolve("val"), "at least one image");
  }
}
