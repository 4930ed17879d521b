package dev.gridstride.data;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.gridstride.program.Shape;
import dev.gridstride.program.Tensor;
import java.util.List;
import org.junit.jupiter.api.Test;

class ChannelStatisticsTest {
  private static final List<String> ONE = List.of("one");

  @Test
  void bytesAreScaled() {
    // channel 0: 0, 255, 0, 255; channel 1: 51 (0.2) everywhere
    Tensor samples = Tensor.of(Shape.of(2, 2, 1, 2), new byte[] {0, -1, 51, 51, 0, -1, 51, 51});
    ChannelStatistics statistics =
        ChannelStatistics.of(Dataset.of("d", samples, Tensor.of(Shape.of(2), 0, 0), ONE));
    assertEquals(List.of(0.5f, 0.2f), statistics.mean());
    assertEquals(List.of(0.5f, 1f), statistics.std(), "a constant channel has std 1");
  }

  @Test
  void floatsAreTakenAsTheyAre() {
    // feature 0: 1, 2, 3 (mean 2, variance 2/3); feature 1: 10, 10, 40 (mean 20, variance 200)
    Tensor samples = Tensor.of(Shape.of(3, 2), 1f, 10f, 2f, 10f, 3f, 40f);
    ChannelStatistics statistics =
        ChannelStatistics.of(Dataset.of("d", samples, Tensor.of(Shape.of(3), 0, 0, 0), ONE));
    assertEquals(List.of(2f, 20f), statistics.mean());
    assertEquals((float) Math.sqrt(2.0 / 3), statistics.std().get(0));
    assertEquals((float) Math.sqrt(200), statistics.std().get(1));
  }
}
