package dev.gridstride.backend.cpu;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** The processor's caches, as Linux tells, and how to get everything out of them. */
final class Caches implements AutoCloseable {
  private static final Path LINUX = Path.of("/sys/devices/system/cpu/cpu0/cache");
  private static final long UNKNOWN_BYTES = 64L << 20;
  private static final int MOST_BYTES = 1 << 30;
  private static final int LINE = 64;
  private static final int LEVELS = 8;

  private final WorkerTeam team;
  private final NativeMemory[] memories;

  /** Memory for each worker, twice its share of the caches. */
  Caches(WorkerTeam team) {
    this.team = team;
    memories = new NativeMemory[team.size()];
    long bytes = Math.min(MOST_BYTES, 2 * workerBytes(LINUX, team.size())) & -LINE;
    for (int i = 0; i < memories.length; i++) {
      memories[i] = NativeMemory.allocate(bytes, "emptying the caches");
    }
  }

  /**
   * Each worker writes its memory, line by line, which a {@code memset} would do past the cache.
   */
  void empty() {
    team.drive(() -> team.runAll(this::write));
  }

  private void write(int worker) {
    var bytes = memories[worker].at(0, memories[worker].bytes()).asByteBuffer();
    for (int i = 0; i < bytes.capacity(); i += LINE) {
      bytes.put(i, (byte) (bytes.get(i) + 1));
    }
  }

  /** All that workers can hold in caches: what each has of its own and its share of the others. */
  static long bytes(int workers) {
    return workers * workerBytes(LINUX, workers);
  }

  static long workerBytes(Path folder, int workers) {
    long sum = 0;
    for (int i = 0; i < LEVELS; i++) {
      Path cache = folder.resolve("index" + i);
      try {
        if (Files.exists(cache) && !read(cache, "type").equals("Instruction")) {
          int sharing = Math.min(workers, processors(read(cache, "shared_cpu_list")));
          sum += kilobytes(read(cache, "size")) * 1024 / sharing;
        }
      } catch (IOException | NumberFormatException e) {
        return UNKNOWN_BYTES;
      }
    }
    return sum == 0 ? UNKNOWN_BYTES : sum;
  }

  private static String read(Path cache, String file) throws IOException {
    return Files.readString(cache.resolve(file)).strip();
  }

  /** {@code 32768K}. */
  private static long kilobytes(String size) {
    return Long.parseLong(size.replace("K", ""));
  }

  /** How many there are in {@code 0-3,8-11}. */
  private static int processors(String list) {
    int count = 0;
    for (String range : list.split(",")) {
      String[] ends = range.split("-");
      count += Integer.parseInt(ends[ends.length - 1]) - Integer.parseInt(ends[0]) + 1;
    }
    return count;
  }

  @Override
  public void close() {
    for (NativeMemory memory : memories) {
      memory.close();
    }
  }
}
