package dev.gridstride.benchmark;

import dev.gridstride.backend.Precision;
import dev.gridstride.program.ProgramException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Reads what is to be measured: lines of an op, or several with commas between them, and what is
 * said of it.
 *
 * <pre>
 * # a comment
 * defaults n=64,256 precision=float32,tf32          # of the lines below, where they say nothing else
 * conv2d,conv2d_backward_data ic=3 oc=32 image=32 kernel=3 padding=1 bias relu
 * matmul m=1024 n=1024 k=512,1024 tb=no,yes
 * include reference                                 # another suite: a name, or a file beside this
 * </pre>
 *
 * <p>Lists with commas stand for each of their values, several lists for all combinations. A key
 * that not every op of a line has is said of those that have it.
 */
final class SuiteParser {
  private static final String PRECISION = "precision";
  private static final String INCLUDE = "include";
  private static final String DEFAULTS = "defaults";

  private final List<Precision> precisions;
  private final Map<String, List<String>> overrides;
  private final Map<String, Request> requests = new LinkedHashMap<>();

  /**
   * With nothing read yet.
   *
   * @param precisions of products where nothing is said
   * @param overrides values that take the place of a suite's, by key
   */
  SuiteParser(List<Precision> precisions, Map<String, List<String>> overrides) {
    this.precisions = precisions;
    this.overrides = overrides;
  }

  /** What was read, each once, in the order in which it stands. */
  List<Request> requests() {
    return List.copyOf(requests.values());
  }

  /** Adds a suite. */
  void read(SuiteText suite) {
    read(suite, List.of(suite));
  }

  /**
   * Adds a suite.
   *
   * @param within those that led to it by including one the next, itself the last
   */
  private void read(SuiteText suite, List<SuiteText> within) {
    Map<String, List<String>> defaults = new LinkedHashMap<>();
    List<String> lines = suite.text().lines().toList();
    for (int i = 0; i < lines.size(); i++) {
      List<String> words = words(lines.get(i));
      if (!words.isEmpty()) {
        String origin = suite.name() + ":" + (i + 1);
        List<String> rest = words.subList(1, words.size());
        List<SuiteText> included = List.of();
        try {
          switch (words.get(0)) {
            case INCLUDE -> included = include(rest, within);
            case DEFAULTS ->
                said(rest, Kinds.all()).forEach((key, values) -> put(defaults, key, values));
            default -> add(kinds(words.get(0)), rest, defaults, origin);
          }
        } catch (BenchmarkException | ProgramException e) {
          throw new BenchmarkException(origin + ": " + e.getMessage(), e);
        }
        if (!included.isEmpty()) { // Mistakes in it have its own name and line.
          read(included.get(included.size() - 1), included);
        }
      }
    }
  }

  /** The suites within which the one named here is read, itself the last. */
  private static List<SuiteText> include(List<String> names, List<SuiteText> within) {
    if (names.size() != 1) {
      throw new BenchmarkException("expected 'include NAME', got " + (names.size() + 1) + " words");
    }
    SuiteText suite = within.get(within.size() - 1).include(names.get(0));
    List<SuiteText> path = new ArrayList<>(within);
    path.add(suite);
    if (within.stream().anyMatch(outer -> outer.place().equals(suite.place()))) {
      throw new BenchmarkException(
          "includes itself: "
              + path.stream().map(SuiteText::name).collect(Collectors.joining(" includes ")));
    }
    return path;
  }

  private static List<String> words(String line) {
    int comment = line.indexOf('#');
    String text = (comment < 0 ? line : line.substring(0, comment)).strip();
    return text.isEmpty() ? List.of() : List.of(text.split("\\s+"));
  }

  /**
   * Adds the ops of a command line: each followed by what is said of it.
   *
   * @param words beginning with an op
   */
  void readWords(List<String> words) {
    int start = 0;
    for (int i = 1; i <= words.size(); i++) {
      if (i == words.size() || begins(words.get(i), words.get(start))) {
        List<String> line = words.subList(start, i);
        try {
          add(kinds(line.get(0)), line.subList(1, line.size()), Map.of(), "command line");
        } catch (BenchmarkException | ProgramException e) {
          throw new BenchmarkException(String.join(" ", line) + ": " + e.getMessage(), e);
        }
        start = i;
      }
    }
  }

  /** Whether a word names the next ops; {@code relu} behind a convolution is said of that. */
  private static boolean begins(String word, String ops) {
    return isOps(word) && kinds(ops).stream().allMatch(kind -> kind.key(word) == null);
  }

  /** Whether a word names ops rather than says something of one. */
  static boolean isOps(String word) {
    String first = word.split(",", 2)[0];
    return Kinds.all().stream().anyMatch(kind -> kind.op().equals(first));
  }

