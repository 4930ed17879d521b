package dev.gridstride.data;

import static dev.gridstride.data.TestFiles.assertDataException;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;

import dev.gridstride.program.Shape;
import dev.gridstride.program.Tensor;
import java.util.List;
import org.junit.jupiter.api.Test;

class DatasetTest {
  private static final List<String> NAMES = List.of("cat", "dog");
  private static final Tensor SAMPLES =
      Tensor.of(Shape.of(3, 1, 1, 2), new byte[] {1, 2, 3, 4, 5, (byte) 255});
  private static final Tensor LABELS = Tensor.of(Shape.of(3), new int[] {0, 1, 0});

  @Test
  void tellsWhatItHolds() {
    Dataset data = Dataset.of("pets", SAMPLES, LABELS, NAMES);
    assertEquals(3, data.size());
    assertEquals(2, data.classes());
    assertEquals(Shape.of(1, 1, 2), data.sampleShape());
    assertEquals("pets: 3 samples [1,1,2], 2 classes", data.toString());
  }

  @Test
  void selectsInTheOrderAsked() {
    Dataset selected = Dataset.of("pets", SAMPLES, LABELS, NAMES).select(new int[] {2, 1, 2});
    assertArrayEquals(new byte[] {5, -1, 3, 4, 5, -1}, selected.samples().bytes());
    assertArrayEquals(new int[] {0, 1, 0}, selected.labels().ints());
  }

  @Test
  void selectsFloatsAndSoftLabels() {
    Tensor samples = Tensor.of(Shape.of(2, 2), 1f, 2f, 3f, 4f);
    Tensor soft = Tensor.of(Shape.of(2, 2), .25f, .75f, .5f, .5f);
    Dataset data = Dataset.of("soft", samples, soft, NAMES);
    assertEquals(1, data.labelClass(0));
    assertEquals(0, data.labelClass(1), "of equal weights the first");
    Dataset second = data.select(new int[] {1});
    assertArrayEquals(new float[] {3, 4}, second.samples().floats());
    assertArrayEquals(new float[] {.5f, .5f}, second.labels().floats());
  }

  @Test
  void limitsToTheFirst() {
    Dataset data = Dataset.of("pets", SAMPLES, LABELS, NAMES);
    assertArrayEquals(new byte[] {1, 2, 3, 4}, data.limit(2).samples().bytes());
    assertSame(data, data.limit(3));
    assertSame(data, data.limit(99));
    assertDataException(() -> data.limit(0), "pets", "at least 1", "got 0");
  }

  @Test
  void refusesLabelsOutOfRange() {
    assertDataException(
        () -> Dataset.of("pets", SAMPLES, Tensor.of(Shape.of(3), 0, 1, 2), NAMES),
        "pets",
        "label 2",
        "0..1",
        "got 2");
    assertDataException(
        () -> Dataset.of("pets", SAMPLES, Tensor.of(Shape.of(3), 0, -1, 1), NAMES),
        "label 1",
        "got -1");
  }

  @Test
  void refusesCountsAndTypesThatDoNotFit() {
    assertDataException(
        () -> Dataset.of("pets", SAMPLES, Tensor.of(Shape.of(2), 0, 1), NAMES), "3", "got 2");
    assertDataException(
        () -> Dataset.of("pets", LABELS, LABELS, NAMES), "samples uint8 or float32");
    assertDataException(
        () -> Dataset.of("pets", SAMPLES, Tensor.of(Shape.of(3), 0f, 1f, 0f), NAMES), "labels");
    assertDataException(
        () -> Dataset.of("pets", SAMPLES, Tensor.of(Shape.of(3, 1), 0f, 1f, 0f), NAMES),
        "2 columns");
    assertDataException(() -> Dataset.of("pets", SAMPLES, LABELS, List.of()), "name");
    assertDataException(() -> Dataset.of("pets", SAMPLES, LABELS, List.of("a", "a")), "different");
  }

  @Test
  void refusesValuesThatAreNoNumbers() {
    Tensor bad = Tensor.of(Shape.of(3, 2), 1f, 2f, 3f, Float.NaN, 5f, 6f);
    assertDataException(
        () -> Dataset.of("pets", bad, LABELS, NAMES), "finite samples", "NaN in sample 1");
    Tensor infinite = Tensor.of(Shape.of(3, 2), 1f, 0f, 1f, 0f, Float.POSITIVE_INFINITY, 0f);
    assertDataException(
        () -> Dataset.of("pets", SAMPLES, infinite, NAMES), "finite labels", "sample 2");
  }

  @Test
  void refusesSelectionsOutOfRange() {
    Dataset data = Dataset.of("pets", SAMPLES, LABELS, NAMES);
    assertDataException(() -> data.select(new int[0]), "at least 1");
    assertDataException(() -> data.select(new int[] {0, 3}), "0..2", "got 3");
    assertDataException(() -> data.select(new int[] {-1}), "got -1");
  }

  @Test
  void partsMustFitTogether() {
    Dataset data = Dataset.of("pets", SAMPLES, LABELS, NAMES);
    Dataset others = Dataset.of("pets", SAMPLES, LABELS, List.of("dog", "cat"));
    assertDataException(() -> new LoadedData(data, others, ""), "[cat, dog]", "[dog, cat]");
    Dataset flat = Dataset.of("flat", Tensor.of(Shape.of(1, 2), 1f, 2f), LABELS1, NAMES);
    assertDataException(() -> new LoadedData(data, flat, ""), "[1,1,2]", "[2]");
  }

  private static final Tensor LABELS1 = Tensor.of(Shape.of(1), new int[] {0});
}
