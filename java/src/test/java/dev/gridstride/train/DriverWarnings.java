package dev.gridstride.train;

import dev.gridstride.backend.cuda.CudaDriver;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.logging.Handler;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import org.junit.jupiter.api.extension.AfterEachCallback;
import org.junit.jupiter.api.extension.BeforeEachCallback;
import org.junit.jupiter.api.extension.ExtensionContext;

/** What the driver's layer logs during a test, in place of the console. */
final class DriverWarnings extends Handler implements BeforeEachCallback, AfterEachCallback {
  private final Logger logger = Logger.getLogger(CudaDriver.class.getPackageName());
  private final List<String> messages = Collections.synchronizedList(new ArrayList<>());

  /** So far, or since they were cleared. */
  List<String> messages() {
    return messages;
  }

  @Override
  public void beforeEach(ExtensionContext test) {
    logger.addHandler(this);
    logger.setUseParentHandlers(false);
  }

  @Override
  public void afterEach(ExtensionContext test) {
    logger.removeHandler(this);
    logger.setUseParentHandlers(true);
  }

  @Override
  public void publish(LogRecord entry) {
    messages.add(entry.getMessage());
  }

  @Override
  public void flush() {}

  @Override
  public void close() {}
}
