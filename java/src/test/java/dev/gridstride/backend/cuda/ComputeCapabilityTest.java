package dev.gridstride.backend.cuda;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

/** Generations of cards, and sizes of grids. */
class ComputeCapabilityTest {
  @Test
  void isReadAndWritten() {
    assertEquals(new ComputeCapability(9, 0), ComputeCapability.parse("9.0"));
    assertEquals(new ComputeCapability(12, 0), ComputeCapability.parse("sm_120"));
    assertEquals("sm_75", ComputeCapability.LOWEST.arch());
    assertEquals("10.3", ComputeCapability.parse("sm_103").toString());
    for (String bad : new String[] {"", "9", "sm_", "ninety", "sm_90a", "-9.0"}) {
      assertThrows(IllegalArgumentException.class, () -> ComputeCapability.parse(bad), bad);
    }
  }

  @Test
  void runsCodeOfItsOwnMajorNumberAndNoHigherMinor() {
    ComputeCapability card = ComputeCapability.parse("8.6");
    assertTrue(card.runs(ComputeCapability.parse("8.6")));
    assertTrue(card.runs(ComputeCapability.parse("8.0")));
    assertFalse(card.runs(ComputeCapability.parse("8.9")));
    assertFalse(card.runs(ComputeCapability.parse("7.5")));
    assertFalse(ComputeCapability.parse("10.0").runs(ComputeCapability.parse("9.0")));
  }

  @Test
  void comesInOrder() {
    assertTrue(ComputeCapability.parse("10.0").compareTo(ComputeCapability.parse("sm_89")) > 0);
  }

  @Test
  void gridsCoverTheirElements() {
    assertEquals(Dim.of(1), Dim.blocks(0, 256));
    assertEquals(Dim.of(1), Dim.blocks(256, 256));
    assertEquals(Dim.of(2), Dim.blocks(257, 256));
    assertEquals(Dim.of(4), Dim.blocks(100_000, 256, 4));
    assertThrows(IllegalArgumentException.class, () -> Dim.blocks(Long.MAX_VALUE, 256));
    assertThrows(IllegalArgumentException.class, () -> Dim.of(1L << 31));
    assertThrows(IllegalArgumentException.class, () -> Dim.of(0));
    assertThrows(IllegalArgumentException.class, () -> Dim.of(1, -1));
    assertEquals(1L << 62, Dim.of(1 << 30, 1 << 30, 4).count());
  }
}