  private static List<Kind> kinds(String word) {
    if (word.contains("=")) {
      throw new BenchmarkException("expected an op, then what is said of it; got '" + word + "'");
    }
    return Arrays.stream(word.split(",", -1)).map(Kinds::of).distinct().toList();
  }

  /**
   * Values by key.
   *
   * @param kinds one of which must have each key
   */
  static Map<String, List<String>> said(List<String> words, List<Kind> kinds) {
    Map<String, List<String>> said = new LinkedHashMap<>();
    for (String word : words) {
      int sign = word.indexOf('=');
      String name = sign < 0 ? word : word.substring(0, sign);
      Key key = key(name, kinds);
      boolean flag = sign < 0 && key != null && key.form() == Key.Form.FLAG;
      if (sign < 0 && !flag) {
        throw new BenchmarkException(
            "expected KEY=VALUE without blanks, got '" + word + "'" + known(kinds));
      }
      List<String> values =
          flag ? List.of("yes") : List.of(word.substring(sign + 1).split(",", -1));
      if (values.contains("")) {
        throw new BenchmarkException(
            "'"
                + word
                + "': a value is missing; expected "
                + name
                + "=VALUE or a list with commas");
      }
      boolean precision = name.equals(PRECISION) && kinds.stream().anyMatch(Kind::multiplies);
      if (key == null && !precision) {
        throw new BenchmarkException("unknown key '" + name + "'" + known(kinds));
      }
      if (said.put(name, values) != null) {
        throw new BenchmarkException("'" + name + "' is said twice; use a list with commas");
      }
    }
    return said;
  }

  private static Key key(String name, List<Kind> kinds) {
    return kinds.stream()
        .map(kind -> kind.key(name))
        .filter(key -> key != null)
        .findFirst()
        .orElse(null);
  }

  private static String known(List<Kind> kinds) {
    Stream<String> keys =
        kinds.stream()
            .flatMap(kind -> kind.keys().stream())
            .flatMap(key -> Stream.concat(Stream.of(key.name()), key.parts().stream()));
    Stream<String> precision =
        kinds.stream().filter(Kind::multiplies).map(kind -> PRECISION).limit(1);
    String names = Stream.concat(keys, precision).distinct().collect(Collectors.joining(", "));
    return kinds.size() == Kinds.all().size() ? "" : "; known: " + names;
  }

  /** Says something anew: a size takes the place of its parts too. */
  private static void put(Map<String, List<String>> said, String name, List<String> values) {
    Key key = key(name, Kinds.all());
    if (key != null && key.name().equals(name)) {
      key.parts().forEach(said::remove);
    }
    said.put(name, values);
  }

  private void add(
      List<Kind> kinds, List<String> words, Map<String, List<String>> defaults, String origin) {
    Map<String, List<String>> said = said(words, kinds);
    for (Kind kind : kinds) {
      Map<String, List<String>> all = new LinkedHashMap<>();
      Stream.of(defaults, said, overrides)
          .forEach(
              layer ->
                  layer.forEach(
                      (name, values) -> {
                        if (kind.key(name) != null) {
                          put(all, name, values);
                        }
                      }));
      for (Map<String, String> one : product(all)) {
        Sizes sizes = Sizes.of(kind.keys(), one);
        for (Precision precision : precisions(kind, defaults, said)) {
          Request request = new Request(kind, sizes, precision, origin);
          Problem.check(request);
          requests.putIfAbsent(request.toString(), request);
        }
      }
    }
  }

  private List<Precision> precisions(
      Kind kind, Map<String, List<String>> defaults, Map<String, List<String>> said) {
    if (!kind.multiplies()) {
      return List.of(Precision.FLOAT32);
    }
    List<String> names =
        overrides.getOrDefault(
            PRECISION, said.getOrDefault(PRECISION, defaults.getOrDefault(PRECISION, List.of())));
    return names.isEmpty()
        ? precisions
        : names.stream().map(SuiteParser::precision).distinct().toList();
  }

  static Precision precision(String name) {
    return Stream.of(Precision.values())
        .filter(precision -> precision.toString().equals(name))
        .findFirst()
        .orElseThrow(
            () -> new BenchmarkException("precision=" + name + ": expected float32, tf32 or bf16"));
  }

  /** All combinations, the last key changing fastest. */
  private static List<Map<String, String>> product(Map<String, List<String>> lists) {
    List<Map<String, String>> all = new ArrayList<>();
    all.add(new LinkedHashMap<>());
    lists.forEach(
        (key, values) -> {
          List<Map<String, String>> longer = new ArrayList<>();
          for (Map<String, String> one : all) {
            for (String value : values) {
              Map<String, String> more = new LinkedHashMap<>(one);
              more.put(key, value);
              longer.add(more);
            }
          }
          all.clear();
          all.addAll(longer);
        });
    return all;
  }
}
