package dev.gridstride.nn;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gridstride.files.FileException;
import dev.gridstride.program.Shape;
import dev.gridstride.program.Tensor;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SafeTensorsTest {
  @TempDir Path folder;

  private Path file() {
    return folder.resolve("t.safetensors");
  }

  private static byte[] bytes(String header, int... data) {
    byte[] json = header.getBytes(StandardCharsets.UTF_8);
    ByteBuffer buffer =
        ByteBuffer.allocate(8 + json.length + data.length).order(ByteOrder.LITTLE_ENDIAN);
    buffer.putLong(json.length).put(json);
    Arrays.stream(data).forEach(value -> buffer.put((byte) value));
    return buffer.array();
  }

  /** Laid out by hand from the format's specification. */
  @Test
  void writesTheFormatByteForByte() throws IOException {
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    tensors.put("fc1.bias", Tensor.of(Shape.of(2), 1f, -2f));
    tensors.put("conv1.bias", Tensor.of(Shape.of(1), 0.5f));
    tensors.put("mask", Tensor.of(Shape.of(3), (byte) 1, (byte) 0, (byte) -1));
    tensors.put("step", Tensor.of(Shape.scalar(), 258L));
    SafeTensors.write(file(), tensors, Map.of("format", "pt"));
    String header =
        "{\"__metadata__\":{\"format\":\"pt\"},"
            + "\"step\":{\"dtype\":\"I64\",\"shape\":[],\"data_offsets\":[0,8]},"
            + "\"conv1.bias\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[8,12]},"
            + "\"fc1.bias\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[12,20]},"
            + "\"mask\":{\"dtype\":\"U8\",\"shape\":[3],\"data_offsets\":[20,23]}}";
    String padded = header + " ".repeat((8 - header.length() % 8) % 8);
    byte[] expected =
        bytes(
            padded, 2, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x3f, 0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0, 1, 0,
            0xff);
    assertArrayEquals(expected, Files.readAllBytes(file()));
  }

  @Test
  void everyTypeComesBackInChunksToo() {
    float[] large = new float[(1 << 19) + 3];
    for (int i = 0; i < large.length; i++) {
      large[i] = i * 0.5f - 7;
    }
    large[5] = Float.NaN;
    Map<String, Tensor> tensors =
        Map.of(
            "f32", Tensor.of(Shape.of(large.length), large),
            "f64", Tensor.of(Shape.of(1, 2), 1e300, -0.0),
            "i32", Tensor.of(Shape.of(2), Integer.MIN_VALUE, 7),
            "i64", Tensor.of(Shape.scalar(), Long.MAX_VALUE),
            "u8 \"é\" \\", Tensor.of(Shape.of(2), (byte) 200, (byte) 3));
    SafeTensors.write(file(), tensors, Map.of());
    SafeTensors.Contents contents = SafeTensors.read(file());
    assertEquals(tensors, contents.tensors());
    assertEquals(Map.of(), contents.metadata());
    assertEquals(
        List.of("i64", "f64", "f32", "i32", "u8 \"é\" \\"),
        List.copyOf(contents.tensors().keySet()));
  }

  @Test
  void noTensorsAreAFileToo() {
    SafeTensors.write(file(), Map.of(), Map.of("epoch", "3"));
    assertEquals(Map.of("epoch", "3"), SafeTensors.read(file()).metadata());
  }

  @Test
  void readsWhatOthersWrite() throws IOException {
    Files.write(
        file(),
        bytes(
            "{\"b\":{\"shape\":[1],\"data_offsets\":[4,8],\"dtype\":\"I32\"},"
                + " \"a\":{\"dtype\":\"U8\",\"shape\":[2,2],\"data_offsets\":[0,4]}}   ",
            1,
            2,
            3,
            4,
            9,
            0,
            0,
            0));
    assertEquals(
        Map.of(
            "a", Tensor.of(Shape.of(2, 2), (byte) 1, (byte) 2, (byte) 3, (byte) 4),
            "b", Tensor.of(Shape.of(1), 9)),
        SafeTensors.read(file()).tensors());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "[] | the header must be a JSON object",
        "{\"a\" | header: ",
        "{}x | header: ",
        "{\"a\":1} | a: must have dtype, shape and data_offsets, got 1",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[1]}} | a: must have dtype, shape and data_offsets",
        "{\"a\":{\"dtype\":\"F16\",\"shape\":[2],\"data_offsets\":[0,4]}} | a: dtype must be one of"
            + " [F32, BF16, F64, I32, I64, U8], got F16",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,4]}} | a: F32[2] takes 8 bytes,"
            + " data_offsets span 4",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[0,0]}} | a: shape must be integers"
            + " from 1 to 2147483647, got [0]",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[-1],\"data_offsets\":[0,4]}} | a: shape must be integers",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[1.0],\"data_offsets\":[0,4]}} | a: shape must be integers",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":1,\"data_offsets\":[0,4]}} | a: shape must be a list",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,0]}} | a: data_offsets must be a"
            + " beginning and an end, got [4, 0]",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0]}} | a: data_offsets must be a"
            + " beginning and an end",
        "{\"a\":{\"dtype\":\"U8\",\"shape\":[2147483647,2147483647,2147483647],"
            + "\"data_offsets\":[0,4]}} | a: shape [2147483647,2147483647,2147483647] is too large",
        "{\"a\":{\"dtype\":\"U8\",\"shape\":[4294967296],\"data_offsets\":[0,4]}} | a: shape must be"
            + " integers",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[1,5]}} | a: leaves a gap: expected"
            + " its elements at byte 0, got 1",
        "{\"a\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[0,2]},"
            + "\"b\":{\"dtype\":\"U8\",\"shape\":[3],\"data_offsets\":[1,4]}} | b: overlaps the tensor"
            + " before it: expected its elements at byte 2, got 1",
        "{\"a\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[0,2]}} | expected 2 bytes of"
            + " elements after the header, got 4",
        "{\"a\":{\"dtype\":\"F64\",\"shape\":[1],\"data_offsets\":[0,8]}} | expected 8 bytes of"
            + " elements after the header, got 4",
        "{\"a\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0,4]},"
            + "\"a\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0,4]}} | header: Duplicate",
        "{\"__metadata__\":{\"a\":1},\"a\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0,4]}} |"
            + " __metadata__: a must be a string",
        "{\"__metadata__\":[]} | __metadata__: must be an object",
      })
  void brokenHeadersAreExplained(String header, String problem) throws IOException {
    Files.write(file(), bytes(header, 1, 2, 3, 4));
    FileException error = assertThrows(FileException.class, () -> SafeTensors.read(file()));
    String expected = file() + " is not a valid safetensors file: " + problem;
    assertTrue(error.getMessage().startsWith(expected), error.getMessage());
  }

  @Test
  void headerOfInvalidUtf8IsAnError() throws IOException {
    Files.write(
        file(), new byte[] {7, 0, 0, 0, 0, 0, 0, 0, '{', '"', (byte) 0xff, '"', ':', '1', '}'});
    assertThrows(FileException.class, () -> SafeTensors.read(file()));
  }

  @Test
  void bogusLengthsDoNotExhaustMemory() throws IOException {
    for (long length : new long[] {0, -1, Long.MIN_VALUE, 100_000_001, 99_999_999, 3}) {
      Files.write(
          file(), ByteBuffer.allocate(10).order(ByteOrder.LITTLE_ENDIAN).putLong(length).array());
      assertThrows(FileException.class, () -> SafeTensors.read(file()));
    }
  }

  @Test
  void everyTruncationIsNoticed() throws IOException {
    SafeTensors.write(file(), Map.of("a", Tensor.of(Shape.of(3), 1f, 2f, 3f)), Map.of());
    byte[] whole = Files.readAllBytes(file());
    for (int length = 0; length < whole.length; length++) {
      Files.write(file(), Arrays.copyOf(whole, length));
      assertThrows(FileException.class, () -> SafeTensors.read(file()));
    }
    ByteArrayOutputStream longer = new ByteArrayOutputStream();
    longer.write(whole);
    longer.write(0);
    Files.write(file(), longer.toByteArray());
    assertThrows(FileException.class, () -> SafeTensors.read(file()));
  }

  @Test
  void missingFileIsSaidInWords() {
    FileException error = assertThrows(FileException.class, () -> SafeTensors.read(file()));
    assertEquals("cannot read " + file() + ": no such file or folder", error.getMessage());
    assertFalse(Files.exists(file()));
  }
}
