package dev.gridstride.backend;

import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;

/**
 * A program did not fit the memory of a device. Nothing of it was kept, and the session can go on
 * with smaller ones.
 */
public final class OutOfDeviceMemoryException extends BackendException {
  private static final long serialVersionUID = 1L;

  /**
   * How full the device is.
   *
   * @param device its name, for messages
   * @param totalBytes all of its memory
   * @param freeBytes what nobody uses
   * @param ownBytes what the session has
   */
  public record Occupancy(String device, long totalBytes, long freeBytes, long ownBytes) {
    /** What other sessions and processes have, and the driver itself. */
    public long othersBytes() {
      return Math.max(0, totalBytes - freeBytes - ownBytes);
    }
  }

  /**
   * A value.
   *
   * @param name as in the program
   * @param bytes its size on the device
   */
  public record Large(String name, long bytes) {
    @Override
    public String toString() {
      return name + " (" + count(bytes) + " bytes)";
    }
  }

  private final String problem;
  private final long freeBytes;
  private final long wantedBytes;

  /**
   * The error.
   *
   * @param wanted what the program would have added
   * @param largest the largest values of the session and the program
   * @param cause the failed call
   */
  public OutOfDeviceMemoryException(
      MemoryUse wanted, Occupancy occupancy, List<Large> largest, Throwable cause) {
    this(describe(wanted, occupancy, largest), "", wanted.bytes(), occupancy.freeBytes(), cause);
  }

  private OutOfDeviceMemoryException(
      String problem, String batch, long wantedBytes, long freeBytes, Throwable cause) {
    super(
        problem
            + batch
            + "; take a smaller batch, end other processes on the device, or take another device ("
            + cause.getMessage()
            + ")",
        cause);
    this.problem = problem;
    this.wantedBytes = wantedBytes;
    this.freeBytes = freeBytes;
  }

  private static String describe(MemoryUse wanted, Occupancy occupancy, List<Large> largest) {
    return "out of memory on "
        + occupancy.device()
        + ": the program needs "
        + count(wanted.bytes())
        + " bytes ("
        + count(wanted.persistentBytes())
        + " for weights, states and data, "
        + count(wanted.programBytes())
        + " to compute), "
        + count(occupancy.freeBytes())
        + " of "
        + count(occupancy.totalBytes())
        + " are free; this session holds "
        + count(occupancy.ownBytes())
        + ", others "
        + count(occupancy.othersBytes())
        + "; the largest values are "
        + largest.stream().map(Large::toString).collect(Collectors.joining(", "));
  }

  private static String count(long bytes) {
    return String.format(Locale.ROOT, "%,d", bytes);
  }

  /**
   * The same error with the cure.
   *
   * @param batch the largest batch that fits, or 0 if none does
   */
  public OutOfDeviceMemoryException withLargestBatch(int batch) {
    String text =
        batch == 0
            ? "; not even a batch of 1 fits"
            : "; the largest batch that fits is " + batch + " (--batch " + batch + ")";
    return new OutOfDeviceMemoryException(problem, text, wantedBytes, freeBytes, getCause());
  }

  /** Bytes that the program would have added. */
  public long wantedBytes() {
    return wantedBytes;
  }

  /** Bytes of the device that nobody used when the program was given up. */
  public long freeBytes() {
    return freeBytes;
  }
}
