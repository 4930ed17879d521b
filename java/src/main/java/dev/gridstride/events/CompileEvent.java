package dev.gridstride.events;

import jdk.jfr.Category;
import jdk.jfr.DataAmount;
import jdk.jfr.Event;
import jdk.jfr.EventType;
import jdk.jfr.Label;
import jdk.jfr.Name;

/** A program that a device compiled. */
@Name("dev.gridstride.Compile")
@Label("Compile Program")
@Category("Gridstride")
public final class CompileEvent extends Event {
  /** Loaded once something records. */
  private static final class Type {
    static final EventType OF_THIS = EventType.getEventType(CompileEvent.class);
  }

  @Label("Device")
  String device;

  @Label("Nodes")
  int nodes;

  @Label("Outputs")
  String outputs;

  @Label("Planned Memory")
  @DataAmount
  long bytes;

  private CompileEvent() {}

  /** Begins an event; null if nobody records it. */
  public static CompileEvent start() {
    if (!Recorder.isUsed() || !Type.OF_THIS.isEnabled()) {
      return null;
    }
    CompileEvent event = new CompileEvent();
    event.begin();
    return event;
  }

  /**
   * Ends the event.
   *
   * @param started from {@link #start}; may be null
   * @param outputs of the program
   * @param bytes of arena and scratch memory
   */
  public static void end(
      CompileEvent started, String device, int nodes, Object outputs, long bytes) {
    if (started != null) {
      started.device = device;
      started.nodes = nodes;
      started.outputs = outputs.toString();
      started.bytes = bytes;
      started.commit();
    }
  }
}
