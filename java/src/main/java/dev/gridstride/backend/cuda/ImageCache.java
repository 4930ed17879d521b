package dev.gridstride.backend.cuda;

import dev.gridstride.files.AtomicFiles;
import dev.gridstride.files.CacheFolder;
import dev.gridstride.files.FileException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;

/**
 * Compiled images in the user's cache folder, a file each. A file begins with the hash of the rest,
 * so that a damaged one is compiled again. The folder may be deleted at any time.
 */
final class ImageCache {
  private static final int HASH_BYTES = 32;

  private ImageCache() {}

  static Path folder() {
    return CacheFolder.get().resolve("kernels");
  }

  /** What was stored under this key, or null. */
  static KernelCompiler.Output load(String key) {
    byte[] file;
    try {
      file = Files.readAllBytes(folder().resolve(key));
    } catch (IOException e) {
      return null;
    }
    if (file.length < HASH_BYTES + Integer.BYTES) {
      return null;
    }
    byte[] content = Arrays.copyOfRange(file, HASH_BYTES, file.length);
    byte[] hash = CacheKey.sha256().digest(content);
    if (!Arrays.equals(hash, Arrays.copyOf(file, HASH_BYTES))) {
      return null;
    }
    ByteBuffer buffer = ByteBuffer.wrap(content);
    byte[] log = new byte[buffer.getInt()];
    buffer.get(log);
    byte[] code = new byte[buffer.remaining()];
    buffer.get(code);
    return new KernelCompiler.Output(code, new String(log, StandardCharsets.UTF_8));
  }

  /** Keeps an image; says in the words of a message's end where, or why not. */
  static synchronized String store(String key, KernelCompiler.Output output) {
    byte[] log = output.log().getBytes(StandardCharsets.UTF_8);
    ByteBuffer content = ByteBuffer.allocate(Integer.BYTES + log.length + output.code().length);
    content.putInt(log.length).put(log).put(output.code());
    ByteBuffer file = ByteBuffer.allocate(HASH_BYTES + content.capacity());
    file.put(CacheKey.sha256().digest(content.array())).put(content.array());
    try {
      Files.createDirectories(folder());
      AtomicFiles.write(folder().resolve(key), file.array());
      return ", kept in " + folder();
    } catch (IOException e) {
      return ", not kept: " + FileException.writing(folder(), e).getMessage();
    } catch (FileException e) {
      return ", not kept: " + e.getMessage();
    }
  }
}
