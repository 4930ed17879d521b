package dev.gridstride.events;

import jdk.jfr.Category;
import jdk.jfr.DataAmount;
import jdk.jfr.Event;
import jdk.jfr.EventType;
import jdk.jfr.Label;
import jdk.jfr.Name;

/** Device memory that was allocated or freed. */
@Name("dev.gridstride.DeviceMemory")
@Label("Device Memory")
@Category("Gridstride")
public final class MemoryEvent extends Event {
  /** Loaded once something records. */
  private static final class Type {
    static final EventType OF_THIS = EventType.getEventType(MemoryEvent.class);
  }

  @Label("Action")
  String action;

  @Label("Name")
  String name;

  @Label("Size")
  @DataAmount
  long bytes;

  @Label("Address")
  long address;

  private MemoryEvent() {}

  /** Memory was allocated. */
  public static void allocated(String name, long bytes, long address) {
    happened("allocate", name, bytes, address);
  }

  /** Memory was freed. */
  public static void freed(String name, long bytes, long address) {
    happened("free", name, bytes, address);
  }

  private static void happened(String action, String name, long bytes, long address) {
    if (Recorder.isUsed() && Type.OF_THIS.isEnabled()) {
      MemoryEvent event = new MemoryEvent();
      if (event.shouldCommit()) {
        event.action = action;
        event.name = name;
        event.bytes = bytes;
        event.address = address;
        event.commit();
      }
    }
  }
}
