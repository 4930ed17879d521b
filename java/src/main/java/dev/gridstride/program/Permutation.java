package dev.gridstride.program;

/**
 * A random permutation of 0 .. size-1 that is computed, not stored: element {@code i} is a pure
 * function of seed, epoch and {@code i}. So the shuffle is the same on every backend, needs no
 * memory, and a resumed run finds its place from a counter alone.
 *
 * <p>A Feistel network of 8 rounds over the smallest even number of bits that holds {@code size},
 * its round function the first word of {@link Philox} at counter (half, epoch * 8 + round); results
 * out of range are encrypted again until they are in range (cycle walking; Black and Rogaway,
 * "Ciphers with arbitrary finite domains", CT-RSA 2002).
 */
public final class Permutation {
  private static final int ROUNDS = 8;

  private Permutation() {}

  /** Element {@code i} of the permutation of {@code size} elements for this seed and epoch. */
  public static int at(long seed, long epoch, int size, int i) {
    if (i < 0 || i >= size) {
      throw new IndexOutOfBoundsException("permutation: index " + i + " of " + size);
    }
    int halfBits = Math.max(1, (33 - Integer.numberOfLeadingZeros(size - 1)) / 2);
    int mask = (1 << halfBits) - 1;
    long x = i;
    do {
      int left = (int) (x >>> halfBits);
      int right = (int) x & mask;
      for (int round = 0; round < ROUNDS; round++) {
        int mixed = left ^ (Philox.word(seed, right, epoch * ROUNDS + round, 0) & mask);
        left = right;
        right = mixed;
      }
      x = ((long) left << halfBits) | right;
    } while (x >= size);
    return (int) x;
  }
}
