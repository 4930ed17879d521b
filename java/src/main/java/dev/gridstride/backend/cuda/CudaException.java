package dev.gridstride.backend.cuda;

import dev.gridstride.backend.BackendException;

/**
 * A call of the CUDA driver failed. The message has the call, the error's name and number, the
 * device, what was being done, on the simulated device its own words, and the cure if there is one.
 *
 * <p>Kernels and asynchronous copies run later than the call that asks for them, so an error can
 * surface in a later, innocent call; the message says so where it may be the case.
 */
public final class CudaException extends BackendException {
  private static final long serialVersionUID = 1L;

  private final String call;
  private final int code;
  private final String detail;

  CudaException(String call, int code, String device, String doing, String detail) {
    super(message(call, code, device, doing, detail));
    this.call = call;
    this.code = code;
    this.detail = detail;
  }

  private static String message(String call, int code, String device, String doing, String detail) {
    StringBuilder text = new StringBuilder();
    text.append(call).append(" failed: ").append(Status.name(code)).append(" (").append(code);
    text.append(") on ").append(device).append(", ").append(doing);
    if (!detail.isEmpty()) {
      text.append(": ").append(detail);
    }
    String cure = Cures.of(call, code);
    if (!cure.isEmpty()) {
      text.append("; ").append(cure);
    }
    if (Status.fatal(code)) {
      text.append(
          "; CUDA errors can surface late, so an earlier launch may be at fault; the context is"
              + " lost: close it and open another, on a card in a new process");
    }
    return text.toString();
  }

  /** The driver's function, for example {@code cuMemAlloc}. */
  public String call() {
    return call;
  }

  /** The error's number, for example 2. */
  public int code() {
    return code;
  }

  /** The error's name, for example {@code CUDA_ERROR_OUT_OF_MEMORY}. */
  public String codeName() {
    return Status.name(code);
  }

  /** The words of the simulated device or of the driver's compiler; empty if there are none. */
  public String detail() {
    return detail;
  }

  /** Whether work that was put in before may be at fault rather than this call. */
  public boolean isLate() {
    return isFatal() || code == Status.UNKNOWN;
  }

  /** Whether the context is lost: all that follows in it fails. Otherwise one may go on. */
  public boolean isFatal() {
    return Status.fatal(code);
  }
}
