package dev.gridstride.nn;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.gridstride.files.FileException;
import dev.gridstride.program.DataType;
import dev.gridstride.program.Shape;
import dev.gridstride.program.TensorType;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * The header of a safetensors file.
 *
 * @param entries in the order of their elements
 * @param metadata free text by key
 */
record SafeTensorsHeader(List<Entry> entries, Map<String, String> metadata) {
  private static final String METADATA = "__metadata__";
  private static final int MAX_BYTES = 100_000_000;
  private static final ObjectMapper JSON =
      JsonMapper.builder()
          .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .build();
  private static final Map<DataType, String> CODES =
      new EnumMap<>(
          Map.of(
              DataType.FLOAT32, "F32",
              DataType.BFLOAT16, "BF16",
              DataType.FLOAT64, "F64",
              DataType.INT32, "I32",
              DataType.INT64, "I64",
              DataType.UINT8, "U8"));

  /** Order in which the format's own library stores element types. */
  private static final List<DataType> STORAGE_ORDER =
      List.of(
          DataType.INT64,
          DataType.FLOAT64,
          DataType.FLOAT32,
          DataType.INT32,
          DataType.BFLOAT16,
          DataType.UINT8);

  /** A tensor and where its elements lie, in bytes from the end of the header. */
  record Entry(String name, TensorType type, long begin, long end) {}

  static SafeTensorsHeader of(Map<String, TensorType> types, Map<String, String> metadata) {
    List<Map.Entry<String, TensorType>> sorted = new ArrayList<>(types.entrySet());
    sorted.sort(
        Comparator.comparingInt(
                (Map.Entry<String, TensorType> e) -> STORAGE_ORDER.indexOf(e.getValue().dtype()))
            .thenComparing(Map.Entry.comparingByKey()));
    List<Entry> entries = new ArrayList<>();
    long begin = 0;
    for (Map.Entry<String, TensorType> tensor : sorted) {
      if (tensor.getKey().equals(METADATA)) {
        throw new FileException("safetensors: a tensor cannot be named " + METADATA);
      }
      long end = Math.addExact(begin, tensor.getValue().bytes());
      entries.add(new Entry(tensor.getKey(), tensor.getValue(), begin, end));
      begin = end;
    }
    return new SafeTensorsHeader(entries, new TreeMap<>(metadata));
  }

  /** Length and JSON, ready to be written. */
  ByteBuffer encode() {
    ObjectNode root = JSON.createObjectNode();
    if (!metadata.isEmpty()) {
      ObjectNode texts = root.putObject(METADATA);
      metadata.forEach(texts::put);
    }
    for (Entry entry : entries) {
      ObjectNode tensor = root.putObject(entry.name);
      tensor.put("dtype", CODES.get(entry.type.dtype()));
      Arrays.stream(entry.type.shape().dims()).forEach(tensor.putArray("shape")::add);
      tensor.putArray("data_offsets").add(entry.begin).add(entry.end);
    }
    byte[] json;
    try {
      json = JSON.writeValueAsBytes(root);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException(e);
    }
    int padded = (json.length + 7) / 8 * 8;
    byte[] padding = new byte[padded - json.length];
    Arrays.fill(padding, (byte) ' ');
    ByteBuffer buffer = ByteBuffer.allocate(8 + padded).order(ByteOrder.LITTLE_ENDIAN);
    return buffer.putLong(padded).put(json).put(padding).flip();
  }

