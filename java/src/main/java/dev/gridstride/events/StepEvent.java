package dev.gridstride.events;

import jdk.jfr.Category;
import jdk.jfr.Description;
import jdk.jfr.Event;
import jdk.jfr.EventType;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.StackTrace;

/** Training steps that were handed to the device at once. */
@Name("dev.gridstride.TrainingStep")
@Label("Training Step")
@Description("Training steps handed to the device at once; the duration is the host's")
@Category("Gridstride")
@StackTrace(false)
public final class StepEvent extends Event {
  /** Loaded once something records. */
  private static final class Type {
    static final EventType OF_THIS = EventType.getEventType(StepEvent.class);
  }

  @Label("Epoch")
  int epoch;

  @Label("Samples of the Epoch Before")
  int position;

  @Label("Samples")
  int samples;

  @Label("Steps")
  int steps;

  private StepEvent() {}

  /** Begins an event; null if nobody records it. */
  public static StepEvent start() {
    if (!Recorder.isUsed() || !Type.OF_THIS.isEnabled()) {
      return null;
    }
    StepEvent event = new StepEvent();
    event.begin();
    return event;
  }

  /**
   * Ends the event.
   *
   * @param started from {@link #start}; may be null
   * @param before samples of the epoch that were trained before
   */
  public static void end(StepEvent started, int epoch, int before, int samples, int steps) {
    if (started != null) {
      started.epoch = epoch;
      started.position = before;
      started.samples = samples;
      started.steps = steps;
      started.commit();
    }
  }
}
