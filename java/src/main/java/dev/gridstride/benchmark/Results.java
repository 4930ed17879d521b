package dev.gridstride.benchmark;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.gridstride.backend.Precision;
import dev.gridstride.backend.Rates;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/** A head that says where, when and how, and rows; as text in several forms. */
public final class Results {
  private static final JsonMapper JSON =
      JsonMapper.builder().enable(SerializationFeature.INDENT_OUTPUT).build();

  /** What stands above results of the simulated device. */
  static final String SIMULATED =
      "Simulated device: its times are those of a CPU that plays a card, and no measure of a GPU."
          + " Operations, bytes, bound and errors are as on a card.";

  private final ObjectNode root;

  private Results(ObjectNode root) {
    this.root = root;
  }

  /** With an empty head and no rows. */
  public Results() {
    this(JSON.createObjectNode());
  }

  /** The head, to be added to. */
  public ObjectNode head() {
    return root;
  }

  /** Marks times that say nothing of a card. */
  public void markSimulated() {
    root.put("simulated", true);
    root.put("times", SIMULATED);
  }

  /** What a device does at best. */
  public static ObjectNode rates(Rates rates) {
    ObjectNode node = JSON.createObjectNode();
    if (Double.isFinite(rates.copyBytesPerSecond())) {
      node.put("copy_gb_per_s", rates.copyBytesPerSecond() / 1e9);
    } else {
      node.putNull("copy_gb_per_s");
    }
    node.put("copy_source", rates.copySource());
    ObjectNode peak = node.putObject("peak_gflop_per_s");
    for (Precision precision : Precision.values()) {
      double flops = rates.peakFlops(precision);
      if (Double.isFinite(flops)) {
        peak.put(precision.toString(), flops / 1e9);
      }
    }
    return node.put("peak_source", rates.peakSource());
  }

  /** Adds the units and the rows. */
  public void add(List<Row> rows) {
    ObjectNode units = root.putObject("units");
    Column.ALL.stream()
        .filter(column -> !column.unit().isEmpty())
        .forEach(column -> units.put(column.field(), column.unit()));
    ArrayNode list = root.putArray("rows");
    rows.forEach(row -> list.add(row.json()));
    for (JsonNode row : list) {
      String device = row.path("device").asText();
      boolean played = isSimulated() && device.equals(root.path("device").asText());
      ((ObjectNode) row).put("simulated", played);
    }
  }

  boolean isSimulated() {
    return root.path("simulated").asBoolean();
  }

  /** Whether no op was left out on an interrupt. */
  boolean isComplete() {
    return root.path("complete").asBoolean(true);
  }

  List<JsonNode> rows() {
    List<JsonNode> rows = new ArrayList<>();
    root.path("rows").forEach(rows::add);
    return rows;
  }

  /**
   * Reads what {@link #json} wrote.
   *
   * @throws BenchmarkException if it is none
   */
  public static Results read(Path file) {
    try {
      JsonNode tree = JSON.readTree(Files.readString(file));
      if (!(tree instanceof ObjectNode object) || !tree.path("rows").isArray()) {
        throw new BenchmarkException(
            file + ": expected results of 'gridstride bench --json', with an array 'rows'");
      }
      for (JsonNode row : tree.path("rows")) {
        for (String field : List.of("op", "shape", "precision", "implementation", "status")) {
          if (!row.path(field).isTextual()) {
            throw new BenchmarkException(file + ": a row has no '" + field + "': " + row);
          }
        }
        JsonNode median = row.path("median");
        if (!median.isNumber() && !median.isNull()) {
          throw new BenchmarkException(
              file
                  + ": a row has no 'median'; were these written by another version of Gridstride? "
                  + row);
        }
      }
      return new Results(object);
    } catch (JsonProcessingException e) {
      throw new BenchmarkException(file + ": no JSON: " + e.getOriginalMessage(), e);
    } catch (IOException e) {
      throw new BenchmarkException(file + ": cannot be read: " + e, e);
    }
  }

  /** All of it. */
  public String json() {
    try {
      return JSON.writeValueAsString(root) + "\n";
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("a tree is always JSON", e);
    }
  }

  /** The rows with all columns. */
  public String csv() {
    StringBuilder text = new StringBuilder();
    text.append(Column.ALL.stream().map(Column::field).collect(Collectors.joining(",")));
    for (JsonNode row : rows()) {
      text.append('\n')
          .append(
              Column.ALL.stream()
                  .map(column -> quoted(row.path(column.field())))
                  .collect(Collectors.joining(",")));
    }
    return text.append('\n').toString();
  }

  private static String quoted(JsonNode value) {
    String text = value.isNull() ? "" : value.asText();
    return text.matches("[^\",\r\n]*") ? text : '"' + text.replace("\"", "\"\"") + '"';
  }

  /** The head as a list and the rows as a table. */
  public String markdown() {
    List<Column> columns = Column.ofTables();
    StringBuilder text = new StringBuilder();
    headLines().forEach(line -> text.append("- ").append(line).append('\n'));
    text.append("\n|");
    columns.forEach(column -> text.append(' ').append(column.heading()).append(" |"));
    text.append("\n|");
    columns.forEach(column -> text.append(column.isNumber() ? " ---: |" : " --- |"));
    for (JsonNode row : rows()) {
      text.append("\n|");
      columns.forEach(
          column ->
              text.append(' ')
                  .append(column.cell(row).replace("|", "\\|").replace("\n", " "))
                  .append(" |"));
    }
    return text.append('\n').toString();
  }

  /** The head in lines; {@link #SIMULATED} first where it holds. */
  List<String> headLines() {
    List<String> lines = new ArrayList<>();
    if (isSimulated()) {
      lines.add(SIMULATED);
    }
    for (Map.Entry<String, JsonNode> field : root.properties()) {
      String name = field.getKey();
      JsonNode value = field.getValue();
      if (value.isValueNode() && !name.equals("simulated") && !name.equals("times")) {
        lines.add(name.replace('_', ' ') + ": " + value.asText());
      } else if (name.endsWith("rates")) {
        lines.add(name.replace('_', ' ') + ": " + rates(value));
      }
    }
    return lines;
  }

  private static String rates(JsonNode rates) {
    StringBuilder text = new StringBuilder("copy ");
    JsonNode copy = rates.path("copy_gb_per_s");
    text.append(copy.isNumber() ? Column.significant(copy.asDouble(), 4) + " GB/s" : "not known")
        .append(" (")
        .append(rates.path("copy_source").asText())
        .append("); peak");
    for (Map.Entry<String, JsonNode> peak : rates.path("peak_gflop_per_s").properties()) {
      String flops = Column.significant(peak.getValue().asDouble(), 4);
      text.append(' ').append(peak.getKey()).append(' ').append(flops).append(" GFLOP/s");
    }
    return text.append(" (").append(rates.path("peak_source").asText()).append(')').toString();
  }

  /** A page by itself, with charts. */
  public String html() {
    return HtmlPage.of(this);
  }
}
