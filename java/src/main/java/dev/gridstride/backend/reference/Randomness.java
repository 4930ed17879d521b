package dev.gridstride.backend.reference;

/**
 * Philox 4x32-10 and the shuffle, written a second time from their papers and from the javadoc of
 * {@link dev.gridstride.program.Philox} and {@link dev.gridstride.program.Permutation}. Words are
 * kept as {@code long} from 0 to 2^32 - 1.
 */
final class Randomness {
  private static final long WORD = 0xFFFFFFFFL;

  private Randomness() {}

  /** The four words at counter (c0, c1) under {@code key}. */
  static long[] philox(long key, long c0, long c1) {
    long[] counter = {c0 & WORD, c0 >>> 32, c1 & WORD, c1 >>> 32};
    long key0 = key & WORD;
    long key1 = key >>> 32;
    for (int round = 0; round < 10; round++) {
      long product0 = 0xD2511F53L * counter[0];
      long product1 = 0xCD9E8D57L * counter[2];
      counter =
          new long[] {
            (product1 >>> 32) ^ counter[1] ^ key0,
            product1 & WORD,
            (product0 >>> 32) ^ counter[3] ^ key1,
            product0 & WORD
          };
      key0 = (key0 + 0x9E3779B9L) & WORD;
      key1 = (key1 + 0xBB67AE85L) & WORD;
    }
    return counter;
  }

  /** The top 24 bits of a word as a fraction of 2^24. */
  static double uniform(long word) {
    return Math.floor(word / 256.0) / (1 << 24);
  }

  /** {@code floor(word * bound / 2^32)}. */
  static int below(long word, int bound) {
    return (int) (word * bound / (1L << 32));
  }

  static boolean topBit(long word) {
    return word >= 1L << 31;
  }

  /** Element {@code i} of the permutation of 0 .. size-1 of this seed and epoch. */
  static int permuted(long seed, long epoch, int size, int i) {
    int bits = 2;
    while (1L << bits < size) {
      bits += 2;
    }
    long half = 1L << (bits / 2);
    long place = i;
    do {
      long left = place / half;
      long right = place % half;
      for (int round = 0; round < 8; round++) {
        long next = (left ^ philox(seed, right, epoch * 8 + round)[0]) % half;
        left = right;
        right = next;
      }
      place = left * half + right;
    } while (place >= size);
    return (int) place;
  }
}
