package dev.gridstride.backend.cuda;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.junit.jupiter.api.Test;

/** What an image is, told from its bytes. */
class ImageFormatTest {
  /** The header of an ELF file with one section header behind it. */
  private static byte[] elf(int machine, int abi, int flags) {
    ByteBuffer bytes = ByteBuffer.allocate(128).order(ByteOrder.LITTLE_ENDIAN);
    bytes.putInt(0, 0x464c457f).put(8, (byte) abi).putShort(0x12, (short) machine);
    bytes.putLong(0x28, 64).putInt(0x30, flags).putShort(0x3a, (short) 64);
    bytes.putShort(0x3c, (short) 1);
    return bytes.array();
  }

  @Test
  void cubinsOfBothAbisNameTheirGeneration() {
    // The flags that nvcc 13.0 and 12.6 write for sm_75 and sm_90.
    ImageFormat late = ImageFormat.of(elf(190, 8, 0x06004b04));
    assertEquals(ImageFormat.Kind.CUBIN, late.kind());
    assertEquals(new ComputeCapability(7, 5), late.target());
    ImageFormat early = ImageFormat.of(elf(190, 7, 0x005a055a));
    assertEquals(new ComputeCapability(9, 0), early.target());
    assertEquals(new ComputeCapability(12, 0), ImageFormat.of(elf(190, 8, 0x06007802)).target());
  }

  @Test
  void libraries() {
    boolean aarch64 = System.getProperty("os.arch").equals("aarch64");
    assertEquals(ImageFormat.Kind.HOST, ImageFormat.of(elf(aarch64 ? 183 : 62, 0, 0)).kind());
    ImageFormat other = ImageFormat.of(elf(aarch64 ? 62 : 183, 0, 0));
    assertEquals(ImageFormat.Kind.HOST_OF_ANOTHER_MACHINE, other.kind());
    assertNull(other.target());
  }

  @Test
  void textAndFatBinaries() {
    byte[] ptx = "//\n// Generated\n.version 8.0\n.target sm_80\n".getBytes(StandardCharsets.UTF_8);
    assertEquals(ImageFormat.Kind.PTX, ImageFormat.of(ptx).kind());
    assertEquals(
        ImageFormat.Kind.FATBIN,
        ImageFormat.of(new byte[] {0x50, (byte) 0xed, 0x55, (byte) 0xba, 1, 0, 16, 0}).kind());
  }

  @Test
  void rubbish() {
    assertEquals(ImageFormat.Kind.UNKNOWN, ImageFormat.of(new byte[0]).kind());
    assertEquals(ImageFormat.Kind.UNKNOWN, ImageFormat.of(new byte[] {1, 2, 3, 4, 5}).kind());
    byte[] whole = elf(190, 8, 0x06005a04);
    for (int length : new int[] {4, 63, 64, 127}) {
      assertEquals(
          ImageFormat.Kind.TRUNCATED,
          ImageFormat.of(Arrays.copyOf(whole, length)).kind(),
          length + " bytes");
    }
  }
}
