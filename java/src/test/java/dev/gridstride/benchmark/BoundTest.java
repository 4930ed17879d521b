package dev.gridstride.benchmark;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.gridstride.program.Shape;
import dev.gridstride.program.Tensor;
import org.junit.jupiter.api.Test;

class BoundTest {
  @Test
  void resultsInBfloat16MayBeAUnitApart() {
    Bound bound = Bound.EXACT.roundedToBfloat16();
    // 1 + 2^-7 follows 1, and 4 - 2^-6 comes before 4.
    assertEquals(0x1p-7, bound.of(Tensor.of(Shape.of(2), 1f, 0.5f)));
    assertEquals(0x1p-6, bound.of(Tensor.of(Shape.of(2), 0f, -4f + 0x1p-6f)));
    assertEquals(0x1p-5, bound.of(Tensor.of(Shape.of(1), 4f)));
  }
}
