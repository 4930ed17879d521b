package dev.gridstride.metrics;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.gridstride.program.Shape;
import dev.gridstride.program.Tensor;
import org.junit.jupiter.api.Test;

class TopKTest {
  private static final Tensor SCORES =
      Tensor.of(Shape.of(3, 4), .1f, .4f, .2f, .3f, .25f, .25f, .25f, .25f, 0f, 0f, 1f, 0f);

  private static Tensor labels(int... labels) {
    return Tensor.of(Shape.of(labels.length), labels);
  }

  @Test
  void countsLabelsAmongTheBest() {
    // ranks of the labels, from 0: 2 of (1, 3, 2, 0); 2 of four equal ones; 0
    assertEquals(1, TopK.hits(SCORES, labels(2, 2, 2), 1));
    assertEquals(1, TopK.hits(SCORES, labels(2, 2, 2), 2));
    assertEquals(3, TopK.hits(SCORES, labels(2, 2, 2), 3));
    assertEquals(2 / 3.0, TopK.accuracy(SCORES, labels(1, 0, 3), 1), 1e-15);
  }

  @Test
  void ranksEqualScoresByClass() {
    assertArrayEquals(new int[] {1, 3, 2, 0}, TopK.best(SCORES, 0, 4));
    assertArrayEquals(new int[] {0, 1}, TopK.best(SCORES, 1, 2));
    assertArrayEquals(new int[] {2, 0, 1}, TopK.best(SCORES, 2, 3));
  }

  @Test
  void nanComesLast() {
    Tensor scores = Tensor.of(Shape.of(1, 4), Float.NaN, Float.NEGATIVE_INFINITY, Float.NaN, 0f);
    assertArrayEquals(new int[] {3, 1, 0, 2}, TopK.best(scores, 0, 4));
    assertEquals(0, TopK.hits(scores, labels(0), 2));
  }

  @Test
  void refusesWhatDoesNotFit() {
    Tensor labels = labels(0, 1, 2);
    assertThrows(IllegalArgumentException.class, () -> TopK.hits(SCORES, labels, 0));
    assertThrows(IllegalArgumentException.class, () -> TopK.hits(SCORES, labels, 5));
    assertThrows(IllegalArgumentException.class, () -> TopK.hits(SCORES, labels(0, 1), 1));
    assertThrows(IllegalArgumentException.class, () -> TopK.hits(SCORES, labels(0, 4, 1), 1));
    assertThrows(IllegalArgumentException.class, () -> TopK.hits(labels, labels, 1));
  }
}
