package dev.gridstride.peers.common;

import java.io.BufferedInputStream;
import java.io.DataInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;

/**
 * Images and labels of CIFAR-10, held as bytes.
 *
 * <p>The binary format is a row of records: one byte for the label, then 3,072 bytes for the pixels
 * of three 32x32 planes, red, green, blue, each row by row.
 */
public final class Cifar10 {

  /** Height and width of an image in pixels. */
  public static final int SIDE = 32;

  /** Colour planes of an image. */
  public static final int CHANNELS = 3;

  /** Numbers in an image. */
  public static final int PIXELS = CHANNELS * SIDE * SIDE;

  /** Number of classes. */
  public static final int CLASSES = 10;

  /** Images in the five training files together. */
  public static final int TRAIN_IMAGES = 50_000;

  /** Images in the test file. */
  public static final int TEST_IMAGES = 10_000;

  private static final int IMAGES_PER_FILE = 10_000;

  private static final List<String> TRAIN_FILES =
      List.of(
          "data_batch_1.bin",
          "data_batch_2.bin",
          "data_batch_3.bin",
          "data_batch_4.bin",
          "data_batch_5.bin");

  /** The order of an image's numbers in memory. */
  public enum Layout {
    /** Plane by plane, as in the files. */
    CHANNELS_FIRST,
    /** Pixel by pixel. */
    CHANNELS_LAST
  }

  private static final float[] SCALED = new float[256];

  static {
    for (int value = 0; value < SCALED.length; value++) {
      SCALED[value] = value / 255f;
    }
  }

  private final byte[] pixels;
  private final byte[] labels;

  private Cifar10(byte[] pixels, byte[] labels) {
    this.pixels = pixels;
    this.labels = labels;
  }

  /**
   * Reads the first images of the training files.
   *
   * @param limit number of images, 1 to {@link #TRAIN_IMAGES}
   * @throws IOException if a file is missing, short or not CIFAR-10; the message names the file
   */
  public static Cifar10 readTrain(Path folder, Layout layout, int limit) throws IOException {
    return read(folder, TRAIN_FILES, layout, limit);
  }

  /**
   * Reads the test file.
   *
   * @throws IOException if the file is missing, short or not CIFAR-10; the message names the file
   */
  public static Cifar10 readTest(Path folder, Layout layout) throws IOException {
    return read(folder, List.of("test_batch.bin"), layout, TEST_IMAGES);
  }

  private static Cifar10 read(Path folder, List<String> names, Layout layout, int images)
      throws IOException {
    byte[] pixels = new byte[images * PIXELS];
    byte[] labels = new byte[images];
    for (int file = 0; file * IMAGES_PER_FILE < images; file++) {
      int from = file * IMAGES_PER_FILE;
      int to = Math.min(images, from + IMAGES_PER_FILE);
      readFile(folder.resolve(names.get(file)), pixels, labels, from, to);
    }
    if (layout == Layout.CHANNELS_LAST) {
      toChannelsLast(pixels);
    }
    return new Cifar10(pixels, labels);
  }

  private static void readFile(Path file, byte[] pixels, byte[] labels, int from, int to)
      throws IOException {
    try (DataInputStream in =
        new DataInputStream(new BufferedInputStream(Files.newInputStream(file), 1 << 16))) {
      for (int image = from; image < to; image++) {
        labels[image] = in.readByte();
        if (labels[image] < 0 || labels[image] >= CLASSES) {
          throw new IOException(
              "%s: label %d of record %d is not in 0..9, so this is not a CIFAR-10 binary file"
                  .formatted(file, labels[image], image - from));
        }
        in.readFully(pixels, image * PIXELS, PIXELS);
      }
    } catch (NoSuchFileException e) {
      throw new IOException(
          file + " is missing; --data names the folder cifar-10-batches-bin with its .bin files",
          e);
    } catch (EOFException e) {
      throw new IOException(
          "%s is too short: expected %d records of %d bytes, got %d bytes"
              .formatted(file, to - from, PIXELS + 1, Files.size(file)),
          e);
    }
  }

  private static void toChannelsLast(byte[] pixels) {
    int plane = SIDE * SIDE;
    byte[] image = new byte[PIXELS];
    for (int start = 0; start < pixels.length; start += PIXELS) {
      System.arraycopy(pixels, start, image, 0, PIXELS);
      for (int pixel = 0; pixel < plane; pixel++) {
        for (int channel = 0; channel < CHANNELS; channel++) {
          pixels[start + pixel * CHANNELS + channel] = image[channel * plane + pixel];
        }
      }
    }
  }

  /** Number of images. */
  public int size() {
    return labels.length;
  }

  /** The class of one image, 0 to 9. */
  public int label(int image) {
    return labels[image];
  }

  /**
   * Gathers a batch as numbers from 0 to 1, a pixel's byte divided by 255.
   *
   * @param order numbers of images
   * @param from first place in {@code order}
   * @param count number of images to gather
   * @param target receives {@code count * PIXELS} numbers
   */
  public void gatherScaled(int[] order, int from, int count, float[] target) {
    for (int i = 0; i < count; i++) {
      int source = order[from + i] * PIXELS;
      int destination = i * PIXELS;
      for (int p = 0; p < PIXELS; p++) {
        target[destination + p] = SCALED[pixels[source + p] & 0xff];
      }
    }
  }

  /**
   * Gathers a batch as the bytes they are; parameters as {@link #gatherScaled}.
   *
   * @param target receives {@code count * PIXELS} unsigned bytes
   */
  public void gatherBytes(int[] order, int from, int count, byte[] target) {
    for (int i = 0; i < count; i++) {
      System.arraycopy(pixels, order[from + i] * PIXELS, target, i * PIXELS, PIXELS);
    }
  }
}
