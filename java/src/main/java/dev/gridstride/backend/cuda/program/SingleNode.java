package dev.gridstride.backend.cuda.program;

import dev.gridstride.backend.Executable;
import dev.gridstride.backend.Session;
import dev.gridstride.program.Bfloat16;
import dev.gridstride.program.Node;
import dev.gridstride.program.Op;
import dev.gridstride.program.Program;
import dev.gridstride.program.Role;
import dev.gridstride.program.Shape;
import dev.gridstride.program.Tensor;
import dev.gridstride.program.TensorType;
import dev.gridstride.program.Value;
import dev.gridstride.program.op.BatchNormBackward;
import dev.gridstride.program.op.BatchNormInference;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.function.Predicate;

/** A node of a program as a program of its own, with data drawn from a seed. */
final class SingleNode {
  private static final long SEED = 1;

  private final Node node;
  private final Program program;
  private final List<Value> results = new ArrayList<>();

  /**
   * All that the original reads is given from outside; what it writes can be read, as far as
   * somebody reads it of the original.
   *
   * @param name what the names of its values begin with
   * @param read whether anybody reads a value
   */
  SingleNode(String name, Node original, Predicate<Value> read) {
    Map<Value, Value> given = new HashMap<>();
    List<Value> inputs = new ArrayList<>();
    for (Value value : original.inputs()) {
      Value known = given.get(value);
      if (known == null) {
        known = given(name + ".x" + given.size(), value);
        given.put(value, known);
      }
      inputs.add(known);
    }
    List<Value> outputs = new ArrayList<>();
    for (Value value : original.outputs()) {
      Value output = given.get(value);
      if (output == null) {
        String number = name + ".y" + outputs.size();
        output = Value.of(number, value.type(), Role.ACTIVATION, value.batched());
      }
      outputs.add(output);
      if (read.test(value)) {
        results.add(output);
      }
    }
    node = new Node(original.op(), inputs, outputs);
    program = Program.of(List.of(node), results);
  }

  /** What is no batch may be a weight, which is then stored as in the original. */
  private static Value given(String name, Value value) {
    boolean batch = value.batched() && value.shape().rank() > 0;
    Role role = batch ? Role.INPUT : value.role() == Role.PARAMETER ? Role.PARAMETER : Role.STATE;
    return Value.of(name, value.type(), role, batch);
  }

  Program program() {
    return program;
  }

  Node node() {
    return node;
  }

  /** What the inputs hold, the same in every call. */
  Map<Value, Tensor> data() {
    SplittableRandom random = new SplittableRandom(SEED);
    Map<Value, Tensor> data = new HashMap<>();
    node.inputs().forEach(value -> data.computeIfAbsent(value, v -> draw(v.type(), -1, random)));
    Op op = node.op();
    if (op instanceof BatchNormInference) {
      Value variance = node.input(4);
      data.put(variance, draw(variance.type(), 0.5, random));
    } else if (op instanceof BatchNormBackward backward) {
      if (backward.batchStatistics()) {
        statistics(data);
      } else {
        Value variance = node.input(3);
        data.put(variance, draw(variance.type(), 0.5, random));
      }
    }
    return data;
  }

  /** Up to 1, from {@code least}; zeros for whatever is no real number. */
  private static Tensor draw(TensorType type, double least, SplittableRandom random) {
    Tensor tensor = Tensor.zeros(type);
    int count = Math.toIntExact(type.shape().elements());
    switch (type.dtype()) {
      case FLOAT32 -> {
        for (int i = 0; i < count; i++) {
          tensor.floats()[i] = (float) random.nextDouble(least, 1);
        }
      }
      case BFLOAT16 -> {
        for (int i = 0; i < count; i++) {
          tensor.bfloat16s()[i] = Bfloat16.of((float) random.nextDouble(least, 1));
        }
      }
      default -> {}
    }
    return tensor;
  }

  /** Mean and variance that belong to x: an implementation may compute them again. */
  private void statistics(Map<Value, Tensor> data) {
    Tensor x = data.get(node.input(0));
    Shape shape = x.shape();
    int channels = shape.dim(1);
    int pixels = (int) (shape.elementsPerRow() / channels);
    double[] sums = new double[channels];
    double[] squares = new double[channels];
    for (int i = 0; i < shape.elements(); i++) {
      int c = i / pixels % channels;
      sums[c] += x.get(i);
      squares[c] += x.get(i) * x.get(i);
    }
    double count = (double) shape.elements() / channels;
    Tensor mean = Tensor.zeros(node.input(2).type());
    Tensor variance = Tensor.zeros(node.input(3).type());
    for (int c = 0; c < channels; c++) {
      double m = sums[c] / count;
      mean.floats()[c] = (float) m;
      variance.floats()[c] = (float) Math.max(0, squares[c] / count - m * m);
    }
    data.put(node.input(2), mean);
    data.put(node.input(3), variance);
  }

  /** What is read of the outputs, after one run on {@link #data}. */
  List<Tensor> results(Session session, Executable executable) {
    data().forEach(session::write);
    executable.run();
    return results.stream().map(executable::read).toList();
  }
}
