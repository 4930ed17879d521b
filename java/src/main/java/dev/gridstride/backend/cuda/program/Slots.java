package dev.gridstride.backend.cuda.program;

import dev.gridstride.program.Node;
import dev.gridstride.program.Program;
import dev.gridstride.program.Shape;
import dev.gridstride.program.TensorType;
import dev.gridstride.program.Value;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/** A {@link Slot} for each value that the caller of a {@link CudaProgram} binds. */
final class Slots {
  private final Map<Value, Slot> slots = new LinkedHashMap<>();
  private final Map<Value, String> layouts = new HashMap<>();
  private final Map<Value, Place.Memory> memories = new HashMap<>();
  private final Map<Place.Memory, Slot> byMemory = new HashMap<>();

  /** All of them, without making an iterator. */
  private final List<Slot> order;

  /**
   * One for each.
   *
   * @param program what runs within the boundary
   */
  Slots(Boundary boundary, Program program) {
    Set<Value> written =
        program.nodes().stream()
            .map(Node::outputs)
            .flatMap(List::stream)
            .collect(Collectors.toSet());
    boundary
        .bound()
        .forEach(
            (original, value) -> {
              long bytes = value.type().bytes();
              boolean isWritten = written.contains(value);
              String layout = layout(original, value);
              String what =
                  original.name()
                      + " ("
                      + original.type()
                      + ", "
                      + layout
                      + (isWritten ? ", written)" : ")");
              long alignment = alignment(original.type(), boundary.isCopied(original));
              Slot slot = new Slot(what, bytes, alignment, isWritten);
              Place.Memory memory = new Place.Memory(value.name(), bytes);
              slots.put(original, slot);
              layouts.put(original, layout);
              memories.put(value, memory);
              byMemory.put(memory, slot);
            });
    order = List.copyOf(slots.values());
  }

  private static long alignment(TensorType type, boolean copied) {
    return copied || type.shape().elements() == 1 ? type.dtype().bytes() : CudaProgram.ALIGNMENT;
  }

  private static String layout(Value original, Value value) {
    Shape shape = original.shape();
    if (!value.shape().equals(shape) || shape.rank() != 4) {
      return "row by row";
    }
    return "channels last ["
        + shape.dim(0)
        + ","
        + shape.dim(2)
        + ","
        + shape.dim(3)
        + ","
        + shape.dim(1)
        + "]";
  }

  /** What is to be bound. */
  Set<Value> values() {
    return Collections.unmodifiableSet(slots.keySet());
  }

  /** The slot of a value of the caller. */
  Slot of(Value value) {
    Slot slot = slots.get(value);
    if (slot == null) {
      throw new IllegalArgumentException(
          "program: "
              + value
              + " is none of its inputs and outputs, which are "
              + slots.keySet().stream().map(Value::name).collect(Collectors.joining(", ")));
    }
    return slot;
  }

  /** How a value of the caller lies in memory, in words. */
  String layout(Value value) {
    of(value);
    return layouts.get(value);
  }

  /** What stands for a value of the program within the boundary; null if it is not bound. */
  Place.Memory memory(Value value) {
    return memories.get(value);
  }

  /** The slot that the memory stands for, or null. */
  Slot at(Place.Memory memory) {
    return byMemory.get(memory);
  }

  /** Throws if nothing is in one of them, or memory that was closed. Makes no objects. */
  void requireUsable() {
    for (int i = 0; i < order.size(); i++) {
      if (order.get(i).buffer() == null) {
        throw notBound();
      }
      order.get(i).requireOpen();
    }
  }

  private IllegalStateException notBound() {
    return new IllegalStateException(
        "program: not bound: "
            + order.stream()
                .filter(slot -> slot.buffer() == null)
                .map(Slot::what)
                .collect(Collectors.joining(", "))
            + "; call bind for each");
  }

  /** Throws if what a run writes overlaps anything else. Makes no objects. */
  void requireApart(Slot workspace) {
    for (int i = 0; i < order.size(); i++) {
      for (int j = 0; j < i; j++) {
        order.get(i).requireApart(order.get(j));
      }
      if (workspace.bytes() > 0) {
        order.get(i).requireApart(workspace);
      }
    }
  }

  /** Tells all pointers where the memory is. Makes no objects. */
  void settle() {
    for (int i = 0; i < order.size(); i++) {
      order.get(i).settle();
    }
  }
}
