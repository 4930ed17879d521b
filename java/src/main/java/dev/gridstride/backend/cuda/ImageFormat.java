package dev.gridstride.backend.cuda;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;

/**
 * What kind of code an image holds, told from its first bytes, so that one for another device is
 * refused before the driver sees it.
 *
 * @param kind the kind
 * @param target the generation that a cubin is for, or null
 */
record ImageFormat(Kind kind, ComputeCapability target) {
  enum Kind {
    CUBIN,
    PTX,
    FATBIN,
    /** A library for this machine's processor, which the simulated device loads. */
    HOST,
    HOST_OF_ANOTHER_MACHINE,
    TRUNCATED,
    UNKNOWN
  }

  private static final int HEADER_BYTES = 64;
  private static final int ELF = 0x464c457f;
  private static final int FATBIN = 0xba55ed50;
  private static final int MACHINE_CUDA = 190;
  private static final int MACHINE_X86_64 = 62;
  private static final int MACHINE_AARCH64 = 183;

  /** From this version of the ABI on the generation is in the second byte of the flags. */
  private static final int ABI_WITH_WIDE_FLAGS = 8;

  static ImageFormat of(byte[] image) {
    ByteBuffer bytes = ByteBuffer.wrap(image).order(ByteOrder.LITTLE_ENDIAN);
    if (image.length >= 4 && bytes.getInt(0) == ELF) {
      return elf(bytes, image.length);
    }
    if (image.length >= 4 && bytes.getInt(0) == FATBIN) {
      return new ImageFormat(Kind.FATBIN, null);
    }
    String begin = new String(image, 0, Math.min(image.length, 4096), StandardCharsets.ISO_8859_1);
    return new ImageFormat(begin.contains(".version ") ? Kind.PTX : Kind.UNKNOWN, null);
  }

  private static ImageFormat elf(ByteBuffer bytes, int length) {
    if (length < HEADER_BYTES) {
      return new ImageFormat(Kind.TRUNCATED, null);
    }
    long sections = bytes.getLong(0x28);
    long end = sections + (long) bytes.getShort(0x3a) * bytes.getShort(0x3c);
    if (sections < 0 || end > length) {
      return new ImageFormat(Kind.TRUNCATED, null);
    }
    int machine = bytes.getShort(0x12);
    if (machine == MACHINE_CUDA) {
      int flags = bytes.getInt(0x30);
      int version = bytes.get(8);
      int number = version >= ABI_WITH_WIDE_FLAGS ? flags >> 8 & 0xff : flags & 0xff;
      return new ImageFormat(Kind.CUBIN, new ComputeCapability(number / 10, number % 10));
    }
    boolean aarch64 = System.getProperty("os.arch").equals("aarch64");
    return new ImageFormat(
        machine == (aarch64 ? MACHINE_AARCH64 : MACHINE_X86_64)
            ? Kind.HOST
            : Kind.HOST_OF_ANOTHER_MACHINE,
        null);
  }

  /**
   * Checks that a device can run this.
   *
   * @param name of the image, for the message
   * @throws IllegalArgumentException if not, with what it can run
   */
  void requireFor(CudaDevice device, String name) {
    boolean simulated = device.driver().isSimulated();
    String wanted =
        simulated
            ? "the simulated device runs host images: compile the source for it"
                + " (CudaContext.compile)"
            : device + " runs code for " + device.computeCapability().arch();
    String problem =
        switch (kind) {
          case CUBIN ->
              simulated || !device.computeCapability().runs(target)
                  ? "is a cubin for " + target.arch() + "; " + wanted
                  : null;
          case PTX -> simulated ? "is PTX; " + wanted : null;
          case FATBIN -> simulated ? "is a fat binary; " + wanted : null;
          case HOST -> simulated ? null : "is a host image of the simulated device; " + wanted;
          case HOST_OF_ANOTHER_MACHINE -> "is a library for another processor; " + wanted;
          case TRUNCATED -> "is cut short";
          case UNKNOWN -> "is neither a cubin, PTX, a fat binary nor a host image; " + wanted;
        };
    if (problem != null) {
      throw new IllegalArgumentException("image " + name + " " + problem);
    }
  }
}
