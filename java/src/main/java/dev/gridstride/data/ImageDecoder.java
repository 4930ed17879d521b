package dev.gridstride.data;

import java.awt.image.BufferedImage;
import java.awt.image.IndexColorModel;
import java.awt.image.Raster;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.zip.CRC32;
import javax.imageio.ImageIO;
import javax.imageio.ImageReader;
import javax.imageio.spi.ImageReaderSpi;
import javax.imageio.stream.ImageInputStream;
import javax.imageio.stream.MemoryCacheImageInputStream;

/** Decodes JPEG and PNG by the platform's decoders, strictly; the rules are in {@link Images}. */
final class ImageDecoder {
  private static final byte[] JPEG_MAGIC = {(byte) 0xff, (byte) 0xd8, (byte) 0xff};
  private static final byte[] PNG_MAGIC = {(byte) 0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};

  /** At one bit a pixel, as far as deflate can compress. */
  private static final long PNG_PIXELS_PER_BYTE = 8 * DataFiles.LARGEST_EXPANSION;

  /** A bit for each block of 64, in the most subsampled colour image. */
  private static final long JPEG_PIXELS_PER_BYTE = 1024;

  private static final long MOST_PIXELS = 1L << 27;

  private static final ImageReaderSpi JPEG = provider("jpeg");
  private static final ImageReaderSpi PNG = provider("png");

  private ImageDecoder() {}

  /** The image in this file, in its own size, grey or RGB. */
  static Image decode(Path file) {
    return decode(file, Images.bytes(file));
  }

  private static Image decode(Path file, byte[] bytes) {
    if (startsWith(bytes, JPEG_MAGIC)) {
      checkJpegEnd(file, bytes);
      return decode(file, bytes, JPEG, JPEG_PIXELS_PER_BYTE);
    }
    if (startsWith(bytes, PNG_MAGIC)) {
      checkPng(file, bytes);
      return decode(file, bytes, PNG, PNG_PIXELS_PER_BYTE);
    }
    throw DataException.expected(
        file, "a JPEG or PNG image", bytes.length == 0 ? "an empty file" : "other data");
  }

  private static Image decode(
      Path file, byte[] bytes, ImageReaderSpi provider, long pixelsPerByte) {
    List<String> damage = new ArrayList<>();
    ImageReader reader = null;
    try (ImageInputStream in = new MemoryCacheImageInputStream(new ByteArrayInputStream(bytes))) {
      reader = provider.createReaderInstance();
      reader.addIIOReadWarningListener(
          (source, warning) -> {
            if (warning.contains("Corrupt") || warning.contains("Premature")) {
              damage.add(warning);
            }
          });
      reader.setInput(in, true, true);
      long pixels = (long) reader.getWidth(0) * reader.getHeight(0);
      if (pixels > MOST_PIXELS || pixels > pixelsPerByte * bytes.length) {
        throw DataException.expected(
            file,
            "no more pixels than fit " + bytes.length + " bytes, nor than " + MOST_PIXELS,
            reader.getWidth(0) + " x " + reader.getHeight(0));
      }
      Image image = planes(reader.read(0));
      if (!damage.isEmpty()) {
        throw DataException.expected(file, "an undamaged image", damage.get(0));
      }
      return image;
    } catch (IOException | RuntimeException e) {
      if (e instanceof DataException known) {
        throw known;
      }
      throw new DataException(
          file + ": expected an undamaged image, got: " + DataException.describe(e), e);
    } finally {
      if (reader != null) {
        reader.dispose();
      }
    }
  }

  /** Throws unless an end marker follows the last scan; the decoder does not ask for one. */
  private static void checkJpegEnd(Path file, byte[] bytes) {
    for (int i = bytes.length - 2; i >= 0; i--) {
      int marker = bytes[i] == (byte) 0xff ? bytes[i + 1] & 0xff : 0;
      if (marker == 0xd9) {
        return;
      }
      if (marker == 0xda) {
        break;
      }
    }
    throw DataException.expected(file, "the end marker of a JPEG file", "the end of the file");
  }

  /** Walks the chunks of a PNG file: lengths, checksums, an end. */
  private static void checkPng(Path file, byte[] bytes) {
    ByteBuffer buffer = ByteBuffer.wrap(bytes).position(PNG_MAGIC.length);
    while (buffer.remaining() >= 12) {
      int length = buffer.getInt();
      int start = buffer.position();
      if (length < 0 || length > buffer.remaining() - 8) {
        throw DataException.expected(
            file,
            "a PNG chunk of at most " + (buffer.remaining() - 8) + " bytes at " + start,
            Integer.toUnsignedString(length) + "; the file is cut short or damaged");
      }
      CRC32 crc = new CRC32();
      crc.update(bytes, start, 4 + length);
      int stored = buffer.getInt(start + 4 + length);
      if ((int) crc.getValue() != stored) {
        throw DataException.expected(
            file,
            "the checksum " + Integer.toHexString(stored) + " of the PNG chunk at " + start,
            Integer.toHexString((int) crc.getValue()));
      }
      if (buffer.getInt(start) == 0x49454e44) { // IEND
        return;
      }
      buffer.position(start + 4 + length + 4);
    }
    throw DataException.expected(file, "the end chunk of a PNG file", "the end of the file");
  }

  private static Image planes(BufferedImage image) {
    Raster raster = image.getRaster();
    int width = image.getWidth();
    int height = image.getHeight();
    if (image.getColorModel() instanceof IndexColorModel palette) {
      return paletteImage(image, palette);
    }
    int channels = raster.getNumBands() >= 3 ? 3 : 1;
    byte[] planes = new byte[channels * height * width];
    int[] samples = new int[height * width];
    for (int c = 0; c < channels; c++) {
      int shift = Math.max(0, raster.getSampleModel().getSampleSize(c) - 8);
      raster.getSamples(0, 0, width, height, c, samples);
      for (int i = 0; i < samples.length; i++) {
        planes[c * samples.length + i] = (byte) (samples[i] >> shift);
      }
    }
    return new Image(channels, height, width, planes);
  }

  private static Image paletteImage(BufferedImage image, IndexColorModel palette) {
    boolean grey = true;
    for (int i = 0; i < palette.getMapSize(); i++) {
      grey &= palette.getRed(i) == palette.getGreen(i) && palette.getRed(i) == palette.getBlue(i);
    }
    int width = image.getWidth();
    int height = image.getHeight();
    int plane = height * width;
    byte[] planes = new byte[(grey ? 1 : 3) * plane];
    int[] indices = image.getRaster().getSamples(0, 0, width, height, 0, (int[]) null);
    for (int i = 0; i < plane; i++) {
      planes[i] = (byte) palette.getRed(indices[i]);
      if (!grey) {
        planes[plane + i] = (byte) palette.getGreen(indices[i]);
        planes[2 * plane + i] = (byte) palette.getBlue(indices[i]);
      }
    }
    return new Image(grey ? 1 : 3, height, width, planes);
  }

  private static boolean startsWith(byte[] bytes, byte[] magic) {
    return bytes.length >= magic.length
        && Arrays.equals(bytes, 0, magic.length, magic, 0, magic.length);
  }

  private static ImageReaderSpi provider(String format) {
    var readers = ImageIO.getImageReadersByFormatName(format);
    if (!readers.hasNext()) {
      throw new DataException("this Java platform has no decoder for " + format);
    }
    return readers.next().getOriginatingProvider();
  }
}
