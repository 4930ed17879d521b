package dev.gridstride.backend;

/**
 * Scalars that the host follows while the device works on. A request is answered some time later,
 * when the device has come that far; until then the values are those of the request before. Only
 * {@link #await} waits. For one thread.
 */
public interface Readings extends AutoCloseable {
  /**
   * Asks for the values as they are after all runs so far. Does nothing while an earlier request is
   * not answered.
   */
  void request();

  /** Takes the answer if it has come; whether no request is open. Does not wait. */
  boolean poll();

  /** Waits until no request is open. */
  void await();

  /** A value as of the last answer, in the order in which they were given; 0 before the first. */
  double get(int index);

  /** Frees what it holds. Never throws. */
  @Override
  void close();
}
