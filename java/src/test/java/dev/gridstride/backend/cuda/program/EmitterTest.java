package dev.gridstride.backend.cuda.program;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gridstride.backend.BackendException;
import dev.gridstride.backend.Precision;
import dev.gridstride.backend.cuda.Dim;
import dev.gridstride.program.Node;
import dev.gridstride.program.Role;
import dev.gridstride.program.TensorType;
import dev.gridstride.program.Value;
import dev.gridstride.program.op.Relu;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class EmitterTest {
  private final Map<Value, Place.Memory> memories = new HashMap<>();

  private static Value value(String name, int... dims) {
    return Value.of(name, TensorType.float32(dims), Role.STATE, false);
  }

  private Emitter emitter(boolean inPlace, Value input, Value output) {
    return new Emitter(
        new Node(new Relu(), List.of(input), List.of(output)),
        inPlace,
        v ->
            Place.of(
                memories.computeIfAbsent(v, x -> new Place.Memory(x.name(), x.type().bytes()))),
        Value::shape,
        new Emitter.Traits(132, 90, Precision.FLOAT32));
  }

  @Test
  void anOutputThatIsAnInputIsCopiedIntoPlaceAfterwards() {
    Value x = value("x", 5);
    Emitter e = emitter(false, x, x);
    Place out = e.out(0);
    assertFalse(out.sameMemory(e.in(0)));
    assertSame(out, e.out(0));
    e.clear(out, 20);
    List<Command> commands = e.commands();
    assertEquals(new Command.Clear(out, 20), commands.get(0));
    Command.Copy copy = (Command.Copy) commands.get(1);
    assertTrue(copy.to().sameMemory(e.in(0)));
    assertSame(out, copy.from());
    assertEquals(20, copy.bytes());
    assertEquals(2, commands.size());
  }

  @Test
  void anOpInPlaceGetsItsInputAsOutput() {
    Value x = value("x", 5);
    Emitter e = emitter(true, x, x);
    assertTrue(e.out(0).sameMemory(e.in(0)));
    assertEquals(List.of(), e.commands());
  }

  @Test
  void rowMajorPlacesArePermutedBeforeAndAfter() {
    Emitter e = emitter(false, value("x", 2, 3, 4, 5), value("y", 2, 3, 4, 5));
    Place to = e.rowMajorOut(0);
    Place from = e.rowMajorIn(0);
    assertFalse(to.sameMemory(e.out(0)));
    assertFalse(from.sameMemory(e.in(0)));
    e.copy(to, from, 480);
    List<Command> commands = e.commands();
    assertEquals(3, commands.size());
    Command.Launch before = (Command.Launch) commands.get(0);
    Command.Launch after = (Command.Launch) commands.get(2);
    assertTrue(before.args().contains(from));
    assertEquals(new Command.Copy(to, from, 480), commands.get(1));
    assertTrue(after.args().contains(to));
    assertEquals(2, e.scratches().size());
  }

  @Test
  void rowMajorPlacesOfOtherRanksAreTheValuesOwn() {
    Emitter e = emitter(false, value("x", 2, 3), value("y", 2, 1, 4, 5));
    assertTrue(e.rowMajorIn(0).sameMemory(e.in(0)));
    assertTrue(e.rowMajorOut(0).sameMemory(e.out(0)));
    assertEquals(List.of(), e.commands());
  }

  @Test
  void argumentsAreOfTheKernelsTypes() {
    Emitter e = emitter(false, value("x", 4), value("y", 4));
    Dim one = Dim.of(1);
    e.launch("relu", "relu_f32", one, one, 0, e.out(0), Place.NULL, 1, 2L, 3f, 4.0);
    IllegalArgumentException error =
        assertThrows(
            IllegalArgumentException.class,
            () -> e.launch("relu", "relu_f32", one, one, 0, e.out(0), true));
    assertEquals(
        "relu_f32: argument 1 must be a Place, Integer, Long, Float or Double, got Boolean",
        error.getMessage());
  }

  @Test
  void rangesAreChecked() {
    Emitter e = emitter(false, value("x", 4), value("y", 4));
    assertThrows(IllegalArgumentException.class, () -> e.copy(e.out(0), e.in(0), 17));
    assertThrows(IllegalArgumentException.class, () -> e.clear(e.out(0).plus(8), 9));
    assertThrows(IndexOutOfBoundsException.class, () -> e.out(0).plus(17));
    assertThrows(IllegalArgumentException.class, () -> e.scratch(0));
    assertEquals(7, e.int32(7, "rows"));
    BackendException error = assertThrows(BackendException.class, () -> e.int32(1L << 31, "rows"));
    assertTrue(error.getMessage().contains("rows is 2147483648"), error.getMessage());
  }

  @Test
  void constantsKeepTheirValues() {
    Emitter e = emitter(false, value("x", 4), value("y", 4));
    float[] values = {1, 2};
    Place place = e.constant(values);
    values[0] = 9;
    assertEquals(8, place.bytes());
    assertArrayEquals(new float[] {1, 2}, e.constants().values().iterator().next());
  }
}
