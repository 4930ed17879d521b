package dev.gridstride.backend;

import java.util.List;
import java.util.Locale;
import java.util.OptionalInt;
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
   * @param granule what an allocation takes more than its size, at most
   */
  public record Occupancy(
      String device, long totalBytes, long freeBytes, long ownBytes, long granule) {
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
  private final long wantedBytes;
  private final long freeBytes;
  private final long ownBytes;
  private final long granule;
  private final int largestBatch;

  /**
   * The error.
   *
   * @param wanted what the program would have added
   * @param largest the largest values of the session and the program
   * @param cause the failed call
   */
  public OutOfDeviceMemoryException(
      MemoryUse wanted, Occupancy occupancy, List<Large> largest, Throwable cause) {
    super(message(describe(wanted, occupancy, largest), "", cause), cause);
    problem = describe(wanted, occupancy, largest);
    wantedBytes = wanted.bytes();
    freeBytes = occupancy.freeBytes();
    ownBytes = occupancy.ownBytes();
    granule = occupancy.granule();
    largestBatch = -1;
  }

  private OutOfDeviceMemoryException(OutOfDeviceMemoryException before, int batch) {
    super(
        message(
            before.problem,
            batch == 0
                ? "; not even a batch of 1 fits"
                : "; the largest batch that fits is "
                    + batch
                    + " (--batch "
                    + batch
                    + ", or batch("
                    + batch
                    + ") of Trainer.Builder)",
            before.getCause()),
        before.getCause());
    problem = before.problem;
    wantedBytes = before.wantedBytes;
    freeBytes = before.freeBytes;
    ownBytes = before.ownBytes;
    granule = before.granule;
    largestBatch = batch;
    setStackTrace(before.getStackTrace());
  }

  private static String message(String problem, String batch, Throwable cause) {
    return problem
        + batch
        + "; take a smaller batch, end other processes on the device, or take another device ("
        + cause.getMessage()
        + ")";
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
        + ", others (sessions, processes, the driver) "
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
    return new OutOfDeviceMemoryException(this, batch);
  }

  /** The largest batch that fits, 0 if none does; empty if nobody has found out. */
  public OptionalInt largestBatch() {
    return largestBatch < 0 ? OptionalInt.empty() : OptionalInt.of(largestBatch);
  }

  /**
   * Whether programs would fit the memory that was free, and what the session has freed since.
   *
   * @param plan what they need, from {@link Session#plan}
   * @param now what the session has
   */
  public boolean hasRoomFor(MemoryUse plan, MemoryUse now) {
    long room = freeBytes + ownBytes - now.bytes();
    return plan.bytes() + plan.allocations() * granule <= room;
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
