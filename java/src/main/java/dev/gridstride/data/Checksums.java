package dev.gridstride.data;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/**
 * MD5 sums: what the homes of the data sets publish. They tell a damaged file, not a forged one.
 */
final class Checksums {
  private Checksums() {}

  static MessageDigest md5() {
    try {
      return MessageDigest.getInstance("MD5");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java platform has MD5", e);
    }
  }

  /** Ends the digest; lower case. */
  static String hex(MessageDigest digest) {
    return HexFormat.of().formatHex(digest.digest());
  }

  /** Throws unless the file's MD5 is {@code expected}. */
  static void verify(Path file, String expected) {
    MessageDigest digest = md5();
    try (InputStream in = Files.newInputStream(file)) {
      byte[] buffer = new byte[1 << 16];
      for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
        digest.update(buffer, 0, n);
      }
    } catch (IOException e) {
      throw DataException.io("read", file, e);
    }
    String got = hex(digest);
    if (!got.equals(expected)) {
      throw DataException.expected(file, "a file with md5 " + expected, got);
    }
  }
}
