package dev.gridstride.files;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class AtomicFilesTest {
  @TempDir Path folder;

  private List<String> names() throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return files.map(file -> file.getFileName().toString()).sorted().toList();
    }
  }

  @Test
  void replacesTheWholeFile() throws IOException {
    Path file = folder.resolve("a");
    AtomicFiles.write(file, "long content".getBytes(java.nio.charset.StandardCharsets.UTF_8));
    AtomicFiles.write(file, "short".getBytes(java.nio.charset.StandardCharsets.UTF_8));
    assertEquals("short", Files.readString(file));
    assertEquals(List.of("a"), names());
  }

  @Test
  void keepsTheOldFileWhenTheDiskIsFull() throws IOException {
    Path file = folder.resolve("a");
    Files.writeString(file, "old");
    IOException full = new IOException("No space left on device");
    FileException error =
        assertThrows(
            FileException.class,
            () ->
                AtomicFiles.write(
                    file,
                    channel -> {
                      AtomicFiles.writeFully(channel, ByteBuffer.wrap(new byte[100]));
                      throw full;
                    }));
    assertEquals("cannot write " + file + ": No space left on device", error.getMessage());
    assertSame(full, error.getCause());
    assertEquals("old", Files.readString(file));
    assertEquals(List.of("a"), names());
  }

  @Test
  void keepsTheOldFileWhenTheContentFails() throws IOException {
    Path file = folder.resolve("a");
    Files.writeString(file, "old");
    IllegalStateException bug = new IllegalStateException("bug");
    assertSame(
        bug,
        assertThrows(
            IllegalStateException.class,
            () ->
                AtomicFiles.write(
                    file,
                    channel -> {
                      throw bug;
                    })));
    assertEquals("old", Files.readString(file));
    assertEquals(List.of("a"), names());
  }

  @Test
  void namesTheFileThatCannotBeWritten() throws IOException {
    Path plain = folder.resolve("plain");
    Files.writeString(plain, "");
    for (Path target : List.of(folder.resolve("no/a"), plain.resolve("a"))) {
      FileException error =
          assertThrows(FileException.class, () -> AtomicFiles.write(target, new byte[1]));
      assertTrue(error.getMessage().startsWith("cannot write " + target), error.getMessage());
    }
    assertEquals(List.of("plain"), names());
  }

  @Test
  void folderInTheWayIsAnErrorThatLeavesNothingBehind() throws IOException {
    Path target = folder.resolve("d");
    Files.createDirectories(target.resolve("inner"));
    assertThrows(FileException.class, () -> AtomicFiles.write(target, new byte[1]));
    assertEquals(List.of("d"), names());
  }
}
