package dev.gridstride.backend.cpu;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** How much a worker can hold in caches, read from files as Linux has them. */
class CachesTest {
  @TempDir private Path folder;

  private void cache(int index, String type, String size, String processors) throws IOException {
    Path cache = Files.createDirectory(folder.resolve("index" + index));
    Files.writeString(cache.resolve("type"), type + "\n");
    Files.writeString(cache.resolve("size"), size + "\n");
    Files.writeString(cache.resolve("shared_cpu_list"), processors + "\n");
  }

  /** Two threads a core, eight processors a last cache: workers are spread over them. */
  @ParameterizedTest
  @CsvSource({"1, 33312", "2, 16656", "8, 4368", "64, 4368"})
  void aWorkerHasItsShare(int workers, long kilobytes) throws IOException {
    cache(0, "Data", "32K", "0,8");
    cache(1, "Instruction", "64K", "0,8");
    cache(2, "Unified", "512K", "0,8");
    cache(3, "Unified", "32768K", "0-3,8-11");
    assertEquals(kilobytes * 1024, Caches.workerBytes(folder, workers));
  }

  @Test
  void whatIsNotToldIsTakenForLarge() throws IOException {
    assertEquals(64 << 20, Caches.workerBytes(folder.resolve("none"), 2));
    cache(0, "Unified", "many", "0");
    assertEquals(64 << 20, Caches.workerBytes(folder, 2));
  }
}
