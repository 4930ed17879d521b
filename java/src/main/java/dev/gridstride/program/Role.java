package dev.gridstride.program;

/** What a value is for, and so how long it lives. */
public enum Role {
  /** Written by the caller before a run. Persistent. */
  INPUT,
  /** A data set or other constant, written once by the caller. Persistent. */
  DATA,
  /** Learned by the optimiser. Persistent, shared by name between programs of one session. */
  PARAMETER,
  /**
   * Counters, optimiser moments, running statistics. Persistent, shared by name like parameters.
   */
  STATE,
  /** Computed by an op of the forward pass; lives within one run. */
  ACTIVATION,
  /** Computed by an op of the backward pass; lives within one run. */
  GRADIENT;

  /** Whether a value of this role keeps its content from one run to the next. */
  public boolean persistent() {
    return this != ACTIVATION && this != GRADIENT;
  }
}
