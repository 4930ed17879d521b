package dev.gridstride.nn;

import dev.gridstride.program.Philox;
import java.nio.charset.StandardCharsets;

/** Seeds of their own for layers and parameters, from the model's seed and their names. */
final class Seeds {
  private static final long FNV_OFFSET = 0xcbf29ce484222325L;
  private static final long FNV_PRIME = 0x100000001b3L;

  private Seeds() {}

  /**
   * Words 0 (high half) and 1 (low half) of {@link Philox} under the key {@code seed} at counter
   * (FNV-1a 64 of the name in UTF-8, 0).
   */
  static long derive(long seed, String name) {
    long hash = FNV_OFFSET;
    for (byte b : name.getBytes(StandardCharsets.UTF_8)) {
      hash = (hash ^ (b & 0xff)) * FNV_PRIME;
    }
    long high = Philox.word(seed, hash, 0, 0);
    long low = Philox.word(seed, hash, 0, 1) & 0xFFFFFFFFL;
    return (high << 32) | low;
  }
}
