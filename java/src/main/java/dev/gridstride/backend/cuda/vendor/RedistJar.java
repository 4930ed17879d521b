package dev.gridstride.backend.cuda.vendor;

import dev.gridstride.backend.BackendException;
import dev.gridstride.files.AtomicFiles;
import dev.gridstride.files.CacheFolder;
import dev.gridstride.files.FileException;
import java.io.IOException;
import java.io.InputStream;
import java.net.JarURLConnection;
import java.net.URISyntaxException;
import java.net.URL;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.jar.JarEntry;
import java.util.jar.JarFile;

/**
 * The jar that the Maven profile {@code vendor-libraries} puts on the class path: cuBLAS, cuDNN and
 * more. What is wanted of it is unpacked into the user's cache folder, once.
 */
final class RedistJar {
  private static final String FOLDER = "org/bytedeco/cuda/linux-x86_64/";

  private RedistJar() {}

  /** The jar's file, or null if there is none that has the library. */
  static String name(NvidiaLibrary library) {
    URL resource = RedistJar.class.getClassLoader().getResource(FOLDER + library.soname());
    return resource == null
        ? null
        : resource.toString().replaceFirst("^(jar:)?file:(.*?)(!.*)?$", "$2");
  }

  /**
   * The folder with the files of a library, or null if there is no such jar.
   *
   * @throws BackendException if they cannot be unpacked
   */
  static Path unpack(NvidiaLibrary library) {
    return unpack(library, RedistJar.class.getClassLoader(), CacheFolder.get());
  }

  /** The same for another class path and cache. */
  static Path unpack(NvidiaLibrary library, ClassLoader classPath, Path cache) {
    URL resource = classPath.getResource(FOLDER + library.soname());
    if (resource == null) {
      return null;
    }
    try {
      if (!(resource.openConnection() instanceof JarURLConnection connection)) {
        return Path.of(resource.toURI()).getParent();
      }
      return unpack(connection.getJarFile(), library, cache);
    } catch (IOException | FileException | URISyntaxException e) {
      throw new BackendException("cannot unpack " + resource + ": " + e.getMessage(), e);
    }
  }

  private static Path unpack(JarFile jar, NvidiaLibrary library, Path cache) throws IOException {
    String name = Path.of(jar.getName()).getFileName().toString().replaceFirst("\\.jar$", "");
    Path target = Files.createDirectories(cache.resolve("libraries").resolve(name));
    for (JarEntry entry : (Iterable<JarEntry>) jar.stream()::iterator) {
      String path = entry.getName();
      if (path.startsWith(FOLDER) && path.substring(FOLDER.length()).matches(library.files())) {
        Path file = target.resolve(path.substring(FOLDER.length()));
        if (!Files.exists(file) || Files.size(file) != entry.getSize()) {
          unpack(jar, entry, file);
        }
      }
    }
    return target;
  }

  private static void unpack(JarFile jar, JarEntry entry, Path file) {
    System.getLogger(RedistJar.class.getName())
        .log(
            System.Logger.Level.INFO,
            "unpacking " + file + " (" + (entry.getSize() >> 20) + " MB), once");
    AtomicFiles.write(
        file,
        channel -> {
          try (InputStream in = jar.getInputStream(entry)) {
            copy(in, channel, entry.getSize());
          }
        });
  }

  private static void copy(InputStream in, FileChannel channel, long bytes) throws IOException {
    long copied = channel.transferFrom(Channels.newChannel(in), 0, bytes);
    if (copied != bytes) {
      throw new IOException("expected " + bytes + " bytes, got " + copied);
    }
  }
}
