package dev.gridstride.backend.cuda;

import dev.gridstride.backend.BackendException;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.List;
import java.util.stream.Stream;

/**
 * A folder of this process for native libraries, gone when it ends. Its owner holds a lock in it,
 * so that the next process can tell and remove what a killed one left behind.
 */
final class NativeFolder {
  private static final String PREFIX = "gridstride-native-";
  private static final String LOCK = "lock";

  private static NativeFolder instance;

  private final Path path;

  private NativeFolder() throws IOException {
    Path parent = Path.of(System.getProperty("java.io.tmpdir"));
    removeAbandoned(parent);
    path = Files.createTempDirectory(parent, PREFIX);
    FileChannel channel =
        FileChannel.open(path.resolve(LOCK), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
    FileLock lock = channel.lock();
    // The hook keeps the lock from being collected, and so from being given up.
    Runtime.getRuntime().addShutdownHook(new Thread(() -> end(path, lock), "gridstride-cleanup"));
  }

  private static void end(Path path, FileLock lock) {
    delete(path);
    try {
      lock.acquiredBy().close();
    } catch (IOException e) {
      Log.debug("closing the lock in " + path, e);
    }
  }

  /**
   * The folder, made on first use.
   *
   * @throws BackendException if it cannot be made
   */
  static synchronized Path get() {
    if (instance == null) {
      try {
        instance = new NativeFolder();
      } catch (IOException e) {
        throw new BackendException(
            "cuda: cannot make a folder for native libraries in "
                + System.getProperty("java.io.tmpdir")
                + " (set -Djava.io.tmpdir to another): "
                + e,
            e);
      }
    }
    return instance.path;
  }

  /** Unpacks a packaged file into a subfolder, and says where; existing ones are kept. */
  static synchronized Path unpack(String resourceFolder, String name, String subfolder) {
    Path target = get().resolve(subfolder).resolve(name);
    if (Files.exists(target)) {
      return target;
    }
    byte[] bytes = Resources.bytes(resourceFolder + name);
    if (bytes == null) {
      throw new BackendException("cuda: " + resourceFolder + name + " is not packaged");
    }
    try {
      Files.createDirectories(target.getParent());
      Files.write(target, bytes);
    } catch (IOException e) {
      throw new BackendException("cuda: cannot unpack " + name + " to " + target + ": " + e, e);
    }
    return target;
  }

  private static void removeAbandoned(Path parent) throws IOException {
    List<Path> folders;
    try (Stream<Path> files = Files.list(parent)) {
      folders = files.filter(f -> f.getFileName().toString().startsWith(PREFIX)).toList();
    }
    for (Path folder : folders) {
      try (FileChannel channel = FileChannel.open(folder.resolve(LOCK), StandardOpenOption.WRITE)) {
        if (channel.tryLock() != null) {
          delete(folder);
        }
      } catch (IOException | RuntimeException e) {
        // Another user's, or one that is just being made or removed: not ours to touch.
        Log.debug("left alone: " + folder, e);
      }
    }
  }

  private static void delete(Path folder) {
    try {
      Files.walkFileTree(
          folder,
          new SimpleFileVisitor<>() {
            @Override
            public FileVisitResult visitFile(Path file, BasicFileAttributes attributes)
                throws IOException {
              Files.deleteIfExists(file);
              return FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult postVisitDirectory(Path visited, IOException failure)
                throws IOException {
              Files.deleteIfExists(visited);
              return FileVisitResult.CONTINUE;
            }
          });
    } catch (IOException e) {
      Log.debug("left for the next process to remove: " + folder, e);
    }
  }
}
