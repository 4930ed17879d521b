package dev.gridstride.backend.cuda.program;

import dev.gridstride.program.Shape;
import dev.gridstride.program.Value;
import java.util.List;
import java.util.function.Function;

/** What a program finds in place: memory that is not its own, and how values are stored. */
interface Surroundings {
  /**
   * The memory of a value that outlives the program's runs or is shared with other programs; null
   * for one whose memory is the program's own.
   */
  Place.Memory memory(Value value);

  /** The shape as which a value is stored: its own, but see {@link StoredShapes}. */
  Shape stored(Value value);

  /** Updates that may be done together, in the order in which their weights lie in memory. */
  List<OptimizerGroup> groups();

  /** Every persistent value has memory of its own and is stored as its shape says. */
  static Surroundings apart(Function<Value, Place.Memory> persistent) {
    return new Surroundings() {
      @Override
      public Place.Memory memory(Value value) {
        return value.role().persistent() ? persistent.apply(value) : null;
      }

      @Override
      public Shape stored(Value value) {
        return value.shape();
      }

      @Override
      public List<OptimizerGroup> groups() {
        return List.of();
      }
    };
  }
}
