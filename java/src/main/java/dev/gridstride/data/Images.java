package dev.gridstride.data;

import dev.gridstride.program.Shape;
import dev.gridstride.program.Tensor;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;

/**
 * JPEG and PNG files as samples.
 *
 * <p>The rules, for training folders and prediction alike:
 *
 * <ul>
 *   <li>A file's kind is told by its first bytes, not by its name.
 *   <li>Colour is 8-bit sRGB; of deeper images the high bits are taken, transparency is dropped,
 *       and the orientation noted by a camera is not applied.
 *   <li>Grey becomes RGB by repetition; RGB becomes grey by {@code (299 R + 587 G + 114 B) / 1000}
 *       (ITU-R BT.601), rounded.
 *   <li>An image of another size is brought to the size wanted: its shorter side is resized to fit
 *       and the rest is cut off evenly at both ends (resize and centre crop), with a triangle
 *       filter that widens when shrinking, as Pillow's {@code BILINEAR}.
 * </ul>
 *
 * <p>A damaged image is an error: PNG chunks are checked by their checksums, and what libjpeg only
 * warns of (data that end early, bad codes) is refused.
 */
public final class Images {
  private Images() {}

  /**
   * One image as a sample: uint8 of {@code sampleShape}.
   *
   * @param sampleShape [channels, height, width] with 1 or 3 channels
   * @throws DataException if the file is missing, no image or damaged, or the shape is no image's
   */
  public static Tensor read(Path file, Shape sampleShape) {
    if (sampleShape.rank() != 3 || (sampleShape.dim(0) != 1 && sampleShape.dim(0) != 3)) {
      throw DataException.expected(file, "a model for images, [1, h, w] or [3, h, w]", sampleShape);
    }
    Image image = ImageDecoder.decode(file);
    Image fitted =
        Resample.fit(image, sampleShape.dim(1), sampleShape.dim(2))
            .withChannels(sampleShape.dim(0));
    return Tensor.of(sampleShape, fitted.planes());
  }

  /**
   * The image files that {@code path} stands for: itself if it is a file, or all files in it named
   * {@code .jpg}, {@code .jpeg} or {@code .png}, sorted by name.
   *
   * @throws DataException if there is none
   */
  public static List<Path> files(Path path) {
    if (Files.isRegularFile(path)) {
      return List.of(path);
    }
    if (!Files.isDirectory(path)) {
      throw DataException.expected(path, "an image file or a folder of them", "nothing there");
    }
    List<Path> files = DataFiles.entries(path).stream().filter(Images::isNamedImage).toList();
    if (files.isEmpty()) {
      throw DataException.expected(path, "files named .jpg, .jpeg or .png", "none");
    }
    return files;
  }

  /** Whether the name ends as those of JPEG and PNG files do. */
  static boolean isNamedImage(Path file) {
    String name = file.getFileName().toString().toLowerCase(Locale.ROOT);
    return (name.endsWith(".jpg") || name.endsWith(".jpeg") || name.endsWith(".png"))
        && Files.isRegularFile(file);
  }

  /** The bytes of a file, after checking that they fit. */
  static byte[] bytes(Path file) {
    DataFiles.arrayLength(file, DataFiles.size(file));
    try {
      return Files.readAllBytes(file);
    } catch (IOException e) {
      throw DataException.io("read", file, e);
    }
  }
}
