package dev.gridstride.backend.cpu;

import static dev.gridstride.backend.cpu.Steps.name;

import dev.gridstride.backend.BackendException;
import dev.gridstride.program.DataType;
import dev.gridstride.program.Node;
import dev.gridstride.program.Tensor;
import dev.gridstride.program.Value;
import dev.gridstride.program.op.Accumulate;
import dev.gridstride.program.op.CheckFinite;
import dev.gridstride.program.op.Fill;
import dev.gridstride.program.op.Increment;
import dev.gridstride.program.op.LearningRate;
import dev.gridstride.program.op.WeightPenalty;
import dev.gridstride.program.op.WeightPenaltyBackward;
import java.nio.FloatBuffer;
import java.util.List;
import java.util.Map;

/** Counters, running sums, the learning rate and weight penalties, in Java. */
final class ScalarSteps {
  private ScalarSteps() {}

  static void register(Map<Class<?>, Steps> table) {
    table.put(Fill.class, ScalarSteps::fill);
    table.put(LearningRate.class, ScalarSteps::learningRate);
    table.put(Accumulate.class, ScalarSteps::accumulate);
    table.put(Increment.class, ScalarSteps::increment);
    table.put(CheckFinite.class, ScalarSteps::checkFinite);
    table.put(WeightPenalty.class, ScalarSteps::weightPenalty);
    table.put(WeightPenaltyBackward.class, ScalarSteps::weightPenaltyBackward);
  }

  /** A step that adds up what the parts of a sum over the batch left, in their order. */
  static Step sum(Value scalar, int parts) {
    return new Step(
        "sum of " + scalar.name() + Step.JAVA,
        Step.Mode.SERIAL,
        List.of(scalar),
        List.of(scalar),
        memory -> {
          Storage storage = memory.of(scalar);
          return ignored -> {
            double total = 0;
            for (int part = 0; part < parts; part++) {
              total += storage.partials[part];
            }
            set(storage.heap, total);
          };
        });
  }

  private static void set(Tensor scalar, double value) {
    switch (scalar.type().dtype()) {
      case FLOAT32 -> scalar.floats()[0] = (float) value;
      case FLOAT64 -> scalar.doubles()[0] = value;
      case INT64 -> scalar.longs()[0] = (long) value;
      default -> throw new BackendException("cpu: no scalar of type " + scalar.type());
    }
  }

  private static void serial(
      Node node, Lowering lowering, List<Value> reads, Step.Builder builder) {
    lowering.add(
        new Step(name(node) + Step.JAVA, Step.Mode.SERIAL, reads, node.outputs(), builder));
  }

  /** Constants are written once, when memory is laid out. */
  private static void fill(Node node, Lowering lowering) {
    lowering.define(node.output(), Layout.PLAIN);
    lowering.constant(node.output(), ((Fill) node.op()).value());
  }

  private static void learningRate(Node node, Lowering lowering) {
    LearningRate op = (LearningRate) node.op();
    serial(
        node,
        lowering,
        node.inputs(),
        memory -> {
          Storage step = memory.of(node.input(0));
          Storage factor = memory.of(node.input(1));
          Storage rate = memory.of(node.output());
          return part -> set(rate.heap, op.schedule().at(step.heap.longs()[0]) * factor.scalar());
        });
  }

  private static void accumulate(Node node, Lowering lowering) {
    Accumulate op = (Accumulate) node.op();
    serial(
        node,
        lowering,
        node.inputs(),
        memory -> {
          Storage sum = memory.of(node.input(0));
          Storage value = memory.of(node.input(1));
          return part -> {
            if (sum.heap.type().dtype() == DataType.INT64) {
              sum.heap.longs()[0] += op.factor() * (long) value.scalar();
            } else {
              sum.heap.doubles()[0] += op.factor() * value.scalar();
            }
          };
        });
  }

  private static void increment(Node node, Lowering lowering) {
    long by = ((Increment) node.op()).by();
    serial(
        node,
        lowering,
        node.inputs(),
        memory -> {
          Storage count = memory.of(node.input(0));
          return part -> count.heap.longs()[0] += by;
        });
  }

