package dev.gridstride.backend.cuda.program;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.gridstride.backend.BackendException;
import dev.gridstride.backend.cuda.CudaDriver;
import dev.gridstride.backend.cuda.KernelCompiler;
import dev.gridstride.backend.cuda.Simulator;

/** What tests need of the simulated device. */
final class TestDevice {
  private TestDevice() {}

  /** Skips the test, with the reason, where there is no simulated device. */
  static void require() {
    String missing = Simulator.unavailableReason();
    assumeTrue(missing == null, missing);
  }

  /** As {@link #require}, where there is no C++ compiler either. */
  static void requireCompiler() {
    require();
    try {
      KernelCompiler.of(CudaDriver.simulated().device(0));
    } catch (BackendException e) {
      assumeTrue(false, e.getMessage());
    }
  }
}
