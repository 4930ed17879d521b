package dev.gridstride.backend;

import java.util.List;

/**
 * A check of a device that runs no program of ops, such as of kernels that no op reaches.
 *
 * @param name unique, beginning with what is checked
 * @param reason what it catches
 * @param body the check
 */
public record SelfCheck(String name, String reason, Body body) {
  /** What is checked. */
  @FunctionalInterface
  public interface Body {
    /**
     * Runs the check; a line for each problem, empty if there is none.
     *
     * @throws BackendException if the device fails
     */
    List<String> run();
  }
}
