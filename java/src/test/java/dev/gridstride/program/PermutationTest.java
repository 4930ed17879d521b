package dev.gridstride.program;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.BitSet;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PermutationTest {
  /** 1 and 2; powers of 4, where the domain is the size itself, and one off; primes; CIFAR-10. */
  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 4, 5, 7, 15, 16, 17, 63, 64, 65, 101, 1023, 1024, 1025, 50_000})
  void isABijection(int size) {
    for (long seed : new long[] {0, 42, -1}) {
      for (long epoch : new long[] {0, 1, 1L << 40}) {
        BitSet seen = new BitSet(size);
        for (int i = 0; i < size; i++) {
          int at = Permutation.at(seed, epoch, size, i);
          assertTrue(at >= 0 && at < size, "out of range: " + at);
          seen.set(at);
        }
        assertEquals(size, seen.cardinality(), "seed " + seed + ", epoch " + epoch);
      }
    }
  }

  @Test
  void largestSizeStaysInRange() {
    int at = Permutation.at(1, 2, Integer.MAX_VALUE, Integer.MAX_VALUE - 1);
    assertTrue(at >= 0 && at < Integer.MAX_VALUE);
  }

  @Test
  void differsByEpochAndSeed() {
    int[] first = permutation(0, 0, 1000);
    assertTrue(common(first, permutation(0, 1, 1000)) < 10);
    assertTrue(common(first, permutation(1, 0, 1000)) < 10);
    assertTrue(common(first, IntStream.range(0, 1000).toArray()) < 10);
  }

  /** About one place in a thousand agrees by chance. */
  private static int common(int[] a, int[] b) {
    return (int) IntStream.range(0, a.length).filter(i -> a[i] == b[i]).count();
  }

  private static int[] permutation(long seed, long epoch, int size) {
    return IntStream.range(0, size).map(i -> Permutation.at(seed, epoch, size, i)).toArray();
  }

  /**
   * Where element 0 lands over 6,000 epochs of 6 elements: each place 1,000 times but for chance.
   * Chi squared with 5 degrees of freedom is above 25.7 once in 10,000 seeds.
   */
  @Test
  void placesAreRoughlyUniform() {
    int[] counts = new int[6];
    for (int epoch = 0; epoch < 6000; epoch++) {
      counts[Permutation.at(7, epoch, 6, 0)]++;
    }
    double chiSquared =
        IntStream.of(counts).mapToDouble(c -> (c - 1000) * (c - 1000) / 1000.0).sum();
    assertTrue(chiSquared < 25.7, "chi squared " + chiSquared);
  }

  /** Neighbours in a batch are strangers in the data set: distances average a third of it. */
  @Test
  void neighboursAreFarApart() {
    int[] order = permutation(3, 5, 50_000);
    double mean =
        IntStream.range(1, order.length)
            .mapToDouble(i -> Math.abs(order[i] - order[i - 1]))
            .average()
            .orElseThrow();
    assertEquals(50_000 / 3.0, mean, 500);
  }

  @Test
  void anIndexOutOfRangeIsAnError() {
    IndexOutOfBoundsException error =
        assertThrows(IndexOutOfBoundsException.class, () -> Permutation.at(0, 0, 5, 5));
    assertEquals("permutation: index 5 of 5", error.getMessage());
    assertThrows(IndexOutOfBoundsException.class, () -> Permutation.at(0, 0, 5, -1));
    assertNotEquals(permutation(0, 0, 2)[0], permutation(0, 0, 2)[1]);
  }
}
