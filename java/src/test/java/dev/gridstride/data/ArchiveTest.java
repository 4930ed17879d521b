package dev.gridstride.data;

import static dev.gridstride.data.TestFiles.assertDataException;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveOutputStream;
import org.apache.commons.compress.archivers.tar.TarConstants;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ArchiveTest {
  @TempDir Path folder;

  private Path archive;
  private Path target;

  @BeforeEach
  void names() {
    archive = folder.resolve("a.tar.gz");
    target = folder.resolve("unpacked");
  }

  /** A {@code .tar.gz} with these entries: name, content, name, content, ... */
  static byte[] tarGz(Object... namesAndContents) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (TarArchiveOutputStream tar = new TarArchiveOutputStream(bytes)) {
      for (int i = 0; i < namesAndContents.length; i += 2) {
        byte[] content = (byte[]) namesAndContents[i + 1];
        TarArchiveEntry entry = new TarArchiveEntry((String) namesAndContents[i], true);
        entry.setSize(content.length);
        tar.putArchiveEntry(entry);
        tar.write(content);
        tar.closeArchiveEntry();
      }
    }
    return TestFiles.gzip(bytes.toByteArray());
  }

  private static byte[] text(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  private void assertRefused(Object... parts) throws IOException {
    assertDataException(() -> Archive.unpack(archive, target), parts);
    try (var files = Files.list(folder)) {
      assertEquals(List.of(archive), files.toList(), "nothing is left behind");
    }
    assertFalse(Files.exists(folder.resolveSibling("evil")));
  }

  @Test
  void unpacksFilesAndFolders() throws IOException {
    Files.write(archive, tarGz("d/", text(""), "d/one", text("1"), "e/f/two", text("22")));
    Archive.unpack(archive, target);
    assertEquals("1", Files.readString(target.resolve("d/one")));
    assertEquals("22", Files.readString(target.resolve("e/f/two")));
  }

  @Test
  void leavesAFolderThatIsThere() throws IOException {
    Files.createDirectory(target);
    Files.writeString(target.resolve("mine"), "kept");
    Files.write(archive, tarGz("d/one", text("1")));
    Archive.unpack(archive, target);
    assertEquals("kept", Files.readString(target.resolve("mine")));
  }

  @ParameterizedTest
  @ValueSource(strings = {"../evil", "/tmp/evil", "a/../../evil", "..", "."})
  void refusesEntriesOutsideTheFolder(String name) throws IOException {
    Files.write(archive, tarGz("good", text("1"), name, text("2")));
    assertRefused(archive, name);
  }

  @Test
  void refusesLinks() throws IOException {
    for (byte kind :
        new byte[] {TarConstants.LF_SYMLINK, TarConstants.LF_LINK, TarConstants.LF_FIFO}) {
      ByteArrayOutputStream bytes = new ByteArrayOutputStream();
      try (TarArchiveOutputStream tar = new TarArchiveOutputStream(bytes)) {
        TarArchiveEntry entry = new TarArchiveEntry("link", kind);
        entry.setLinkName("/etc/passwd");
        tar.putArchiveEntry(entry);
        tar.closeArchiveEntry();
      }
      Files.write(archive, TestFiles.gzip(bytes.toByteArray()));
      assertRefused(archive, "a link or device link");
    }
  }

  @Test
  void refusesArchivesCutShortAnywhere() throws IOException {
    byte[] whole = tarGz("d/one", TestFiles.cifar(1, 1), "two", text("22"));
    for (int length = 0; length < whole.length; length += length < 100 ? 1 : 37) {
      Files.write(archive, Arrays.copyOf(whole, length));
      assertRefused(archive);
    }
    Files.write(archive, Arrays.copyOf(whole, whole.length - 1));
    assertRefused(archive);
  }

  @Test
  void refusesDamagedArchives() throws IOException {
    byte[] bytes = tarGz("d/one", TestFiles.cifar(1, 1));
    bytes[bytes.length - 6] ^= 1; // the CRC of the gzip trailer
    Files.write(archive, bytes);
    assertRefused(archive, "CRC");
    Files.writeString(archive, "no archive at all");
    assertRefused(archive);
  }
}
