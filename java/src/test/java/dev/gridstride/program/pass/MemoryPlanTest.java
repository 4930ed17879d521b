package dev.gridstride.program.pass;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gridstride.program.Node;
import dev.gridstride.program.Program;
import dev.gridstride.program.Shape;
import dev.gridstride.program.TensorType;
import dev.gridstride.program.Value;
import dev.gridstride.program.op.Add;
import dev.gridstride.program.op.MaxPool2d;
import dev.gridstride.program.op.Pool2d;
import dev.gridstride.program.op.Relu;
import dev.gridstride.program.op.Reshape;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class MemoryPlanTest {
  private static final int ALIGNMENT = 64;

  private static long bytes(Value value) {
    return value.type().bytes();
  }

  /**
   * Runs a random program symbolically: every byte remembers whose it is, and each reader must find
   * its inputs whole, and the caller the outputs.
   */
  @ParameterizedTest(name = "seed {0}")
  @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20})
  void nothingIsOverwrittenBeforeItIsRead(long seed) {
    Program program = random(new SplittableRandom(seed));
    MemoryPlan plan = MemoryPlan.of(program, MemoryPlanTest::bytes, ALIGNMENT);
    Value[] owner = new Value[Math.toIntExact(plan.arenaBytes())];
    for (Node node : program.nodes()) {
      node.outputs().forEach(value -> own(owner, plan, value));
      node.inputs().forEach(value -> assertOwned(owner, plan, value, node.toString()));
      node.outputs().forEach(value -> assertOwned(owner, plan, value, node.toString()));
    }
    program.outputs().forEach(value -> assertOwned(owner, plan, value, "the caller"));
    assertTrue(plan.arenaBytes() <= plan.sumBytes());
  }

  private static void own(Value[] owner, MemoryPlan plan, Value value) {
    long offset = plan.offsets().get(value);
    assertEquals(0, offset % ALIGNMENT, value.toString());
    for (long i = offset; i < offset + bytes(value); i++) {
      owner[Math.toIntExact(i)] = value;
    }
  }

  private static void assertOwned(Value[] owner, MemoryPlan plan, Value value, String reader) {
    if (value.role().persistent()) {
      assertTrue(!plan.offsets().containsKey(value), value + " is persistent");
      return;
    }
    long offset = plan.offsets().get(value);
    for (long i = offset; i < offset + bytes(value); i++) {
      assertEquals(value, owner[Math.toIntExact(i)], "seed program, read by " + reader);
    }
  }

  /** Values of many sizes, each made from one or two earlier ones of the same size. */
  private static Program random(SplittableRandom random) {
    Program.Builder b = new Program.Builder();
    List<Value> values = new ArrayList<>();
    for (int i = 0; i < 4; i++) {
      int[] dims = {1, random.nextInt(1, 5), random.nextInt(2, 9), random.nextInt(2, 9)};
      values.add(b.input("x" + i, TensorType.float32(dims)));
    }
    for (int i = 0; i < 40; i++) {
      Value a = values.get(random.nextInt(values.size()));
      List<Value> alike =
          values.stream()
              .filter(v -> v.type().equals(a.type()))
              .collect(Collectors.toCollection(ArrayList::new));
      Value other = alike.get(random.nextInt(alike.size()));
      boolean poolable = a.shape().rank() == 4 && a.shape().dim(2) > 1 && a.shape().dim(3) > 1;
      switch (random.nextInt(4)) {
        case 0 -> values.add(b.add("relu", new Relu(), a));
        case 1 ->
            values.add(
                b.add("flat", new Reshape(Shape.of(1, Math.toIntExact(a.shape().elements()))), a));
        case 2 -> {
          if (poolable) {
            values.add(b.addAll("pool", new MaxPool2d(Pool2d.of(2)), List.of(a)).get(0));
          }
        }
        default -> values.add(b.add("sum", new Add(), a, other));
      }
    }
    for (int i = 0; i < 3; i++) {
      Value output = values.get(random.nextInt(4, values.size()));
      b.output(output);
    }
    return b.build();
  }

  /** In a chain, only a value and its successor live at once, whatever its length. */
  @Test
  void aChainNeedsTwoValues() {
    Program.Builder b = new Program.Builder();
    Value x = b.input("x", TensorType.float32(1, 16));
    for (int i = 0; i < 10; i++) {
      x = b.add("y", new Relu(), x);
    }
    b.output(x);
    MemoryPlan plan = MemoryPlan.of(b.build(), MemoryPlanTest::bytes, ALIGNMENT);
    assertEquals(2 * 64, plan.arenaBytes());
    assertEquals(10 * 64, plan.sumBytes());
  }

  @Test
  void sizesAreRoundedUpAndZeroLeavesOut() {
    Program.Builder b = new Program.Builder();
    Value x = b.input("x", TensorType.float32(1, 3));
    Value y = b.add("y", new Relu(), x);
    Value z = b.add("z", new Relu(), y);
    b.output(z);
    MemoryPlan both = MemoryPlan.of(b.build(), MemoryPlanTest::bytes, ALIGNMENT);
    assertEquals(2 * 64, both.arenaBytes());
    MemoryPlan one = MemoryPlan.of(b.build(), v -> v == y ? 0 : bytes(v), ALIGNMENT);
    assertEquals(64, one.arenaBytes());
    assertEquals(List.of(z), List.copyOf(one.offsets().keySet()));
  }
}
