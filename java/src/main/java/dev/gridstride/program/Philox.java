package dev.gridstride.program;

/**
 * Philox 4x32-10, the counter-based random number generator of Salmon, Moraes, Dror and Shaw,
 * "Parallel random numbers: as easy as 1, 2, 3" (SC 2011). A draw is a pure function of a 64-bit
 * key and a 128-bit counter, so every backend gets the same numbers in any order and on any number
 * of threads.
 */
public final class Philox {
  private static final int MULTIPLIER_0 = 0xD2511F53;
  private static final int MULTIPLIER_1 = 0xCD9E8D57;
  private static final int WEYL_0 = 0x9E3779B9;
  private static final int WEYL_1 = 0xBB67AE85;
  private static final int ROUNDS = 10;

  private Philox() {}

  /**
   * Word {@code word} (0 to 3) of the block at counter (c0, c1), each 64 bits, under {@code key}.
   * The low half of {@code c0} is the counter's first word.
   */
  public static int word(long key, long c0, long c1, int word) {
    int x0 = (int) c0;
    int x1 = (int) (c0 >>> 32);
    int x2 = (int) c1;
    int x3 = (int) (c1 >>> 32);
    int k0 = (int) key;
    int k1 = (int) (key >>> 32);
    for (int round = 0; round < ROUNDS; round++) {
      long p0 = (MULTIPLIER_0 & 0xFFFFFFFFL) * (x0 & 0xFFFFFFFFL);
      long p1 = (MULTIPLIER_1 & 0xFFFFFFFFL) * (x2 & 0xFFFFFFFFL);
      int y0 = (int) (p1 >>> 32) ^ x1 ^ k0;
      int y2 = (int) (p0 >>> 32) ^ x3 ^ k1;
      x1 = (int) p1;
      x3 = (int) p0;
      x0 = y0;
      x2 = y2;
      k0 += WEYL_0;
      k1 += WEYL_1;
    }
    return switch (word) {
      case 0 -> x0;
      case 1 -> x1;
      case 2 -> x2;
      case 3 -> x3;
      default -> throw new IllegalArgumentException("philox: word must be 0 to 3, got " + word);
    };
  }

  /** A uniform float in [0, 1) from the top 24 bits of a random word. */
  public static float uniform(int word) {
    return (word >>> 8) * 0x1p-24f;
  }

  /**
   * A uniform integer in [0, {@code bound}) from a random word: {@code floor(word * bound / 2^32)}.
   */
  public static int below(int word, int bound) {
    return (int) (((word & 0xFFFFFFFFL) * bound) >>> 32);
  }
}
