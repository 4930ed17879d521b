package dev.gridstride.backend.cuda;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** A hash of all that a compiled image depends on. */
final class CacheKey {
  private static final Pattern INCLUDE =
      Pattern.compile("(?m)^[ \\t]*#[ \\t]*include[ \\t]*[\"<]([^\">]+)[\">]");

  private final MessageDigest digest = sha256();
  private final Set<Path> seen = new HashSet<>();

  private CacheKey() {}

  /**
   * The key.
   *
   * @param compiler its version and target
   */
  static String of(KernelSource source, CompileOptions options, String compiler) {
    CacheKey key = new CacheKey();
    key.add("compiler", compiler);
    key.add("checked", Boolean.toString(options.checked()));
    options.defines().forEach((name, value) -> key.add("define " + name, value));
    // The name is in the image: errors are told by file and line.
    key.add("source", source.file() == null ? source.name() : source.file().toString());
    key.add("text", source.text());
    key.add("header", KernelCompiler.header());
    key.addIncludes(source.text(), KernelCompiler.folders(source, options));
    return HexFormat.of().formatHex(key.digest.digest());
  }

  static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }

  private void add(String what, String value) {
    byte[] bytes = value.getBytes(StandardCharsets.UTF_8);
    digest.update((what + " " + bytes.length + "\n").getBytes(StandardCharsets.UTF_8));
    digest.update(bytes);
  }

  /** Headers beside the source and in the folders given; the compiler's own change with it. */
  private void addIncludes(String text, List<Path> folders) {
    Matcher matcher = INCLUDE.matcher(text);
    while (matcher.find()) {
      for (Path folder : folders) {
        Path file = folder.resolve(matcher.group(1)).normalize();
        if (Files.isRegularFile(file) && seen.add(file)) {
          addFile(file, folders);
        }
      }
    }
  }

  private void addFile(Path file, List<Path> folders) {
    try {
      String text = Files.readString(file, StandardCharsets.ISO_8859_1);
      add("include " + file, text);
      List<Path> withOwn = new java.util.ArrayList<>(folders);
      withOwn.add(0, file.getParent());
      addIncludes(text, withOwn);
    } catch (IOException e) {
      // The compiler will say so in its own words, and nothing is kept.
      add("unreadable " + file, e.toString());
    }
  }
}
