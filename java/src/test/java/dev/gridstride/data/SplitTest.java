package dev.gridstride.data;

import static dev.gridstride.data.TestFiles.assertDataException;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gridstride.program.Shape;
import dev.gridstride.program.Tensor;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class SplitTest {
  /** Sample i holds the number i, sorted by class, with this many samples a class. */
  private static Dataset data(int... perClass) {
    int n = IntStream.of(perClass).sum();
    float[] samples = new float[n];
    int[] labels = new int[n];
    int i = 0;
    for (int c = 0; c < perClass.length; c++) {
      for (int j = 0; j < perClass[c]; j++, i++) {
        samples[i] = i;
        labels[i] = c;
      }
    }
    return Dataset.of(
        "numbers",
        Tensor.of(Shape.of(n, 1), samples),
        Tensor.of(Shape.of(n), labels),
        Dataset.numberedClasses(perClass.length));
  }

  private static int[] numbers(Dataset data) {
    return IntStream.range(0, data.size()).map(i -> (int) data.samples().floats()[i]).toArray();
  }

  private static int[] counts(Dataset data) {
    int[] counts = new int[data.classes()];
    IntStream.range(0, data.size()).forEach(i -> counts[data.labelClass(i)]++);
    return counts;
  }

  private static void assertPartition(Split.TrainValidation split, int n) {
    int[] all =
        IntStream.concat(
                Arrays.stream(numbers(split.train())), Arrays.stream(numbers(split.validation())))
            .sorted()
            .toArray();
    assertArrayEquals(IntStream.range(0, n).toArray(), all);
  }

  @Test
  void everyClassGivesItsShare() {
    Split.TrainValidation split = Split.split(data(100, 50, 10), 0.1, 7);
    assertArrayEquals(new int[] {10, 5, 1}, counts(split.validation()));
    assertPartition(split, 160);
  }

  @Test
  void remaindersGoToTheLargest() {
    // 4 of 13: exact shares 4/13 * (7, 3, 3) = 2.15, 0.92, 0.92
    Split.TrainValidation split = Split.split(data(7, 3, 3), 0.3, 1);
    assertArrayEquals(new int[] {2, 1, 1}, counts(split.validation()));
    assertPartition(split, 13);
  }

  @Test
  void labelsAreSelectedWithTheirSamples() {
    Split.TrainValidation split = Split.split(data(20, 20), 0.25, 3);
    for (Dataset part : List.of(split.train(), split.validation())) {
      for (int i = 0; i < part.size(); i++) {
        assertEquals(part.samples().floats()[i] < 20 ? 0 : 1, part.labelClass(i));
      }
    }
  }

  @Test
  void sameSeedSameSplitOtherSeedOther() {
    Dataset data = data(50, 50);
    int[] first = numbers(Split.split(data, 0.2, 1).validation());
    assertArrayEquals(first, numbers(Split.split(data, 0.2, 1).validation()));
    assertFalse(Arrays.equals(first, numbers(Split.split(data, 0.2, 2).validation())));
  }

  @Test
  void theFirstOfAPartAreMixed() {
    Dataset first = Split.split(data(500, 500), 0.1, 5).train().limit(100);
    int ofClass0 = counts(first)[0];
    assertTrue(ofClass0 > 30 && ofClass0 < 70, "of 100 samples " + ofClass0 + " are of class 0");
  }

  @Test
  void neitherPartIsEmpty() {
    assertEquals(1, Split.split(data(3, 2), 0.001, 0).validation().size());
    assertEquals(1, Split.split(data(3, 2), 0.999, 0).train().size());
  }

  @Test
  void refusesFractionsAndSizesThatGiveNoSplit() {
    for (double fraction : new double[] {0, 1, -0.5, 2, Double.NaN}) {
      assertDataException(() -> Split.split(data(5, 5), fraction, 0), "fraction", fraction);
    }
    assertDataException(() -> Split.split(data(1), 0.5, 0), "at least 2 samples", "got 1");
  }

  @Test
  void foldsAreDisjointCompleteAndBalanced() {
    Dataset data = data(23, 17, 5);
    for (int k : new int[] {2, 3, 7, 45}) {
      List<Split.TrainValidation> folds = Split.kFold(data, k, 11);
      assertEquals(k, folds.size());
      int[] seen = new int[45];
      for (Split.TrainValidation fold : folds) {
        assertPartition(fold, 45);
        Arrays.stream(numbers(fold.validation())).forEach(i -> seen[i]++);
        int size = fold.validation().size();
        assertTrue(size == 45 / k || size == (45 + k - 1) / k, "fold of " + size);
        int[] counts = counts(fold.validation());
        assertTrue(Math.abs(counts[0] - 23.0 / k) < 1, "class 0: " + counts[0]);
        assertTrue(Math.abs(counts[2] - 5.0 / k) < 1, "class 2: " + counts[2]);
      }
      assertTrue(Arrays.stream(seen).allMatch(times -> times == 1), "each validates once");
    }
  }

  @Test
  void refusesFoldsThatCannotBe() {
    assertDataException(() -> Split.kFold(data(5), 1, 0), "at least 2 folds", "got 1");
    assertDataException(() -> Split.kFold(data(2, 2), 5, 0), "at least 5 samples", "got 4");
    assertThrows(IndexOutOfBoundsException.class, () -> Split.kFold(data(5), 2, 0).get(2));
  }
}
