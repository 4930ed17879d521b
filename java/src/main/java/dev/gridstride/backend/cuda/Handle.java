package dev.gridstride.backend.cuda;

import java.lang.ref.Cleaner;
import java.util.function.IntSupplier;

/**
 * Something native that must be freed: what it is, who made it where, and whether it is still open.
 * Does not refer to the Java object that wraps it, so that the cleaner can report one that was
 * dropped without being closed.
 */
final class Handle implements Runnable {
  private static final Cleaner CLEANER = Cleaner.create();
  private static final String PACKAGE = Handle.class.getPackageName() + ".";
  private static final StackWalker WALKER = StackWalker.getInstance();

  private final String what;
  private final String opened;
  private final String freeCall;
  private final IntSupplier free;
  private final boolean endsWithContext;
  private volatile String closed;

  /** Something that is freed with its context at the latest. */
  Handle(String what, String freeCall, IntSupplier free) {
    this(what, freeCall, free, true);
  }

  /**
   * Describes something that the driver has just made.
   *
   * @param what for messages, for example {@code buffer weights (4096 bytes)}
   * @param freeCall the driver's function that frees it
   * @param free calls it; null if there is nothing to free
   * @param endsWithContext whether the end of its context frees it too
   */
  Handle(String what, String freeCall, IntSupplier free, boolean endsWithContext) {
    this.what = what;
    this.freeCall = freeCall;
    this.free = free;
    this.endsWithContext = endsWithContext;
    this.opened = caller();
  }

  /**
   * Something that belongs to the caller: there is nothing to free, and dropping it is no leak.
   *
   * @param what for messages
   */
  static Handle foreign(String what) {
    return new Handle(what, "", null);
  }

  /** Reports a leak if {@code owner} is dropped before this is closed. */
  void watch(Object owner) {
    CLEANER.register(owner, this);
  }

  /** For the cleaner. */
  @Override
  public void run() {
    if (closed == null) {
      Log.warn(what + ", opened at " + opened + ", was never closed; it is freed with its context");
    }
  }

  String what() {
    return what;
  }

  boolean isOpen() {
    return closed == null;
  }

  /** Throws if this is closed. */
  void requireOpen(String doing) {
    if (closed != null) {
      throw new IllegalStateException(closedMessage(doing));
    }
  }

  String closedMessage(String doing) {
    return doing + ": " + what + " was closed at " + closed;
  }

  /** Marks this closed; false if it was already. */
  synchronized boolean markClosed(String where) {
    if (closed != null) {
      return false;
    }
    closed = where;
    return true;
  }

  boolean endsWithContext() {
    return endsWithContext;
  }

  /** Whether it is freed when it is closed. */
  boolean isOwned() {
    return free != null;
  }

  /** Frees it; what goes wrong is logged unless the context is lost anyway. Returns the status. */
  int free(String device, boolean contextLost) {
    int status = Status.of(free);
    if (status != Status.SUCCESS && !contextLost) {
      report(freeCall, status, device);
    }
    return status;
  }

  /** The driver's function that frees it. */
  String freeCall() {
    return freeCall;
  }

  /** Logs that a call failed which was to free this. */
  void report(String call, int status, String device) {
    String late = Status.fatal(status) ? "; an earlier launch may be at fault" : "";
    Log.warn(
        "closing "
            + what
            + ": "
            + call
            + " failed: "
            + Status.name(status)
            + " ("
            + status
            + ") on "
            + device
            + Simulator.lastErrorSuffix()
            + late);
  }

  /** The nearest caller outside this package, as {@code Example.java:12}. */
  static String caller() {
    return WALKER.walk(
        frames ->
            frames
                .filter(frame -> !inThisPackage(frame.getClassName()))
                .findFirst()
                .map(frame -> frame.getFileName() + ":" + frame.getLineNumber())
                .orElse("an unknown place"));
  }

  private static boolean inThisPackage(String className) {
    return className.startsWith(PACKAGE) && className.indexOf('.', PACKAGE.length()) < 0;
  }
}
