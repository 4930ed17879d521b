package dev.gridstride.data;

import static dev.gridstride.data.TestFiles.assertDataException;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gridstride.program.Shape;
import org.junit.jupiter.api.Test;

class SyntheticTest {
  private static final Shape SHAPE = Shape.of(3, 8, 8);

  @Test
  void sameSeedSameImages() {
    Dataset first = Synthetic.of("s", SHAPE, 4, 40, 5, 0);
    assertEquals(first.samples(), Synthetic.of("s", SHAPE, 4, 40, 5, 0).samples());
    assertNotEquals(first.samples(), Synthetic.of("s", SHAPE, 4, 40, 6, 0).samples());
    assertNotEquals(first.samples(), Synthetic.of("s", SHAPE, 4, 40, 5, 1).samples());
  }

  /** The nearest class mean of the training part names the class of most test images. */
  @Test
  void canBeLearned() {
    Dataset train = Synthetic.of("s", SHAPE, 4, 400, 5, 0);
    Dataset test = Synthetic.of("s", SHAPE, 4, 100, 5, 1);
    int pixels = 192;
    double[][] means = new double[4][pixels];
    for (int i = 0; i < train.size(); i++) {
      for (int j = 0; j < pixels; j++) {
        means[train.labelClass(i)][j] += train.samples().get(i * pixels + j) / 100;
      }
    }
    int hits = 0;
    for (int i = 0; i < test.size(); i++) {
      int best = 0;
      double least = Double.MAX_VALUE;
      for (int c = 0; c < 4; c++) {
        double distance = 0;
        for (int j = 0; j < pixels; j++) {
          distance += Math.pow(means[c][j] - test.samples().get(i * pixels + j), 2);
        }
        if (distance < least) {
          least = distance;
          best = c;
        }
      }
      hits += best == test.labelClass(i) ? 1 : 0;
    }
    assertTrue(hits >= 95, "hits " + hits + " of 100, by chance 25");
  }

  @Test
  void refusesShapesThatAreNoImages() {
    assertDataException(() -> Synthetic.of("s", Shape.of(5), 4, 40, 5, 0), "s", "[5]");
    assertDataException(() -> Synthetic.of("s", SHAPE, 0, 40, 5, 0), "0 classes");
  }
}
