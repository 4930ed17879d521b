package dev.gridstride.backend.cuda;

import org.junit.jupiter.api.extension.AfterEachCallback;
import org.junit.jupiter.api.extension.BeforeEachCallback;
import org.junit.jupiter.api.extension.ExtensionContext;

/**
 * For tests on the simulated device: skips them, with the reason, where there is none, and leaves
 * it after each with no faults, in the program's order and with all its memory.
 */
public final class OnSimulatedDevice implements BeforeEachCallback, AfterEachCallback {
  @Override
  public void beforeEach(ExtensionContext test) {
    Simulated.require();
  }

  @Override
  public void afterEach(ExtensionContext test) {
    if (Simulator.unavailableReason() == null) {
      Simulator.get().clearFaults();
      Simulator.get().seed(0);
      Simulator.get().set("memory", "8G");
    }
  }
}
