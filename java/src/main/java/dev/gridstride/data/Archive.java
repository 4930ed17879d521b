package dev.gridstride.data;

import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveInputStream;
import org.apache.commons.compress.archivers.tar.TarConstants;
import org.apache.commons.compress.compressors.gzip.GzipCompressorInputStream;

/**
 * Unpacks a {@code .tar.gz}: into a temporary folder beside the target, then renamed, so that the
 * target is never there in part. An entry that is no plain file or folder or that would lie outside
 * the target is an error, and so is an archive that grows without end.
 */
final class Archive {
  private static final long LARGEST = 4L << 30;

  private Archive() {}

  /** Unpacks {@code archive} into the new folder {@code target}. */
  static void unpack(Path archive, Path target) {
    Path part = DataFiles.temporaryFolder(target);
    try {
      unpackInto(archive, part);
      DataFiles.publish(part, target);
    } catch (IOException e) {
      throw DataException.io("unpack to " + target, archive, e);
    } finally {
      DataFiles.deleteTree(part);
    }
  }

  private static void unpackInto(Path archive, Path folder) throws IOException {
    long left = LARGEST;
    try (InputStream file = new BufferedInputStream(Files.newInputStream(archive), 1 << 16);
        InputStream plain = new GzipCompressorInputStream(file);
        TarArchiveInputStream tar = new TarArchiveInputStream(plain)) {
      for (TarArchiveEntry entry = next(archive, tar); entry != null; entry = next(archive, tar)) {
        Path path = inside(archive, folder, entry);
        if (entry.isDirectory()) {
          Files.createDirectories(path);
          continue;
        }
        left -= entry.getSize();
        if (left < 0) {
          throw DataException.expected(archive, "at most " + LARGEST + " bytes unpacked", "more");
        }
        Files.createDirectories(path.getParent());
        copy(archive, tar, entry, path);
      }
      plain.transferTo(OutputStream.nullOutputStream());
    }
  }

  private static TarArchiveEntry next(Path archive, TarArchiveInputStream tar) {
    try {
      return tar.getNextEntry();
    } catch (IOException | RuntimeException e) {
      throw broken(archive, e);
    }
  }

  private static DataException broken(Path archive, Exception cause) {
    return new DataException(
        archive + ": expected a whole .tar.gz, got a damaged one: " + DataException.describe(cause),
        cause);
  }

  private static Path inside(Path archive, Path folder, TarArchiveEntry entry) {
    String name = entry.getName();
    byte kind = entry.getLinkFlag();
    boolean file = kind == TarConstants.LF_NORMAL || kind == TarConstants.LF_OLDNORM;
    if (!file && !entry.isDirectory()) {
      throw DataException.expected(archive, "files and folders only", "a link or device " + name);
    }
    try {
      Path path = folder.resolve(name).normalize();
      if (path.startsWith(folder) && (!path.equals(folder) || entry.isDirectory())) {
        return path;
      }
    } catch (InvalidPathException e) {
      throw broken(archive, e);
    }
    throw DataException.expected(archive, "entries inside the archive's folder", name);
  }

  private static void copy(
      Path archive, TarArchiveInputStream tar, TarArchiveEntry entry, Path target)
      throws IOException {
    long left = entry.getSize();
    byte[] buffer = new byte[1 << 16];
    try (OutputStream out = Files.newOutputStream(target)) {
      while (left > 0) {
        int n;
        try {
          n = tar.read(buffer);
        } catch (IOException e) {
          throw broken(archive, e);
        }
        if (n < 0) {
          throw DataException.expected(archive, left + " more bytes of " + entry.getName(), "none");
        }
        out.write(buffer, 0, n);
        left -= n;
      }
    }
  }
}
