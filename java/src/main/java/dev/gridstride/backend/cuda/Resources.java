package dev.gridstride.backend.cuda;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.JarURLConnection;
import java.net.URISyntaxException;
import java.net.URL;
import java.net.URLConnection;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/** Files packaged in the jars of kernels and native code. */
final class Resources {
  private static final String ROOT = "/dev/gridstride/";

  /** Sources, headers and cubins. */
  static final String KERNELS = ROOT + "kernels/";

  /** The simulated device, its compiler, its headers and the host images. */
  static final String NATIVE = ROOT + "native/" + platform() + "/";

  private Resources() {}

  static String platform() {
    String os = System.getProperty("os.name").toLowerCase(java.util.Locale.ROOT);
    String arch = System.getProperty("os.arch");
    return (os.startsWith("linux") ? "linux" : os.replace(" ", ""))
        + "-"
        + (arch.equals("amd64") ? "x86_64" : arch);
  }

  static boolean exists(String name) {
    return Resources.class.getResource(name) != null;
  }

  /** Content of a packaged file, or null if there is none of this name. */
  static byte[] bytes(String name) {
    try (InputStream in = Resources.class.getResourceAsStream(name)) {
      return in == null ? null : in.readAllBytes();
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read packaged file " + name, e);
    }
  }

  /** As {@link #bytes}, as text. */
  static String text(String name) {
    byte[] bytes = bytes(name);
    return bytes == null ? null : new String(bytes, StandardCharsets.UTF_8);
  }

  /** Names of the files directly in a packaged folder, sorted; empty if there is no such folder. */
  static List<String> list(String folder) {
    URL url = Resources.class.getResource(folder);
    if (url == null) {
      return List.of();
    }
    List<String> names = new ArrayList<>();
    try {
      URLConnection connection = url.openConnection();
      if (connection instanceof JarURLConnection jar) {
        String prefix = folder.substring(1);
        jar.getJarFile().stream()
            .map(entry -> entry.getName())
            .filter(name -> name.startsWith(prefix) && name.length() > prefix.length())
            .map(name -> name.substring(prefix.length()))
            .filter(name -> name.indexOf('/') < 0)
            .forEach(names::add);
      } else {
        try (Stream<Path> files = Files.list(Path.of(url.toURI()))) {
          files.filter(Files::isRegularFile).forEach(f -> names.add(f.getFileName().toString()));
        }
      }
    } catch (IOException | URISyntaxException e) {
      throw new IllegalStateException("cannot list packaged folder " + folder, e);
    }
    names.sort(null);
    return names;
  }
}
