package dev.gridstride.events;

import jdk.jfr.FlightRecorder;

/** Whether events may be wanted, without an object made to ask. */
final class Recorder {
  /** A runtime that was trimmed may have no flight recorder. */
  private static final boolean PRESENT = ModuleLayer.boot().findModule("jdk.jfr").isPresent();

  private Recorder() {}

  /** Whether a recording was ever started in this process. */
  static boolean isUsed() {
    return PRESENT && FlightRecorder.isInitialized();
  }
}
