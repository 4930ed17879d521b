package dev.gridstride.bundle;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.zip.Deflater;
import java.util.zip.GZIPOutputStream;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveOutputStream;
import org.apache.commons.compress.archivers.tar.TarConstants;

/**
 * A {@code .tar.gz} being written. Times, owners and order do not depend on the machine, so the
 * same contents give the same bytes.
 */
final class Archive {
  private static final int EXECUTABLE = 0100755;
  private static final int PLAIN = 0100644;

  private final String root;
  private final long seconds;
  private final OutputStream out;
  private final GZIPOutputStream gzip;
  private final TarArchiveOutputStream tar;
  private final List<Bundle.Entry> entries = new ArrayList<>();

  /**
   * Begins an archive.
   *
   * @param root the folder that all entries are in
   * @param seconds time of all files, since 1970
   */
  Archive(OutputStream out, String root, long seconds) throws IOException {
    this.root = root;
    this.seconds = seconds;
    this.out = out;
    gzip =
        new GZIPOutputStream(out, 1 << 16) {
          {
            def.setLevel(Deflater.BEST_COMPRESSION);
          }
        };
    tar = new TarArchiveOutputStream(gzip, StandardCharsets.UTF_8.name());
    tar.setLongFileMode(TarArchiveOutputStream.LONGFILE_POSIX);
  }

  void file(String path, byte[] content, boolean executable) throws IOException {
    TarArchiveEntry entry = new TarArchiveEntry(root + "/" + path);
    entry.setSize(content.length);
    entry.setMode(executable ? EXECUTABLE : PLAIN);
    put(entry, content);
    entries.add(new Bundle.Entry(path, content.length));
  }

  /** A symbolic link to a file by its path from the link's folder. */
  void link(String path, String target) throws IOException {
    TarArchiveEntry entry = new TarArchiveEntry(root + "/" + path, TarConstants.LF_SYMLINK);
    entry.setLinkName(target);
    put(entry, new byte[0]);
  }

  private void put(TarArchiveEntry entry, byte[] content) throws IOException {
    entry.setModTime(seconds * 1000);
    tar.putArchiveEntry(entry);
    tar.write(content);
    tar.closeArchiveEntry();
  }

  /** Files so far, in order. */
  List<Bundle.Entry> entries() {
    return entries;
  }

  /** Ends the archive; the stream stays open. */
  void finish() throws IOException {
    tar.finish();
    gzip.finish();
    out.flush();
  }
}
