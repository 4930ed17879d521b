package dev.gridstride.benchmark;

import dev.gridstride.backend.Precision;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/** Finds suites: the packaged ones by name, others by their path. */
public final class Suites {
  /** The packaged suites. */
  public static final List<String> NAMES =
      List.of("smoke", "reference", "resnet50", "deepbench", "large");

  private static final String FOLDER = "/dev/gridstride/suites/";
  private static final String ENDING = ".txt";

  private Suites() {}

  /**
   * What a suite asks for.
   *
   * @param suite a packaged suite's name or a file's path
   * @param precisions of products where the suite says nothing
   * @param overrides {@code KEY=VALUES} that take the place of what it says
   * @throws BenchmarkException if it cannot be found or has a mistake; the message names file and
   *     line
   */
  public static List<Request> read(
      String suite, List<Precision> precisions, List<String> overrides) {
    Map<String, List<String>> said = SuiteParser.said(overrides, Kinds.all());
    SuiteParser parser = new SuiteParser(precisions, said);
    parser.read(find(suite, Path.of("")));
    List<Request> requests = parser.requests();
    if (requests.isEmpty()) {
      throw new BenchmarkException(
          "suite " + suite + ": asks for nothing; a line is an op and its sizes");
    }
    for (String key : said.keySet()) {
      if (!key.equals("precision")
          && requests.stream().allMatch(request -> request.kind().key(key) == null)) {
        throw new BenchmarkException(key + ": no op of suite " + suite + " has this key");
      }
    }
    return requests;
  }

  /**
   * What a command line asks for: ops, each followed by what is said of it.
   *
   * @throws BenchmarkException if it has a mistake
   */
  public static List<Request> ofWords(List<String> words, List<Precision> precisions) {
    SuiteParser parser = new SuiteParser(precisions, Map.of());
    parser.readWords(words);
    return parser.requests();
  }

  /** Whether a word of a command line names ops rather than says something of one. */
  public static boolean isOps(String word) {
    return SuiteParser.isOps(word);
  }

  /** The first line of a packaged suite without its sign: what it is. */
  public static String describe(String name) {
    return packaged(name).text().lines().findFirst().orElse("").replaceFirst("^#\\s*", "");
  }

  private static SuiteText find(String name, Path folder) {
    if (NAMES.contains(name)) {
      return packaged(name);
    }
    Path file = folder.resolve(name);
    if (!Files.isRegularFile(file)) {
      throw new BenchmarkException(
          "no suite "
              + name
              + ": there is no such file ("
              + file.toAbsolutePath()
              + "), and packaged are "
              + String.join(", ", NAMES));
    }
    try {
      String text = Files.readString(file);
      Path beside = file.toAbsolutePath().getParent();
      return new SuiteText(name, file.toRealPath().toString(), text, other -> find(other, beside));
    } catch (IOException e) {
      throw new BenchmarkException("suite " + file + ": cannot be read as text: " + e, e);
    }
  }

  private static SuiteText packaged(String name) {
    String file = FOLDER + name + ENDING;
    try (InputStream in = Suites.class.getResourceAsStream(file)) {
      if (in == null) {
        throw new BenchmarkException("suite " + name + " is not packaged (" + file + ")");
      }
      String text = new String(in.readAllBytes(), StandardCharsets.UTF_8);
      return new SuiteText(name + ENDING, file, text, other -> find(other, Path.of("")));
    } catch (IOException e) {
      throw new BenchmarkException("suite " + name + ": " + e, e);
    }
  }
}
