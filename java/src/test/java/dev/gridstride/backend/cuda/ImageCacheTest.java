package dev.gridstride.backend.cuda;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What the key of a compiled image depends on. */
class ImageCacheTest {
  @TempDir Path folder;

  private static String key(KernelSource source, CompileOptions options) {
    return CacheKey.of(source, options, "compiler 1");
  }

  @Test
  void theKeyFollowsAllThatTheImageDependsOn() {
    KernelSource source = KernelSource.of("a.cu", "text");
    String key = key(source, CompileOptions.DEFAULT);
    assertEquals(key, key(KernelSource.of("a.cu", "text"), CompileOptions.DEFAULT));
    assertNotEquals(key, key(KernelSource.of("a.cu", "text "), CompileOptions.DEFAULT));
    assertNotEquals(key, key(KernelSource.of("b.cu", "text"), CompileOptions.DEFAULT));
    assertNotEquals(key, key(source, CompileOptions.CHECKED));
    assertNotEquals(key, key(source, CompileOptions.DEFAULT.define("N", "1")));
    assertNotEquals(
        key(source, CompileOptions.DEFAULT.define("N", "1")),
        key(source, CompileOptions.DEFAULT.define("N", "2")));
    assertNotEquals(key, CacheKey.of(source, CompileOptions.DEFAULT, "compiler 2"));
  }

  @Test
  void theKeyFollowsHeaders() throws IOException {
    Path inner = Files.createDirectories(folder.resolve("inner"));
    Path other = Files.createDirectories(folder.resolve("other"));
    Files.writeString(folder.resolve("k.cu"), "#include \"a.h\"\n#include <cstdint>\n");
    Files.writeString(folder.resolve("a.h"), "#  include \"inner/b.h\"\n#include \"a.h\"\n");
    Files.writeString(inner.resolve("b.h"), "#include \"c.h\"\n#include <d.h>\n");
    Files.writeString(inner.resolve("c.h"), "1");
    Files.writeString(other.resolve("d.h"), "1");
    CompileOptions options = CompileOptions.DEFAULT.include(other);
    KernelSource source = KernelSource.read(folder.resolve("k.cu"));
    String key = key(source, options);
    assertEquals(key, key(source, options));
    Files.writeString(inner.resolve("c.h"), "2");
    String afterInner = key(source, options);
    assertNotEquals(key, afterInner);
    Files.writeString(other.resolve("d.h"), "2");
    assertNotEquals(afterInner, key(source, options));
  }
}
