package dev.gridstride.backend.cuda;

import dev.gridstride.backend.BackendException;

/**
 * A call of cuBLAS or cuDNN failed. The message has the call, the status's name and number, the
 * device, what was being done, and on the simulated device its own words.
 *
 * <p>Their kernels run later than the call that asks for them, so an error can surface in a later,
 * innocent call, of the driver as a rule.
 */
public final class LibraryException extends BackendException {
  private static final long serialVersionUID = 1L;

  private final String call;
  private final int status;

  LibraryException(
      String call, int status, String statusName, String device, String doing, String detail) {
    super(
        call
            + " failed: "
            + statusName
            + " ("
            + status
            + ") on "
            + device
            + ", "
            + doing
            + (detail.isEmpty() ? "" : ": " + detail));
    this.call = call;
    this.status = status;
  }

  /** The library's function, for example {@code cudnnConvolutionForward}. */
  public String call() {
    return call;
  }

  /** The status as the library counts. */
  public int status() {
    return status;
  }
}
