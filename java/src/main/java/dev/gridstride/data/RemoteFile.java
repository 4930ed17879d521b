package dev.gridstride.data;

import java.net.URI;

/**
 * A file at its home.
 *
 * @param uri where it is
 * @param md5 its checksum, 32 hexadecimal digits
 */
record RemoteFile(URI uri, String md5) {
  static RemoteFile of(String uri, String md5) {
    return new RemoteFile(URI.create(uri), md5);
  }

  /** The last part of its path. */
  String fileName() {
    String path = uri.getPath();
    return path.substring(path.lastIndexOf('/') + 1);
  }
}
