package dev.gridstride.backend.cuda;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gridstride.backend.BackendException;
import dev.gridstride.backend.Timing;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What NVML tells of a card's clocks, on a library of the test's own. */
class CardClocksTest {
  private static final long IDLE = 0x1;
  private static final long POWER_CAP = 0x4;
  private static final long HEAT = 0x20;
  private static final int NOT_SUPPORTED = 3;

  @TempDir private Path folder;

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void clocksAndReasonsAreSeen(boolean old) throws Exception {
    FakeNvml fake = FakeNvml.load(folder, old);
    CardClocks clocks = fake.clocks();
    fake.reasons(IDLE, POWER_CAP, HEAT | POWER_CAP, 0);
    assertFalse(clocks.look(), "an idle card is not throttled");
    fake.set(1755, 0);
    assertFalse(clocks.look(), "at its power cap it works as it always does");
    assertTrue(clocks.look(), "too hot");
    assertFalse(clocks.look());
    assertEquals(new Timing.Clocks(1755, 1980, 2619, List.of("heat", "power cap")), clocks.seen());
    assertEquals("", clocks.problem());
  }

  @Test
  void aCardThatDoesNotTellIsAskedOnce() throws Exception {
    FakeNvml fake = FakeNvml.load(folder, false);
    CardClocks clocks = fake.clocks();
    fake.set(1980, NOT_SUPPORTED);
    fake.reasons(HEAT);
    assertFalse(clocks.look());
    fake.set(1980, 0);
    assertFalse(clocks.look());
    assertEquals(
        "clocks and throttling not watched: nvmlDeviceGetClockInfo failed: Not Supported (3)",
        clocks.problem());
  }

  @Test
  void whatIsMissingIsNamed() throws Exception {
    FakeNvml fake = FakeNvml.load(folder, false);
    BackendException e =
        assertThrows(BackendException.class, () -> CardClocks.of(fake.nvml(), "00000000:0b:00.0"));
    assertEquals("nvmlDeviceGetHandleByPciBusId_v2 failed: Not Found (6)", e.getMessage());
    e = assertThrows(BackendException.class, () -> Nvml.open("libno-such-nvml.so.1"));
    assertTrue(
        e.getMessage().startsWith("no libno-such-nvml.so.1 (libno-such-nvml.so.1: cannot open"),
        e.getMessage());
    assertTrue(e.getMessage().endsWith("name its file with -Dgridstride.nvml=FILE"));
  }
}
