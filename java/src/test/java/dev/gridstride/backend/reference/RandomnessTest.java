package dev.gridstride.backend.reference;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.gridstride.program.Permutation;
import dev.gridstride.program.Philox;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The two implementations of Philox and of the shuffle, against published vectors and each other.
 */
class RandomnessTest {
  /** Known answers for philox4x32-10 from the Random123 library, kat_vectors; words in hex. */
  @ParameterizedTest
  @CsvSource({
    "00000000 00000000 00000000 00000000, 00000000 00000000, 6627e8d5 e169c58d bc57ac4c 9b00dbd8",
    "ffffffff ffffffff ffffffff ffffffff, ffffffff ffffffff, 408f276d 41c83b0e a20bc7c6 6d5451fd",
    "243f6a88 85a308d3 13198a2e 03707344, a4093822 299f31d0, d16cfe09 94fdcceb 5001e420 24126ea1"
  })
  void knownAnswers(String counter, String key, String expected) {
    long[] c = words(counter);
    long[] k = words(key);
    long[] answer = words(expected);
    long key64 = k[0] | k[1] << 32;
    long c0 = c[0] | c[1] << 32;
    long c1 = c[2] | c[3] << 32;
    assertArrayEquals(answer, Randomness.philox(key64, c0, c1));
    for (int word = 0; word < 4; word++) {
      assertEquals((int) answer[word], Philox.word(key64, c0, c1, word));
    }
  }

  private static long[] words(String hex) {
    String[] parts = hex.split(" ");
    long[] words = new long[parts.length];
    for (int i = 0; i < words.length; i++) {
      words[i] = Long.parseLong(parts[i], 16);
    }
    return words;
  }

  @Test
  void drawsAgree() {
    SplittableRandom random = new SplittableRandom(1);
    for (int i = 0; i < 1000; i++) {
      long key = random.nextLong();
      long c0 = random.nextLong();
      long c1 = random.nextLong();
      int bound = random.nextInt(1, Integer.MAX_VALUE);
      long[] block = Randomness.philox(key, c0, c1);
      int word = Philox.word(key, c0, c1, i % 4);
      assertEquals((int) block[i % 4], word);
      assertEquals(Randomness.uniform(block[i % 4]), Philox.uniform(word));
      assertEquals(
          Randomness.below(block[i % 4], Math.min(bound, 1 << 30)),
          Philox.below(word, Math.min(bound, 1 << 30)));
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 4, 5, 16, 17, 64, 65, 1000, 50_000})
  void permutationsAgree(int size) {
    for (int i = 0; i < Math.min(size, 500); i++) {
      assertEquals(Permutation.at(-9, 3, size, i), Randomness.permuted(-9, 3, size, i));
    }
  }
}
