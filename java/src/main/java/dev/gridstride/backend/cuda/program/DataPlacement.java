package dev.gridstride.backend.cuda.program;

import dev.gridstride.program.Program;
import dev.gridstride.program.Value;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;

/**
 * Which data a program keeps on the device and which stream from the host: all on the device if
 * they fit beside the program, with an eighth of the free memory left for programs to come; else
 * the largest stream.
 *
 * @param streamed what streams
 * @param room bytes that are left for rings
 */
record DataPlacement(List<Value> streamed, long room) {
  /**
   * Decides about the values that a program brings.
   *
   * @param fresh those of them that are on no device yet
   * @param others bytes of all else that it brings
   * @param free bytes on the device
   * @param most bytes that data may take
   */
  static DataPlacement of(
      Program program, Collection<Value> fresh, long others, long free, long most) {
    List<Value> movable = new ArrayList<>();
    long resident = 0;
    for (Value value : fresh) {
      resident += value.type().bytes();
      if (DataStreams.canStream(value, program)) {
        movable.add(value);
      }
    }
    movable.sort(Comparator.comparingLong((Value value) -> value.type().bytes()).reversed());
    long room = Math.min(most, free - free / 8 - others);
    List<Value> streamed = new ArrayList<>();
    while (resident > room && streamed.size() < movable.size()) {
      Value largest = movable.get(streamed.size());
      streamed.add(largest);
      resident -= largest.type().bytes();
    }
    return new DataPlacement(List.copyOf(streamed), room - resident);
  }
}