  /** Reads and checks a header; the channel is then at the first element. */
  static SafeTensorsHeader read(Path file, FileChannel channel) throws IOException {
    long fileBytes = channel.size();
    if (fileBytes < 8) {
      throw broken(file, "expected at least 8 bytes, got " + fileBytes);
    }
    ByteBuffer length = ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN);
    SafeTensors.readFully(channel, length);
    long headerBytes = length.getLong(0);
    if (headerBytes < 2 || headerBytes > MAX_BYTES) {
      throw broken(
          file,
          "expected a header of 2 to "
              + MAX_BYTES
              + " bytes, got "
              + Long.toUnsignedString(headerBytes));
    }
    if (headerBytes > fileBytes - 8) {
      throw broken(
          file,
          "header says "
              + headerBytes
              + " bytes, but the file ends "
              + (fileBytes - 8)
              + " bytes after its length");
    }
    byte[] json = new byte[(int) headerBytes];
    SafeTensors.readFully(channel, ByteBuffer.wrap(json));
    return new Parser(file).parse(json, fileBytes - 8 - headerBytes);
  }

  private static FileException broken(Path file, String problem) {
    return new FileException(file + " is not a valid safetensors file: " + problem);
  }

  /** Turns JSON into entries; every complaint names the file. */
  private record Parser(Path file) {
    SafeTensorsHeader parse(byte[] json, long dataBytes) throws IOException {
      JsonNode root;
      try {
        root = JSON.readTree(json);
      } catch (JsonProcessingException e) {
        throw broken(file, "header: " + e.getOriginalMessage());
      }
      if (json[0] != '{' || !root.isObject()) {
        throw broken(file, "the header must be a JSON object");
      }
      Map<String, String> metadata = new TreeMap<>();
      List<Entry> entries = new ArrayList<>();
      for (Map.Entry<String, JsonNode> field : root.properties()) {
        if (field.getKey().equals(METADATA)) {
          readMetadata(field.getValue(), metadata);
        } else {
          entries.add(readEntry(field.getKey(), field.getValue()));
        }
      }
      entries.sort(Comparator.comparingLong(Entry::begin).thenComparingLong(Entry::end));
      checkCoverage(entries, dataBytes);
      return new SafeTensorsHeader(entries, metadata);
    }

    private void readMetadata(JsonNode node, Map<String, String> metadata) {
      require(node.isObject(), METADATA, "must be an object, got " + node);
      for (Map.Entry<String, JsonNode> text : node.properties()) {
        require(text.getValue().isTextual(), METADATA, text.getKey() + " must be a string");
        metadata.put(text.getKey(), text.getValue().textValue());
      }
    }

    private Entry readEntry(String name, JsonNode node) {
      require(
          node.isObject() && node.size() == 3,
          name,
          "must have dtype, shape and data_offsets, got " + node);
      String code = node.path("dtype").asText();
      DataType dtype =
          CODES.entrySet().stream()
              .filter(known -> known.getValue().equals(code))
              .map(Map.Entry::getKey)
              .findFirst()
              .orElse(null);
      require(dtype != null, name, "dtype must be one of " + CODES.values() + ", got " + code);
      long[] dims = longs(name, "shape", node, 1, Integer.MAX_VALUE);
      long[] offsets = longs(name, "data_offsets", node, 0, Long.MAX_VALUE);
      require(
          offsets.length == 2 && offsets[0] <= offsets[1],
          name,
          "data_offsets must be a beginning and an end, got " + Arrays.toString(offsets));
      Shape shape = Shape.of(Arrays.stream(dims).mapToInt(Math::toIntExact).toArray());
      checkSize(name, dtype, shape, offsets[1] - offsets[0]);
      return new Entry(name, new TensorType(dtype, shape), offsets[0], offsets[1]);
    }

    private void checkSize(String name, DataType dtype, Shape shape, long bytes) {
      long expected;
      try {
        expected = new TensorType(dtype, shape).bytes();
      } catch (ArithmeticException e) {
        throw broken(file, name + ": shape " + shape + " is too large");
      }
      require(
          expected == bytes,
          name,
          CODES.get(dtype) + shape + " takes " + expected + " bytes, data_offsets span " + bytes);
      require(
          shape.elements() <= Integer.MAX_VALUE - 8,
          name,
          "more than "
              + (Integer.MAX_VALUE - 8)
              + " elements do not fit a Java array, got "
              + shape);
    }

    private long[] longs(String name, String field, JsonNode entry, long least, long most) {
      JsonNode node = entry.path(field);
      require(node.isArray(), name, field + " must be a list of integers, got " + node);
      long[] values = new long[node.size()];
      for (int i = 0; i < values.length; i++) {
        JsonNode element = node.get(i);
        require(
            element.isIntegralNumber()
                && element.canConvertToLong()
                && element.longValue() >= least
                && element.longValue() <= most,
            name,
            field + " must be integers from " + least + " to " + most + ", got " + node);
        values[i] = element.longValue();
      }
      return values;
    }

    private void checkCoverage(List<Entry> entries, long dataBytes) {
      long end = 0;
      for (Entry entry : entries) {
        require(
            entry.begin == end,
            entry.name,
            (entry.begin < end ? "overlaps the tensor before it" : "leaves a gap")
                + ": expected its elements at byte "
                + end
                + ", got "
                + entry.begin);
        end = entry.end;
      }
      if (end != dataBytes) {
        throw broken(
            file, "expected " + end + " bytes of elements after the header, got " + dataBytes);
      }
    }

    private void require(boolean condition, String field, String problem) {
      if (!condition) {
        throw broken(file, field + ": " + problem);
      }
    }
  }
}
