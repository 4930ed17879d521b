package dev.gridstride.backend.cpu;

import static dev.gridstride.backend.cpu.Steps.name;

import dev.gridstride.program.Node;
import dev.gridstride.program.Value;
import dev.gridstride.program.op.Adam;
import dev.gridstride.program.op.MovingAverage;
import dev.gridstride.program.op.Sgd;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * Adam, SGD and moving averages, in Java: each worker takes a slice of a tensor, a chunk at a time
 * through arrays in its cache, where the compiler vectorises. Gradients are added up over the
 * shards on the way. Everything is in the layout of the weights, padding included, which stays
 * zero.
 */
final class OptimizerSteps {
  private OptimizerSteps() {}

  static void register(Map<Class<?>, Steps> table) {
    table.put(Adam.class, OptimizerSteps::adam);
    table.put(Sgd.class, OptimizerSteps::sgd);
    table.put(MovingAverage.class, OptimizerSteps::movingAverage);
  }

  /** What to do with a chunk: arrays in the order of the node's inputs. */
  private interface Update {
    /** Computes the new content of the written arrays in place. */
    void apply(float[][] chunk, int length);
  }

  /** Makes the update of a step from what it reads then. */
  private interface UpdateOfStep {
    Update get();
  }

  /**
   * A sliced step over tensors of the weights' shape and layout.
   *
   * @param tensors input 0 decides the layout; input 1 may be a gradient in parts
   * @param written which of them are written back
   */
  private static void sliced(
      Node node,
      Lowering lowering,
      List<Value> tensors,
      List<Value> scalars,
      List<Value> written,
      java.util.function.Function<Memory, UpdateOfStep> updates) {
    Value weight = tensors.get(0);
    Layout layout = lowering.layout(weight);
    List<Value> operands = new ArrayList<>();
    for (Value tensor : tensors) {
      if (tensor.role().persistent()) {
        if (lowering.layoutIfPinned(tensor).any()) {
          lowering.define(tensor, layout);
        }
        operands.add(tensor);
      } else if (lowering.layout(tensor).same(layout, tensor.shape())) {
        operands.add(tensor);
      } else {
        operands.add(lowering.in(tensor, layout));
      }
    }
    List<Value> reads = new ArrayList<>(operands);
    reads.addAll(scalars);
    lowering.add(
        new Step(
            name(node) + Step.JAVA,
            Step.Mode.SLICED,
            reads,
            written,
            memory -> {
              FloatBuffer[][] buffers =
                  operands.stream().map(v -> memory.of(v).floats).toArray(FloatBuffer[][]::new);
              UpdateOfStep update = updates.apply(memory);
              SumPartials.Slicer slicer =
                  new SumPartials.Slicer(buffers[0][0].capacity(), lowering.workers());
              boolean[] writeBack = new boolean[operands.size()];
              for (int i = 0; i < writeBack.length; i++) {
                writeBack[i] = written.contains(operands.get(i));
              }
              float[][][] chunks = new float[lowering.workers()][operands.size()][];
              for (int worker = 0; worker < chunks.length; worker++) {
                for (int i = 0; i < operands.size(); i++) {
                  chunks[worker][i] = memory.scratch(worker, i, SumPartials.CHUNK);
                }
              }
              return worker -> {
                Update now = update.get();
                float[][] chunk = chunks[worker];
                float[] addend = memory.scratch(worker, operands.size(), SumPartials.CHUNK);
                slicer.forEach(
                    worker,
                    (start, length) -> {
                      for (int i = 0; i < chunk.length; i++) {
                        SumPartials.read(buffers[i], start, length, chunk[i], addend);
                      }
                      now.apply(chunk, length);
                      for (int i = 0; i < chunk.length; i++) {
                        if (writeBack[i]) {
                          buffers[i][0].put(start, chunk[i], 0, length);
                        }
                      }
                    });
              };
            }));
  }

  private static void adam(Node node, Lowering lowering) {
    Adam op = (Adam) node.op();
    Value step = node.input(4);
    Value rate = node.input(5);
    sliced(
        node,
        lowering,
        node.inputs().subList(0, 4),
        List.of(step, rate),
        node.outputs(),
        memory ->
            () -> {
              double t = memory.of(step).heap.longs()[0] + 1.0;
              double correction1 = 1 - Math.pow(op.beta1(), t);
              double correction2 = 1 - Math.pow(op.beta2(), t);
              float lr = (float) memory.of(rate).scalar();
              float mScale = (float) (1 / correction1);
              float vScale = (float) (1 / correction2);
              return (chunk, length) -> adam(op, chunk, length, lr, mScale, vScale);
            });
  }

  private static void adam(
      Adam op, float[][] chunk, int length, float lr, float mScale, float vScale) {
    float[] w = chunk[0];
    float[] g = chunk[1];
    float[] m = chunk[2];
    float[] v = chunk[3];
    float beta1 = op.beta1();
    float beta2 = op.beta2();
    float oneMinusBeta1 = 1 - beta1;
    float oneMinusBeta2 = 1 - beta2;
    float epsilon = op.epsilon();
    float decay = op.weightDecay();
    for (int i = 0; i < length; i++) {
      m[i] = beta1 * m[i] + oneMinusBeta1 * g[i];
      v[i] = beta2 * v[i] + oneMinusBeta2 * g[i] * g[i];
      float root = (float) Math.sqrt(v[i] * vScale);
      w[i] -= lr * (m[i] * mScale / (root + epsilon) + decay * w[i]);
    }
  }

  private static void sgd(Node node, Lowering lowering) {
    Sgd op = (Sgd) node.op();
    Value rate = node.input(3);
    sliced(
        node,
        lowering,
        node.inputs().subList(0, 3),
        List.of(rate),
        node.outputs(),
        memory ->
            () -> {
              float lr = (float) memory.of(rate).scalar();
              return (chunk, length) -> sgd(op, chunk, length, lr);
            });
  }

  private static void sgd(Sgd op, float[][] chunk, int length, float lr) {
    float[] w = chunk[0];
    float[] g = chunk[1];
    float[] u = chunk[2];
    float momentum = op.momentum();
    float lookAhead = op.nesterov() ? momentum : 1;
    float direct = op.nesterov() ? 1 : 0;
    float decay = op.weightDecay();
    for (int i = 0; i < length; i++) {
      float gradient = g[i] + decay * w[i];
      u[i] = momentum * u[i] + gradient;
      w[i] -= lr * (direct * gradient + lookAhead * u[i]);
    }
  }

  private static void movingAverage(Node node, Lowering lowering) {
    MovingAverage op = (MovingAverage) node.op();
    float keep = 1 - op.momentum();
    float take = op.momentum() * op.scale();
    sliced(
        node,
        lowering,
        node.inputs(),
        List.of(),
        node.outputs(),
        memory ->
            () ->
                (chunk, length) -> {
                  for (int i = 0; i < length; i++) {
                    chunk[0][i] = keep * chunk[0][i] + take * chunk[1][i];
                  }
                });
  }
}
