package dev.gridstride.backend.cuda;

import org.junit.jupiter.api.extension.AfterAllCallback;
import org.junit.jupiter.api.extension.ExtensionContext;

/**
 * After each test class the simulated device is as at first: in program order, without checks.
 * Loading a checked image switches checks on for the whole process, which all tests share.
 */
public final class OrdinarySimulator implements AfterAllCallback {
  /** For JUnit, which finds it in META-INF/services. */
  public OrdinarySimulator() {}

  @Override
  public void afterAll(ExtensionContext context) {
    CudaDriver driver = CudaDriver.loaded();
    if (driver != null && driver.isSimulated()) {
      Simulator.get().seed(0);
      Simulator.get().set("checked", "0");
    }
  }
}
