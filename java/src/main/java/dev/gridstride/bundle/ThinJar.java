package dev.gridstride.bundle;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.zip.ZipEntry;
import org.apache.commons.compress.archivers.zip.ZipArchiveEntry;
import org.apache.commons.compress.archivers.zip.ZipArchiveOutputStream;
import org.apache.commons.compress.archivers.zip.ZipFile;

/**
 * Copies a jar without what a Linux x86-64 machine with no compiler has no use for: natives of
 * other systems, headers, files of build tools. Small entries are not compressed, since the archive
 * does that better over all of them together; large ones stay as they are, which saves the time.
 * Folders stay as entries: what lists packaged files asks for them.
 */
final class ThinJar {
  private static final long LARGE = 1 << 20;

  /** In any jar. */
  private static final Pattern UNUSED =
      Pattern.compile(
          "META-INF/(native-image|versions/\\d+/module-info|[^/]+\\.(SF|RSA|DSA)).*"
              + "|META-INF/maven/.*(?<!/pom\\.properties)|module-info\\.class");

  /** By the beginning of a jar's name: what else is left out. */
  private static final Map<String, Pattern> UNUSED_IN =
      Map.of(
          "commons-codec-", Pattern.compile(".*"),
          "commons-compress-",
              Pattern.compile(
                  "org/apache/commons/compress/(harmony|changes|compressors/(pack200|[a-z]*snappy|lz4|brotli))/.*"),
          "dnnl-", Pattern.compile("org/bytedeco/dnnl/linux-x86_64/(include|lib)/.*"),
          // Cards of 8.6 and 8.9 run what was compiled for 8.0.
          "gridstride-kernels-", Pattern.compile(".*\\.sm_8[69]\\.cubin"),
          "gridstride-native-",
              Pattern.compile(".*/(simcc|include/.*|kernels/[^/]+\\.checked\\.so)"),
          "jcublas-natives-", Pattern.compile("lib/(?!libJCublas2-).*"),
          "jcuda-natives-", Pattern.compile("lib/(?!libJCudaDriver-).*"),
          "jline-native-", Pattern.compile("org/jline/nativ/(?!Linux/x86_64/)[^/]+/.*"),
          "jna-", Pattern.compile("com/sun/jna/(?!linux-x86-64/)[a-z0-9]+-[^/]+/.*"),
          "opencl-", Pattern.compile("org/bytedeco/opencl/linux-x86_64/include/.*"));

  private ThinJar() {}

  /** The ELF files that it keeps are read and handed to {@code natives} as name and content. */
  static void copy(Path jar, Path target, List<Native> natives) throws IOException {
    String jarName = jar.getFileName().toString();
    Pattern more =
        UNUSED_IN.entrySet().stream()
            .filter(entry -> jarName.startsWith(entry.getKey()))
            .map(Map.Entry::getValue)
            .findFirst()
            .orElse(null);
    try (ZipFile in = ZipFile.builder().setPath(jar).get();
        ZipArchiveOutputStream out = new ZipArchiveOutputStream(target)) {
      List<ZipArchiveEntry> entries = new ArrayList<>(Collections.list(in.getEntries()));
      // The manifest comes first in a jar.
      entries.sort(
          Comparator.comparing((ZipArchiveEntry e) -> !e.getName().equals("META-INF/MANIFEST.MF"))
              .thenComparing(ZipEntry::getName));
      for (ZipArchiveEntry entry : entries) {
        String name = entry.getName();
        if (UNUSED.matcher(name).matches() || (more != null && more.matcher(name).matches())) {
          continue;
        }
        copy(in, entry, out, jarName, natives);
      }
    }
  }

  private static void copy(
      ZipFile in,
      ZipArchiveEntry entry,
      ZipArchiveOutputStream out,
      String jarName,
      List<Native> natives)
      throws IOException {
    byte[] bytes;
    try (InputStream content = in.getInputStream(entry)) {
      bytes = content.readAllBytes();
    }
    if (Elf.is(bytes)) {
      natives.add(new Native(jarName + "!/" + entry.getName(), Elf.of(bytes)));
    }
    if (entry.getSize() > LARGE && entry.getMethod() == ZipEntry.DEFLATED) {
      out.addRawArchiveEntry(entry, in.getRawInputStream(entry));
      return;
    }
    ZipArchiveEntry stored = new ZipArchiveEntry(entry.getName());
    stored.setMethod(ZipEntry.STORED);
    stored.setTime(entry.getTime());
    stored.setSize(bytes.length);
    stored.setCrc(entry.isDirectory() ? 0 : entry.getCrc());
    out.putArchiveEntry(stored);
    out.write(bytes);
    out.closeArchiveEntry();
  }
}
