package dev.gridstride.data;

import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystemException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.List;
import java.util.Optional;

/** What all readers need of the file system. */
final class DataFiles {
  /** No deflate stream (gzip, zip, PNG) grows by more than this factor; 1032 is the limit. */
  static final long LARGEST_EXPANSION = 1040;

  private DataFiles() {}

  /** The file of this name in the folder, or else the same with {@code .gz}. */
  static Optional<Path> plainOrGz(Path folder, String name) {
    Path plain = folder.resolve(name);
    if (Files.isRegularFile(plain)) {
      return Optional.of(plain);
    }
    Path gz = folder.resolve(name + ".gz");
    return Files.isRegularFile(gz) ? Optional.of(gz) : Optional.empty();
  }

  /** Size of a regular file in bytes. */
  static long size(Path file) {
    try {
      if (Files.exists(file) && !Files.isRegularFile(file)) {
        throw DataException.expected(file, "a file", "something else");
      }
      return Files.size(file);
    } catch (IOException e) {
      throw DataException.io("read", file, e);
    }
  }

  /** The folder's entries, sorted by name, without hidden ones. */
  static List<Path> entries(Path folder) {
    try (var entries = Files.list(folder)) {
      return entries
          .filter(entry -> !String.valueOf(entry.getFileName()).startsWith("."))
          .sorted((a, b) -> a.getFileName().toString().compareTo(b.getFileName().toString()))
          .toList();
    } catch (IOException e) {
      throw DataException.io("list", folder, e);
    }
  }

  /** The lines of a small text file, without empty ones. */
  static List<String> lines(Path file) {
    if (size(file) > 1 << 20) {
      throw DataException.expected(file, "a text of at most 1 MiB", size(file) + " bytes");
    }
    try {
      return Files.readAllLines(file, StandardCharsets.UTF_8).stream()
          .map(String::strip)
          .filter(line -> !line.isEmpty())
          .toList();
    } catch (CharacterCodingException e) {
      throw new DataException(file + ": expected text in UTF-8, got other bytes", e);
    } catch (IOException e) {
      throw DataException.io("read", file, e);
    }
  }

  /**
   * {@code bytes} as the length of a new array, after checking that it fits an array and the JVM's
   * heap.
   */
  static int arrayLength(Object place, long bytes) {
    long heap = Runtime.getRuntime().maxMemory();
    if (bytes > heap || bytes > Integer.MAX_VALUE - 8) {
      throw DataException.expected(
          place,
          "data that fit an array of 2 GiB and the Java heap of "
              + (heap >> 20)
              + " MiB (set by -Xmx)",
          bytes + " bytes");
    }
    return (int) bytes;
  }

  /** Makes a folder with its parents. */
  static void createFolder(Path folder) {
    try {
      Files.createDirectories(folder);
    } catch (IOException e) {
      throw DataException.io("create the folder", folder, e);
    }
  }

  /** Makes a new hidden folder beside {@code target}, to be renamed to it. */
  static Path temporaryFolder(Path target) {
    Path parent = target.toAbsolutePath().getParent();
    try {
      return Files.createTempDirectory(parent, "." + target.getFileName() + ".");
    } catch (IOException e) {
      throw DataException.io("write into the folder", parent, e);
    }
  }

  /** Renames a finished folder to {@code target}; one that is there already stays. */
  static void publish(Path finished, Path target) throws IOException {
    try {
      Files.move(finished, target, StandardCopyOption.ATOMIC_MOVE);
    } catch (FileSystemException e) {
      if (!Files.isDirectory(target)) {
        throw e;
      }
      // Another process was faster; its copy is as good.
    }
  }

  /** Deletes a folder with all in it; what cannot be deleted stays. */
  static void deleteTree(Path folder) {
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
            public FileVisitResult visitFileFailed(Path file, IOException failure) {
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
      System.getLogger(DataFiles.class.getName())
          .log(System.Logger.Level.DEBUG, "left behind: " + folder, e);
    }
  }
}
