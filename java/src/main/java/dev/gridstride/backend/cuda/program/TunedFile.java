package dev.gridstride.backend.cuda.program;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.gridstride.backend.BackendException;
import dev.gridstride.files.AtomicFiles;
import dev.gridstride.files.FileException;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Collectors;

/**
 * Measured times of the implementations of nodes on one device with one set of versions, as JSON
 * for people and programs. Processes that measure at once lose nothing: each takes a lock, reads
 * what is there, adds what is its own, and replaces the file in one rename. What is there first
 * stays, so that all go by the same times.
 */
final class TunedFile {
  private static final int FORMAT = 1;

  private static final JsonMapper JSON =
      JsonMapper.builder()
          .propertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE)
          .enable(SerializationFeature.INDENT_OUTPUT)
          .enable(DeserializationFeature.FAIL_ON_NULL_FOR_PRIMITIVES)
          .enable(DeserializationFeature.FAIL_ON_MISSING_CREATOR_PROPERTIES)
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .build();

  /** The lock of a file does not hold between threads of one process. */
  private static final Object THREADS = new Object();

  /**
   * What times are of: with any other they may differ.
   *
   * @param device its name
   * @param driver kind and version
   * @param gridstride our version
   * @param cublas version, or {@code none}
   * @param cudnn version, or {@code none}
   */
  record Origin(
      String device,
      String computeCapability,
      int multiprocessors,
      String driver,
      String gridstride,
      String cublas,
      String cudnn) {
    Origin {
      requireAll(device, computeCapability, driver, gridstride, cublas, cudnn);
    }

    /** What another has otherwise: {@code cudnn: 9.1.0, here 9.5.1}. */
    String differences(Origin other) {
      Map<String, String> here = parts();
      return other.parts().entrySet().stream()
          .filter(part -> !part.getValue().equals(here.get(part.getKey())))
          .map(part -> part.getKey() + ": " + part.getValue() + ", here " + here.get(part.getKey()))
          .collect(Collectors.joining("; "));
    }

    private Map<String, String> parts() {
      Map<String, String> parts = new LinkedHashMap<>();
      parts.put("device", device);
      parts.put("compute capability", computeCapability);
      parts.put("multiprocessors", Integer.toString(multiprocessors));
      parts.put("driver", driver);
      parts.put("gridstride", gridstride);
      parts.put("cublas", cublas);
      parts.put("cudnn", cudnn);
      return parts;
    }

    /** A name that says most of it. */
    String fileName() {
      String text =
          String.join(
              "_",
              device,
              "sm" + computeCapability.replace(".", ""),
              driver,
              "gridstride-" + gridstride,
              "cublas-" + cublas,
              "cudnn-" + cudnn);
      return text.toLowerCase(Locale.ROOT).replaceAll("[^a-z0-9._-]+", "-") + ".json";
    }
  }

  /**
   * Times of single runs in microseconds.
   *
   * @param stop why sampling ended
   */
  record Times(double medianUs, double p20Us, double p80Us, int samples, String stop) {
    Times {
      requireAll(stop);
    }
  }

  /**
   * What was found of one candidate; times and error are null where it was not timed.
   *
   * @param detail launches, calls and algorithms, or why it was not timed
   * @param maxError largest difference from own's result
   * @param errorBound largest difference that rounding explains
   */
  record Measured(
      String implementation,
      String detail,
      long workspaceBytes,
      Times cold,
      Times warm,
      Double maxError,
      Double errorBound) {
    Measured {
      requireAll(implementation, detail);
    }

    static Measured refused(String implementation, String why) {
      return new Measured(implementation, why, 0, null, null, null, null);
    }
  }

  /**
   * The candidates of a node.
   *
   * @param winner its implementation from now on
   * @param why it is the winner
   * @param measured when, as ISO 8601
   */
  record Entry(
      NodeKey node, String winner, String why, String measured, List<Measured> candidates) {
    Entry {
      requireAll(node, winner, why, measured, candidates);
      candidates = List.copyOf(candidates);
    }
  }

  private record Content(int format, Origin origin, String note, List<Entry> results) {
    Content {
      requireAll(origin, note, results);
    }
  }

  /** What is missing in a file is found when it is read. */
  private static void requireAll(Object... parts) {
    for (Object part : parts) {
      Objects.requireNonNull(part, "a value is null that may not be");
    }
  }

  private final Path path;
  private final Origin origin;
  private final String note;
  private Map<NodeKey, Entry> entries = new LinkedHashMap<>();

  /**
   * Reads what is there.
   *
   * @param note what a reader must know about the times, or empty
   * @throws BackendException if there is a file that is damaged or not of this origin
   */
  TunedFile(Path folder, Origin origin, String note) {
    path = folder.resolve(origin.fileName());
    this.origin = origin;
    this.note = note;
    entries = read();
  }

  Path path() {
    return path;
  }

  /** What is known of a node, or null. */
  Entry find(NodeKey node) {
    return entries.get(node);
  }

  int size() {
    return entries.size();
  }

  /**
   * Adds what was measured, unless another process has come first.
   *
   * @return what is in the file now
   * @throws BackendException as when it was read
   * @throws FileException if it cannot be written; the result is kept for this process
   */
  Entry add(Entry entry) {
    entries.putIfAbsent(entry.node(), entry);
    try {
      Files.createDirectories(path.getParent());
      synchronized (THREADS) {
        try (FileChannel channel =
            FileChannel.open(
                path.resolveSibling(path.getFileName() + ".lock"),
                StandardOpenOption.CREATE,
                StandardOpenOption.WRITE)) {
          FileLock lock = channel.lock();
          try {
            merge();
            write();
          } finally {
            lock.release();
          }
        }
      }
    } catch (IOException e) {
      throw FileException.writing(path, e);
    }
    return entries.get(entry.node());
  }

  private void merge() {
    Map<NodeKey, Entry> merged = read();
    entries.forEach(merged::putIfAbsent);
    entries = merged;
  }

  private void write() throws JsonProcessingException {
    Content content = new Content(FORMAT, origin, note, new ArrayList<>(entries.values()));
    AtomicFiles.write(path, JSON.writeValueAsBytes(content));
  }

  private Map<NodeKey, Entry> read() {
    Content content;
    try {
      content = JSON.readValue(Files.readAllBytes(path), Content.class);
    } catch (NoSuchFileException e) {
      return new LinkedHashMap<>();
    } catch (JsonProcessingException e) {
      String place = e.getLocation() == null ? "" : " in line " + e.getLocation().getLineNr();
      throw unusable("is damaged" + place + ": " + e.getOriginalMessage(), e);
    } catch (IOException e) {
      throw unusable("cannot be read: " + FileException.reading(path, e).getMessage(), e);
    }
    if (content.format() != FORMAT) {
      throw unusable("has format " + content.format() + ", expected " + FORMAT, null);
    }
    if (!content.origin().equals(origin)) {
      throw unusable("is of another origin: " + origin.differences(content.origin()), null);
    }
    Map<NodeKey, Entry> found = new LinkedHashMap<>();
    for (Entry entry : content.results()) {
      check(entry);
      found.put(entry.node(), entry);
    }
    return found;
  }

  private void check(Entry entry) {
    boolean timed =
        entry.candidates().stream()
            .anyMatch(one -> one.implementation().equals(entry.winner()) && one.warm() != null);
    if (!timed) {
      throw unusable(
          "names as the winner of "
              + entry.node()
              + " "
              + entry.winner()
              + ", which is not among the candidates that were timed",
          null);
    }
  }

  private BackendException unusable(String problem, Exception cause) {
    return new BackendException(
        "the file of measured times "
            + path
            + " "
            + problem
            + "; mend it, or move it away and measure again with --impl tune; own kernels (--impl"
            + " own) need none",
        cause);
  }
}
