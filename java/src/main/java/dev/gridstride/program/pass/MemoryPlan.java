package dev.gridstride.program.pass;

import dev.gridstride.program.Node;
import dev.gridstride.program.Program;
import dev.gridstride.program.Value;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.ToLongFunction;

/**
 * Places the values that live within one run in a single arena, so that values whose lifetimes do
 * not overlap share memory. Greedy by size (Pisarchyk and Lee, "Efficient memory management for
 * deep neural net inference", 2020): the largest value first, each at the lowest offset where it
 * fits.
 *
 * @param offsets of each placed value in bytes
 * @param arenaBytes size of the arena
 * @param sumBytes what the values would take without sharing
 */
public record MemoryPlan(Map<Value, Long> offsets, long arenaBytes, long sumBytes) {
  /** Copies the map. */
  public MemoryPlan {
    offsets = Collections.unmodifiableMap(new LinkedHashMap<>(offsets));
  }

  private record Interval(Value value, long bytes, int first, int last) {
    boolean overlaps(Interval other) {
      return first <= other.last && other.first <= last;
    }
  }

  /**
   * Plans the memory of a program.
   *
   * @param program nodes in the order in which they run
   * @param bytes physical size of a value; 0 leaves it out of the plan
   * @param alignment every offset is a multiple of it, in bytes
   */
  public static MemoryPlan of(Program program, ToLongFunction<Value> bytes, int alignment) {
    List<Interval> intervals = lifetimes(program, bytes, alignment);
    intervals.sort(
        Comparator.comparingLong(Interval::bytes).reversed().thenComparingInt(Interval::first));
    Map<Interval, Long> placed = new LinkedHashMap<>();
    long arena = 0;
    long sum = 0;
    for (Interval interval : intervals) {
      long offset = lowestFit(placed, interval);
      placed.put(interval, offset);
      arena = Math.max(arena, offset + interval.bytes());
      sum += interval.bytes();
    }
    Map<Value, Long> offsets = new LinkedHashMap<>();
    placed.forEach((interval, offset) -> offsets.put(interval.value(), offset));
    return new MemoryPlan(offsets, arena, sum);
  }

  private static List<Interval> lifetimes(
      Program program, ToLongFunction<Value> bytes, int alignment) {
    Map<Value, int[]> lives = new LinkedHashMap<>();
    for (int i = 0; i < program.nodes().size(); i++) {
      Node node = program.nodes().get(i);
      for (Value value : node.outputs()) {
        int[] life = lives.computeIfAbsent(value, v -> new int[] {Integer.MAX_VALUE, 0});
        life[0] = Math.min(life[0], i);
        life[1] = Math.max(life[1], i);
      }
      for (Value value : node.inputs()) {
        if (lives.containsKey(value)) {
          lives.get(value)[1] = i;
        }
      }
    }
    program.outputs().stream()
        .filter(lives::containsKey)
        .forEach(value -> lives.get(value)[1] = program.nodes().size());
    List<Interval> intervals = new ArrayList<>();
    lives.forEach(
        (value, life) -> {
          long size = value.role().persistent() ? 0 : bytes.applyAsLong(value);
          if (size > 0) {
            long padded = Math.multiplyExact((size + alignment - 1) / alignment, (long) alignment);
            intervals.add(new Interval(value, padded, life[0], life[1]));
          }
        });
    return intervals;
  }

  private static long lowestFit(Map<Interval, Long> placed, Interval wanted) {
    List<Map.Entry<Interval, Long>> neighbours =
        placed.entrySet().stream()
            .filter(entry -> entry.getKey().overlaps(wanted))
            .sorted(Map.Entry.comparingByValue())
            .toList();
    long offset = 0;
    for (Map.Entry<Interval, Long> neighbour : neighbours) {
      if (offset + wanted.bytes() <= neighbour.getValue()) {
        break;
      }
      offset = Math.max(offset, neighbour.getValue() + neighbour.getKey().bytes());
    }
    return offset;
  }
}
