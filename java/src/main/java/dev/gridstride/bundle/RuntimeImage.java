package dev.gridstride.bundle;

import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * A Java runtime of only what Gridstride needs, made by jlink: some modules, and of the largest
 * only the parts in use. {@code java.desktop} is there for its image decoders; windows, fonts,
 * sound and printing are left out, and of {@code java.xml} its parsers.
 */
final class RuntimeImage {
  static final List<String> MODULES =
      List.of(
          "java.base",
          "java.desktop",
          "java.logging",
          "java.net.http",
          "jdk.crypto.ec",
          "jdk.jfr",
          "jdk.unsupported");

  /** Folders of packages that are left out, by module. */
  private static final Map<String, List<String>> UNUSED =
      Map.of(
          "java.desktop",
          List.of(
              "com/sun/java/swing",
              "com/sun/media",
              "javax/print",
              "javax/sound",
              "javax/swing",
              "sun/awt/X11",
              "sun/font",
              "sun/java2d/marlin",
              "sun/java2d/opengl",
              "sun/java2d/x11",
              "sun/java2d/xr",
              "sun/print",
              "sun/swing"),
          "java.xml",
          List.of("com/sun/org/apache", "jdk/xml"));

  private static final List<String> UNUSED_FILES =
      Stream.of(
              "awt_xawt", "fontmanager", "freetype", "jawt", "jsound", "mlib_image", "splashscreen")
          .map(name -> "/java.desktop/lib/lib" + name + ".so")
          .toList();

  private static final int MOST_WORDS = 400;

  private RuntimeImage() {}

  /** Makes the new folder {@code target}. */
  static void make(Jdk jdk, Path target) throws IOException, InterruptedException {
    List<String> command = new ArrayList<>();
    command.add(jdk.home().resolve("bin/jlink").toString());
    command.addAll(List.of("--add-modules", String.join(",", MODULES), "--vm", "server"));
    command.addAll(List.of("--strip-debug", "--no-header-files", "--no-man-pages"));
    // Not compressed here: the archive does that better, over all classes together.
    command.addAll(List.of("--compress", jdk.major() < 21 ? "0" : "zip-0"));
    command.addAll(List.of("--exclude-files", String.join(",", UNUSED_FILES)));
    command.addAll(List.of("--exclude-resources", String.join(",", unused(jdk))));
    command.addAll(List.of("--output", target.toString()));
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    if (process.waitFor() != 0) {
      throw new BundleException("jlink of " + jdk.home() + " failed: " + words(output));
    }
  }

  private static String words(String output) {
    String words = output.lines().limit(3).collect(Collectors.joining("; "));
    return words.length() > MOST_WORDS ? words.substring(0, MOST_WORDS) + " ..." : words;
  }

  /**
   * Patterns of the classes left out. Packages have to stay, as their modules name them, so the
   * smallest class of each does, or a file where a package has none.
   */
  private static List<String> unused(Jdk jdk) throws IOException {
    List<String> patterns = new ArrayList<>();
    try (FileSystem image =
        FileSystems.newFileSystem(
            URI.create("jrt:/"), Map.of("java.home", jdk.home().toString()))) {
      for (Map.Entry<String, List<String>> entry : UNUSED.entrySet()) {
        Path module = image.getPath("/modules", entry.getKey());
        String folders =
            entry.getValue().stream().map(Pattern::quote).collect(Collectors.joining("|"));
        String stay =
            smallest(module, entry.getValue()).stream()
                .map(Pattern::quote)
                .collect(Collectors.joining("|"));
        patterns.add("regex:/" + entry.getKey() + "/(?!(?:" + stay + ")$)(?:" + folders + ")/.*");
      }
    }
    return patterns;
  }

  /** The smallest file of each folder, a class where there is one, as a path in the module. */
  private static List<String> smallest(Path module, List<String> folders) throws IOException {
    Map<Path, Path> smallest = new HashMap<>();
    for (String folder : folders) {
      if (!Files.isDirectory(module.resolve(folder))) {
        continue;
      }
      try (Stream<Path> files = Files.walk(module.resolve(folder))) {
        for (Path file : (Iterable<Path>) files.filter(Files::isRegularFile)::iterator) {
          Path best = smallest.get(file.getParent());
          if (best == null || weight(file) < weight(best)) {
            smallest.put(file.getParent(), file);
          }
        }
      }
    }
    return smallest.values().stream()
        .map(file -> module.relativize(file).toString())
        .sorted()
        .toList();
  }

  private static long weight(Path file) throws IOException {
    return file.toString().endsWith(".class") ? Files.size(file) : Integer.MAX_VALUE;
  }
}