  private static void checkFinite(Node node, Lowering lowering) {
    serial(
        node,
        lowering,
        node.inputs(),
        memory -> {
          Storage first = memory.of(node.input(0));
          Storage value = memory.of(node.input(1));
          Storage step = memory.of(node.input(2));
          return part -> {
            if (first.heap.longs()[0] < 0 && !Double.isFinite(value.scalar())) {
              first.heap.longs()[0] = step.heap.longs()[0];
            }
          };
        });
  }

  /** The sum of two scalars. */
  static void add(Node node, Lowering lowering) {
    serial(
        node,
        lowering,
        node.inputs(),
        memory -> {
          Storage a = memory.of(node.input(0));
          Storage b = memory.of(node.input(1));
          Storage sum = memory.of(node.output());
          return part -> set(sum.heap, a.scalar() + b.scalar());
        });
  }

  private static void weightPenalty(Node node, Lowering lowering) {
    WeightPenalty op = (WeightPenalty) node.op();
    if (Lowering.inHeap(node.input(0))) {
      serial(
          node,
          lowering,
          node.inputs(),
          memory ->
              part -> {
                double v = memory.of(node.input(0)).scalar();
                set(memory.of(node.output()).heap, op.l1() * Math.abs(v) + op.l2() * v * v);
              });
      return;
    }
    Value w = lowering.whole(node.input(0));
    lowering.layout(w);
    serial(
        node,
        lowering,
        List.of(w),
        memory -> {
          Storage result = memory.of(node.output());
          float[] chunk = memory.scratch(0, 0, SumPartials.CHUNK);
          return part -> {
            double sum = 0;
            for (FloatBuffer weights : memory.of(w).floats) {
              sum += penalty(op, weights, chunk);
            }
            set(result.heap, sum);
          };
        });
  }

  /** Padding counts too; it is zero. */
  private static double penalty(WeightPenalty op, FloatBuffer weights, float[] chunk) {
    double sum = 0;
    for (int start = 0; start < weights.capacity(); start += SumPartials.CHUNK) {
      int length = Math.min(SumPartials.CHUNK, weights.capacity() - start);
      weights.get(start, chunk, 0, length);
      for (int i = 0; i < length; i++) {
        double v = chunk[i];
        sum += op.l1() * Math.abs(v) + op.l2() * v * v;
      }
    }
    return sum;
  }

  private static void weightPenaltyBackward(Node node, Lowering lowering) {
    WeightPenaltyBackward op = (WeightPenaltyBackward) node.op();
    if (Lowering.inHeap(node.input(0))) {
      serial(
          node,
          lowering,
          node.inputs(),
          memory ->
              part -> {
                double v = memory.of(node.input(0)).scalar();
                double slope = op.l1() * Math.signum(v) + 2.0 * op.l2() * v;
                set(memory.of(node.output()).heap, memory.of(node.input(1)).scalar() * slope);
              });
      return;
    }
    Value w = lowering.whole(node.input(0));
    Value dw = node.output();
    lowering.define(dw, lowering.layout(w));
    boolean sharded = w.batched();
    lowering.add(
        new Step(
            name(node) + Step.JAVA,
            sharded ? Step.Mode.SHARDED : Step.Mode.SLICED,
            List.of(w, node.input(1)),
            List.of(dw),
            memory -> {
              Storage gradLoss = memory.of(node.input(1));
              return part -> {
                int shard = sharded ? part : 0;
                FloatBuffer weights = memory.floats(w, shard);
                SumPartials.Slicer slicer =
                    new SumPartials.Slicer(weights.capacity(), sharded ? 1 : lowering.workers());
                float[] chunk = memory.scratch(part, 0, SumPartials.CHUNK);
                double g = gradLoss.scalar();
                slicer.forEach(
                    sharded ? 0 : part,
                    (start, length) -> {
                      weights.get(start, chunk, 0, length);
                      for (int i = 0; i < length; i++) {
                        float v = chunk[i];
                        chunk[i] = (float) (g * (op.l1() * Math.signum(v) + 2.0 * op.l2() * v));
                      }
                      memory.floats(dw, shard).put(start, chunk, 0, length);
                    });
              };
            }));
  }
}
