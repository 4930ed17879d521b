package dev.gridstride.events;

import jdk.jfr.Category;
import jdk.jfr.Description;
import jdk.jfr.Event;
import jdk.jfr.EventType;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.StackTrace;
import jdk.jfr.Timespan;

/** A kernel that was put on a stream by itself, not within a graph. */
@Name("dev.gridstride.Kernel")
@Label("Kernel")
@Description("A kernel put on a stream by a plain launch, or timed on the device by a profile")
@Category("Gridstride")
@StackTrace(false)
public final class KernelEvent extends Event {
  /** Loaded once something records. */
  private static final class Type {
    static final EventType OF_THIS = EventType.getEventType(KernelEvent.class);
  }

  @Label("Kernel")
  String kernel;

  @Label("Grid, Block, Shared Memory")
  String geometry;

  @Label("Node")
  @Description("The program's node that it computes, if a profile timed it")
  String node;

  @Label("Time on the Device")
  @Description("0 if it was not timed")
  @Timespan(Timespan.NANOSECONDS)
  long deviceTime;

  private KernelEvent() {}

  /** Begins the event of a launch; null if nobody records it. */
  public static KernelEvent start() {
    if (!Recorder.isUsed() || !Type.OF_THIS.isEnabled()) {
      return null;
    }
    KernelEvent event = new KernelEvent();
    event.begin();
    return event;
  }

  /**
   * Ends the event of a launch.
   *
   * @param started from {@link #start}; may be null
   * @param kernel entry point
   * @param launch says what was launched, with grid and block
   */
  public static void end(KernelEvent started, String kernel, Object launch) {
    if (started != null) {
      started.kernel = kernel;
      started.geometry = launch.toString();
      started.commit();
    }
  }

  /** An event of a kernel that the device has timed. */
  public static void timed(String kernel, String geometry, Object node, double nanos) {
    KernelEvent event = start();
    if (event != null) {
      event.kernel = kernel;
      event.geometry = geometry;
      event.node = node.toString();
      event.deviceTime = Math.round(nanos);
      event.commit();
    }
  }
}
