package dev.gridstride.metrics;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.Test;

class ConfusionMatrixTest {
  private static final double TIGHT = 1e-15;

  /** 10 samples of class 0, 6 of class 1, 4 of class 2. */
  private static final ConfusionMatrix MATRIX =
      ConfusionMatrix.of(new long[][] {{8, 1, 1}, {2, 3, 1}, {0, 0, 4}});

  @Test
  void matchesTheSumsWorkedOutByHand() {
    assertEquals(20, MATRIX.total());
    assertEquals(15 / 20.0, MATRIX.accuracy(), TIGHT);
    assertEquals(8 / 10.0, MATRIX.precision(0), TIGHT); // column 0: 8 + 2 + 0
    assertEquals(3 / 4.0, MATRIX.precision(1), TIGHT); // column 1: 1 + 3 + 0
    assertEquals(4 / 6.0, MATRIX.precision(2), TIGHT); // column 2: 1 + 1 + 4
    assertEquals(8 / 10.0, MATRIX.recall(0), TIGHT);
    assertEquals(3 / 6.0, MATRIX.recall(1), TIGHT);
    assertEquals(1, MATRIX.recall(2), TIGHT);
    assertEquals(16 / 20.0, MATRIX.f1(0), TIGHT);
    assertEquals(6 / 10.0, MATRIX.f1(1), TIGHT); // 2 * 0.75 * 0.5 / 1.25
    assertEquals(8 / 10.0, MATRIX.f1(2), TIGHT);
    assertEquals((0.8 + 0.75 + 2 / 3.0) / 3, MATRIX.macroPrecision(), TIGHT);
    assertEquals((0.8 + 0.5 + 1) / 3, MATRIX.macroRecall(), TIGHT);
    assertEquals((0.8 + 0.6 + 0.8) / 3, MATRIX.macroF1(), TIGHT);
    assertEquals(6, MATRIX.support(1));
    assertEquals(6, MATRIX.predicted(2));
  }

  @Test
  void aQuotientOverNothingIsZero() {
    ConfusionMatrix matrix = ConfusionMatrix.of(new long[][] {{0, 5}, {0, 0}});
    assertEquals(0, matrix.precision(0));
    assertEquals(0, matrix.recall(1));
    assertEquals(0, matrix.f1(0));
    assertEquals(0, matrix.accuracy());
    assertEquals(0, ConfusionMatrix.of(new long[2][2]).accuracy());
    assertEquals(0, ConfusionMatrix.of(new long[2][2]).macroF1());
  }

  @Test
  void copiesTheCounts() {
    long[][] counts = {{1, 0}, {0, 1}};
    ConfusionMatrix matrix = ConfusionMatrix.of(counts);
    counts[0][0] = 99;
    matrix.counts()[1][1] = 99;
    assertArrayEquals(new long[][] {{1, 0}, {0, 1}}, matrix.counts());
    assertEquals(ConfusionMatrix.of(new long[][] {{1, 0}, {0, 1}}), matrix);
  }

  @Test
  void printsALineAClass() {
    List<String> lines = MATRIX.table(List.of("cat", "dog", "snow leopard")).lines().toList();
    assertEquals(6, lines.size());
    assertTrue(lines.get(2).matches("dog +0\\.7500 +0\\.5000 +0\\.6000 +6 +2 +3 +1"), lines.get(2));
    assertTrue(lines.get(4).startsWith("macro average    0.7389    0.7667    0.7333        20"));
    assertTrue(lines.get(5).matches("accuracy +0\\.7500"), lines.get(5));
    assertThrows(IllegalArgumentException.class, () -> MATRIX.table(List.of("cat")));
  }

  @Test
  void refusesWhatIsNoMatrix() {
    assertThrows(IllegalArgumentException.class, () -> ConfusionMatrix.of(new long[0][]));
    assertThrows(
        IllegalArgumentException.class, () -> ConfusionMatrix.of(new long[][] {{1, 2}, {3}}));
    assertThrows(
        IllegalArgumentException.class, () -> ConfusionMatrix.of(new long[][] {{1, -2}, {3, 4}}));
  }
}
