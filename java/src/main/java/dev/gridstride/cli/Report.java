package dev.gridstride.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.gridstride.backend.ImplementationChoice;
import dev.gridstride.backend.ImplementationUse;
import dev.gridstride.backend.Session;
import dev.gridstride.conformance.Comparison;
import dev.gridstride.conformance.Suite;
import dev.gridstride.files.AtomicFiles;
import dev.gridstride.metrics.ConfusionMatrix;
import dev.gridstride.train.Evaluation;
import dev.gridstride.train.History;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** The JSON that {@code --json} asks for. Numbers that are not finite are null. */
final class Report {
  private static final JsonMapper JSON =
      JsonMapper.builder().enable(SerializationFeature.INDENT_OUTPUT).build();

  private final ObjectNode root = JSON.createObjectNode();

  Report() {
    root.put("gridstride", Version.gridstride());
    root.put("java", Version.java());
  }

  /** For what this class has no word for. */
  ObjectNode root() {
    return root;
  }

  Report put(String name, String value) {
    root.put(name, value);
    return this;
  }

  Report put(String name, long value) {
    root.put(name, value);
    return this;
  }

  Report put(String name, boolean value) {
    root.put(name, value);
    return this;
  }

  Report put(String name, double value) {
    number(root, name, value);
    return this;
  }

  Report epochs(List<History.Epoch> epochs) {
    ArrayNode list = root.putArray("epochs");
    for (History.Epoch epoch : epochs) {
      ObjectNode node = list.addObject();
      node.put("epoch", epoch.epoch());
      number(node, "seconds", epoch.seconds());
      number(node, "images_per_second", epoch.imagesPerSecond());
      number(node, "loss", epoch.loss());
      number(node, "accuracy", epoch.accuracy());
      number(node, "val_loss", epoch.valLoss());
      number(node, "val_accuracy", epoch.valAccuracy());
      number(node, "learning_rate", epoch.learningRate());
    }
    return this;
  }

  /** The results on the test set; null if it was not evaluated. */
  Report test(Evaluation test, List<String> classNames) {
    if (test == null) {
      root.putNull("test");
      return this;
    }
    ObjectNode node = root.putObject("test");
    node.put("samples", test.samples());
    number(node, "loss", test.loss());
    number(node, "accuracy", test.accuracy());
    number(node, "top" + test.topK() + "_accuracy", test.topAccuracy());
    ConfusionMatrix matrix = test.confusion();
    number(node, "macro_precision", matrix.macroPrecision());
    number(node, "macro_recall", matrix.macroRecall());
    number(node, "macro_f1", matrix.macroF1());
    ArrayNode classes = node.putArray("per_class");
    for (int c = 0; c < matrix.classes(); c++) {
      ObjectNode entry = classes.addObject();
      entry.put("class", classNames.get(c));
      number(entry, "precision", matrix.precision(c));
      number(entry, "recall", matrix.recall(c));
      number(entry, "f1", matrix.f1(c));
      entry.put("support", matrix.support(c));
    }
    ArrayNode rows = node.putArray("confusion_matrix");
    for (long[] counts : matrix.counts()) {
      ArrayNode row = rows.addArray();
      Arrays.stream(counts).forEach(row::add);
    }
    return this;
  }

  /** What is known of the device; the images of its kernels are an object of their own. */
  Report facts(Map<String, String> facts) {
    facts.forEach(
        (name, value) -> {
          if (name.startsWith(Session.IMAGE)) {
            root.withObject("/images").put(name.substring(Session.IMAGE.length()), value);
          } else {
            root.put(name, value);
          }
        });
    return this;
  }

  /** What was asked for, and who computes; nothing for a device without a choice. */
  Report implementations(ImplementationChoice asked, ImplementationUse use) {
    if (use.nodes().isEmpty()) {
      return this;
    }
    ObjectNode node = root.putObject("implementations");
    node.put("asked", asked.toString());
    use.nodes().forEach(node.putObject("nodes")::put);
    use.libraries().forEach(node.putObject("libraries")::put);
    use.byNode().forEach(node.putObject("by_node")::put);
    node.put("tuning", use.tuning());
    return this;
  }

  /** Counts and details of a selftest. */
  Report checks(List<Suite.Outcome> outcomes) {
    for (Suite.Verdict verdict : Suite.Verdict.values()) {
      root.put(word(verdict), outcomes.stream().filter(o -> o.verdict() == verdict).count());
    }
    ArrayNode list = root.putArray("cases");
    for (Suite.Outcome outcome : outcomes) {
      ObjectNode node = list.addObject();
      node.put("name", outcome.name());
      node.put("kind", outcome.kind());
      node.put("verdict", word(outcome.verdict()));
      node.put("seconds", outcome.seconds());
      Comparison.Difference worst = outcome.worst();
      if (worst != null) {
        node.put("value", worst.name());
        number(node, "max_error", worst.error());
        number(node, "bound", worst.bound());
        ArrayNode index = node.putArray("index");
        worst.index().forEach(index::add);
        number(node, "expected", worst.expected());
        number(node, "got", worst.got());
      }
      if (!outcome.problem().isEmpty()) {
        node.put("reason", outcome.reason());
        node.put("seed", outcome.seed());
        node.put("problem", outcome.problem());
      }
    }
    return this;
  }

  private static String word(Suite.Verdict verdict) {
    return verdict.name().toLowerCase(Locale.ROOT);
  }

  /** The top classes of an image. */
  Report prediction(Path image, List<String> classNames, List<Double> probabilities) {
    ObjectNode node = root.withArray("predictions").addObject();
    node.put("image", image.toString());
    ArrayNode top = node.putArray("top");
    for (int i = 0; i < classNames.size(); i++) {
      ObjectNode entry = top.addObject();
      entry.put("class", classNames.get(i));
      number(entry, "probability", probabilities.get(i));
    }
    return this;
  }

  /** Null if it is not finite. */
  static void number(ObjectNode node, String name, double value) {
    if (Double.isFinite(value)) {
      node.put(name, value);
    } else {
      node.putNull(name);
    }
  }

  /** Writes the file; null for none. */
  void write(Path file) {
    if (file == null) {
      return;
    }
    try {
      String text = JSON.writeValueAsString(root) + "\n";
      AtomicFiles.write(file, text.getBytes(StandardCharsets.UTF_8));
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("a tree is always JSON", e);
    }
  }
}
