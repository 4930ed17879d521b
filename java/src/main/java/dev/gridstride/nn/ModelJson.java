package dev.gridstride.nn;

import com.fasterxml.jackson.annotation.JsonFormat;
import com.fasterxml.jackson.annotation.JsonSubTypes;
import com.fasterxml.jackson.annotation.JsonTypeInfo;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonMappingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.MapperFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.annotation.JsonDeserialize;
import com.fasterxml.jackson.databind.annotation.JsonSerialize;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.ser.std.ToStringSerializer;
import com.fasterxml.jackson.databind.util.StdConverter;
import dev.gridstride.files.AtomicFiles;
import dev.gridstride.files.FileException;
import dev.gridstride.program.Padding2d;
import dev.gridstride.program.ProgramException;
import dev.gridstride.program.Shape;
import dev.gridstride.program.Size2d;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * Reads and writes the architecture of a model as JSON: {@code format}, {@code version}, {@code
 * name}, {@code inputShape} without the batch, {@code classNames}, {@code preprocessing} and {@code
 * layers}. Each layer has its class as {@code type} and its options under the names that they have
 * in Java; sizes are [height, width], paddings [top, left, bottom, right].
 */
public final class ModelJson {
  private static final String FORMAT = "gridstride-model";
  private static final int VERSION = 1;
  private static final Pattern JACKSON_HINT =
      Pattern.compile("( \\(index \\d+\\))?; `DeserializationFeature.*| \\((but|for POJO) .*");

  private static final ObjectMapper JSON =
      JsonMapper.builder()
          .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
          .enable(
              DeserializationFeature.FAIL_ON_TRAILING_TOKENS,
              DeserializationFeature.FAIL_ON_MISSING_CREATOR_PROPERTIES,
              DeserializationFeature.FAIL_ON_NULL_CREATOR_PROPERTIES,
              DeserializationFeature.FAIL_ON_NUMBERS_FOR_ENUMS)
          .disable(DeserializationFeature.ACCEPT_FLOAT_AS_INT)
          .disable(MapperFeature.ALLOW_COERCION_OF_SCALARS)
          .disable(SerializationFeature.FAIL_ON_EMPTY_BEANS)
          .enable(SerializationFeature.INDENT_OUTPUT)
          .addMixIn(Layer.class, LayerType.class)
          .addMixIn(Initializer.class, InitializerText.class)
          .addMixIn(Size2d.class, AsList.class)
          .addMixIn(Padding2d.class, AsList.class)
          .build();

  private ModelJson() {}

  private record Document(
      String format,
      int version,
      String name,
      List<Integer> inputShape,
      List<String> classNames,
      Preprocessing preprocessing,
      Sequential layers) {}

  @JsonTypeInfo(use = JsonTypeInfo.Id.NAME, property = "type")
  @JsonSubTypes({
    @JsonSubTypes.Type(value = AvgPool2d.class, name = "AvgPool2d"),
    @JsonSubTypes.Type(value = BatchNorm.class, name = "BatchNorm"),
    @JsonSubTypes.Type(value = Bias.class, name = "Bias"),
    @JsonSubTypes.Type(value = Conv2d.class, name = "Conv2d"),
    @JsonSubTypes.Type(value = Dense.class, name = "Dense"),
    @JsonSubTypes.Type(value = Dropout.class, name = "Dropout"),
    @JsonSubTypes.Type(value = Flatten.class, name = "Flatten"),
    @JsonSubTypes.Type(value = GlobalAvgPool2d.class, name = "GlobalAvgPool2d"),
    @JsonSubTypes.Type(value = MaxPool2d.class, name = "MaxPool2d"),
    @JsonSubTypes.Type(value = Relu.class, name = "Relu"),
    @JsonSubTypes.Type(value = Residual.class, name = "Residual"),
    @JsonSubTypes.Type(value = Sequential.class, name = "Sequential"),
    @JsonSubTypes.Type(value = Softmax.class, name = "Softmax")
  })
  private interface LayerType {}

  @JsonSerialize(using = ToStringSerializer.class)
  @JsonDeserialize(converter = TextToInitializer.class)
  private interface InitializerText {}

  @JsonFormat(shape = JsonFormat.Shape.ARRAY)
  private interface AsList {}

  private static final class TextToInitializer extends StdConverter<String, Initializer> {
    @Override
    public Initializer convert(String text) {
      return Initializers.parse(text);
    }
  }

  /**
   * Writes a file, whole or not at all.
   *
   * @throws FileException if it cannot be written, or the model has layers or initialisers of
   *     classes that are not of this package
   */
  public static void write(Path file, SavedModel saved) {
    Model model = saved.model();
    Document document =
        new Document(
            FORMAT,
            VERSION,
            model.name(),
            Arrays.stream(model.inputShape().dims()).boxed().toList(),
            saved.classNames(),
            saved.preprocessing(),
            model.layers());
    try {
      byte[] text = (JSON.writeValueAsString(document) + "\n").getBytes(StandardCharsets.UTF_8);
      if (!parse(file, text).equals(saved)) {
        throw new FileException("it would not come back the same");
      }
      AtomicFiles.write(file, text);
    } catch (IOException e) {
      throw new FileException(
          "cannot save " + model.name() + " as " + file + ": " + e.getMessage(), e);
    }
  }

  /**
   * Reads a file.
   *
   * @throws FileException if it cannot be read or is not a valid model; the message names the field
   */
  public static SavedModel read(Path file) {
    try {
      return parse(file, Files.readAllBytes(file));
    } catch (IOException e) {
      throw FileException.reading(file, e);
    }
  }

  private static SavedModel parse(Path file, byte[] text) throws IOException {
    try {
      JsonNode root = JSON.readTree(text);
      String format = root.path("format").asText();
      if (!format.equals(FORMAT)) {
        throw broken(file, "format: expected " + FORMAT + ", got " + format, null);
      }
      if (root.path("version").asInt() != VERSION) {
        throw broken(file, "version: expected " + VERSION + ", got " + root.path("version"), null);
      }
      Document document = JSON.treeToValue(root, Document.class);
      int[] dims = document.inputShape.stream().mapToInt(Integer::intValue).toArray();
      Model model = new Model(document.name, Shape.of(dims), document.layers);
      return new SavedModel(model, document.preprocessing, document.classNames);
    } catch (JsonMappingException e) {
      throw broken(file, path(e) + message(e), e);
    } catch (JsonProcessingException e) {
      String place =
          "line " + e.getLocation().getLineNr() + ", column " + e.getLocation().getColumnNr();
      throw broken(file, place + ": " + e.getOriginalMessage(), e);
    } catch (ProgramException e) {
      throw broken(file, e.getMessage(), e);
    }
  }

  private static String path(JsonMappingException e) {
    String path =
        e.getPath().stream()
            .map(r -> r.getFieldName() == null ? "[" + r.getIndex() + "]" : "." + r.getFieldName())
            .collect(Collectors.joining());
    return path.isEmpty() ? "" : path.substring(1) + ": ";
  }

  /** Our own message where there is one, or Jackson's without its hints for programmers. */
  private static String message(JsonMappingException e) {
    return e.getCause() instanceof ProgramException own
        ? own.getMessage()
        : JACKSON_HINT.matcher(e.getOriginalMessage()).replaceAll("");
  }

  private static FileException broken(Path file, String problem, Exception cause) {
    return new FileException(file + " is not a valid model: " + problem, cause);
  }
}
