package dev.gridstride.data;

import static dev.gridstride.data.TestFiles.assertDataException;
import static dev.gridstride.data.TestFiles.image;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.gridstride.program.Shape;
import dev.gridstride.program.Tensor;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.zip.CRC32;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ImagesTest {
  private static final Shape RGB = Shape.of(3, 4, 6);
  private static final Shape GREY = Shape.of(1, 4, 6);

  @TempDir Path folder;

  private Tensor read(byte[] bytes, Shape shape) throws IOException {
    return Images.read(Files.write(folder.resolve("image"), bytes), shape);
  }

  @Test
  void readsColourPngAsPlanes() throws IOException {
    Tensor tensor = read(image("png", BufferedImage.TYPE_INT_RGB, 6, 4), RGB);
    for (int y = 0; y < 4; y++) {
      for (int x = 0; x < 6; x++) {
        assertEquals(10 * x, tensor.get(y * 6 + x));
        assertEquals(10 * y, tensor.get(24 + y * 6 + x));
        assertEquals(5 * (x + y), tensor.get(48 + y * 6 + x));
      }
    }
  }

  @Test
  void dropsTransparency() throws IOException {
    Tensor plain = read(image("png", BufferedImage.TYPE_INT_RGB, 6, 4), RGB);
    assertEquals(plain, read(image("png", BufferedImage.TYPE_INT_ARGB, 6, 4), RGB));
  }

  @Test
  void readsGreyWithoutChangingItsValues() throws IOException {
    Tensor tensor = read(image("png", BufferedImage.TYPE_BYTE_GRAY, 6, 4), GREY);
    assertEquals(53, tensor.get(3 * 6 + 5));
    Tensor colour = read(image("png", BufferedImage.TYPE_BYTE_GRAY, 6, 4), RGB);
    assertEquals(53, colour.get(24 + 3 * 6 + 5));
  }

  @Test
  void readsPalettes() throws IOException {
    Tensor blackAndWhite = read(image("png", BufferedImage.TYPE_BYTE_BINARY, 6, 4), GREY);
    for (int i = 0; i < 24; i++) {
      assertEquals(0, blackAndWhite.get(i) % 255);
    }
    assertEquals(Shape.of(3, 4, 6), read(image("png", 13, 6, 4), RGB).shape());
  }

  @Test
  void readsJpegNearTheOriginal() throws IOException {
    Tensor tensor = read(image("jpg", BufferedImage.TYPE_INT_RGB, 48, 32), Shape.of(3, 32, 48));
    assertEquals(100, tensor.get(10 * 48 + 10), 25);
    Tensor grey = read(image("jpg", BufferedImage.TYPE_BYTE_GRAY, 6, 4), GREY);
    assertEquals(53, grey.get(3 * 6 + 5), 12);
  }

  @Test
  void weighsColoursForGrey() throws IOException {
    Tensor grey = read(image("png", BufferedImage.TYPE_INT_RGB, 6, 4), GREY);
    // red 50, green 30, blue 40: (299 * 50 + 587 * 30 + 114 * 40 + 500) / 1000 = 37
    assertEquals(37, grey.get(3 * 6 + 5));
  }

  @Test
  void resizesAndCropsTheMiddle() throws IOException {
    // Twice as wide as wanted: the middle 4 of 8 columns stay. Blocks of 2x2 become one pixel:
    // the filter reaches 2 pixels each way, weights 1/8, 3/8, 3/8, 1/8, inside the image.
    byte[] png = image("png", BufferedImage.TYPE_BYTE_GRAY, 16, 8);
    Tensor tensor = read(png, Shape.of(1, 4, 4));
    // Source columns 4..11; target column 1 is centred at 4 + 3 = 7, between 6 and 7: value 65,
    // target row 1 between 2 and 3: 2.5
    assertEquals(68, tensor.get(5), "65 + 2.5, rounded half up");
    assertEquals(45 + 2.5, tensor.get(4), 1);
  }

  @Test
  void constantImagesStayConstantAtAnySize() {
    byte[] planes = new byte[3 * 7 * 5];
    Arrays.fill(planes, (byte) 200);
    for (int[] size : new int[][] {{1, 1}, {3, 9}, {7, 5}, {14, 10}, {32, 32}}) {
      Image fitted = Resample.fit(new Image(3, 7, 5, planes), size[0], size[1]);
      for (byte value : fitted.planes()) {
        assertEquals(200, value & 0xff);
      }
    }
  }

  @Test
  void refusesPngCutShortAnywhere() throws IOException {
    refusesCutShort(image("png", BufferedImage.TYPE_INT_RGB, 6, 4));
  }

  @Test
  void refusesJpegCutShortAnywhere() throws IOException {
    refusesCutShort(image("jpg", BufferedImage.TYPE_INT_RGB, 40, 30));
  }

  private void refusesCutShort(byte[] whole) throws IOException {
    Path file = folder.resolve("cut");
    for (int length = 0; length < whole.length; length++) {
      Files.write(file, Arrays.copyOf(whole, length));
      assertDataException(() -> Images.read(file, RGB), file);
    }
  }

  @Test
  void refusesWrongChecksums() throws IOException {
    byte[] png = image("png", BufferedImage.TYPE_INT_RGB, 6, 4);
    png[png.length - 1] ^= 1;
    assertDataException(() -> read(png, RGB), "checksum");
  }

  @Test
  void refusesChunksAndSizesThatPromiseTooMuch() throws IOException {
    byte[] png = image("png", BufferedImage.TYPE_INT_RGB, 6, 4);
    byte[] longChunk = png.clone();
    longChunk[8] = 0x7f;
    assertDataException(() -> read(longChunk, RGB), "PNG chunk of at most");
    byte[] huge = png.clone();
    huge[16] = 0x00;
    huge[17] = 0x10; // width 2^20 + 6
    huge[21] = 0x10; // height 2^20 + 4
    CRC32 crc = new CRC32();
    crc.update(huge, 12, 17);
    ByteArrayOutputStream stored = new ByteArrayOutputStream();
    new DataOutputStream(stored).writeInt((int) crc.getValue());
    System.arraycopy(stored.toByteArray(), 0, huge, 29, 4);
    assertDataException(() -> read(huge, RGB), "no more pixels", "1048582 x 1048580");
  }

  @Test
  void refusesWhatIsNoImage() throws IOException {
    assertDataException(() -> read(new byte[0], RGB), "JPEG or PNG", "an empty file");
    assertDataException(() -> read("GIF89a".getBytes(UTF_8), RGB), "JPEG or PNG", "other data");
    assertDataException(() -> Images.read(folder.resolve("no.png"), RGB), "no such file");
    byte[] png = image("png", BufferedImage.TYPE_INT_RGB, 6, 4);
    assertDataException(() -> read(png, Shape.of(72)), "a model for images", "[72]");
  }

  @Test
  void listsTheImagesOfAFolder() throws IOException {
    assertDataException(() -> Images.files(folder), folder, ".jpg, .jpeg or .png");
    assertDataException(() -> Images.files(folder.resolve("no")), "nothing there");
    for (String name : List.of("b.PNG", "a.jpeg", "c.txt", ".hidden.png")) {
      Files.createFile(folder.resolve(name));
    }
    Files.createDirectory(folder.resolve("d.png"));
    assertEquals(List.of(folder.resolve("a.jpeg"), folder.resolve("b.PNG")), Images.files(folder));
    assertArrayEquals(
        new Path[] {folder.resolve("c.txt")}, Images.files(folder.resolve("c.txt")).toArray());
  }
}
