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
import java.util.function.Function;

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

  /** What to do with the chunks of a slice; each worker has one of its own. */
  private interface Update {
    /** Reads what is the same for all chunks of a run. */
    default void begin() {}

    /**
     * Computes the new content of the written arrays in place, in the order of the node's inputs.
     */
    void apply(float[][] chunk, int length);
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
      Function<Memory, Update> updates) {
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
              boolean[] writeBack = new boolean[operands.size()];
              for (int i = 0; i < writeBack.length; i++) {
                writeBack[i] = written.contains(operands.get(i));
              }
              Slice[] slices = new Slice[lowering.workers()];
              for (int worker = 0; worker < slices.length; worker++) {
                slices[worker] =
                    new Slice(updates.apply(memory), buffers, writeBack, worker, memory);
              }
              SumPartials.Slicer slicer =
                  new SumPartials.Slicer(buffers[0][0].capacity(), lowering.workers());
              return worker -> {
                slices[worker].update.begin();
                slicer.forEach(worker, slices[worker]);
              };
            }));
  }

  /** A worker's slice: copies a chunk of every tensor to Java, updates it, and copies it back. */
  private static final class Slice implements SumPartials.ChunkWork {
    private final Update update;
    private final FloatBuffer[][] buffers;
    private final boolean[] writeBack;
    private final float[][] chunk;
    private final float[] addend;

    Slice(Update update, FloatBuffer[][] buffers, boolean[] writeBack, int worker, Memory memory) {
      this.update = update;
      this.buffers = buffers;
      this.writeBack = writeBack;
      chunk = new float[buffers.length][];
      for (int i = 0; i < chunk.length; i++) {
        chunk[i] = memory.scratch(worker, i, SumPartials.CHUNK);
      }
      addend = memory.scratch(worker, chunk.length, SumPartials.CHUNK);
    }

    @Override
    public void accept(int start, int length) {
      for (int i = 0; i < chunk.length; i++) {
        SumPartials.read(buffers[i], start, length, chunk[i], addend);
      }
      update.apply(chunk, length);
      for (int i = 0; i < chunk.length; i++) {
        if (writeBack[i]) {
          buffers[i][0].put(start, chunk[i], 0, length);
        }
      }
    }
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
        memory -> new AdamUpdate(op, memory.of(step), memory.of(rate)));
  }

  private static final class AdamUpdate implements Update {
    private final Adam op;
    private final Storage step;
    private final Storage rate;
    private float lr;
    private float mScale;
    private float vScale;

    AdamUpdate(Adam op, Storage step, Storage rate) {
      this.op = op;
      this.step = step;
      this.rate = rate;
    }

    @Override
    public void begin() {
      double t = step.heap.longs()[0] + 1.0;
      lr = (float) rate.scalar();
      mScale = (float) (1 / (1 - Math.pow(op.beta1(), t)));
      vScale = (float) (1 / (1 - Math.pow(op.beta2(), t)));
    }

    @Override
    public void apply(float[][] chunk, int length) {
      adam(op, chunk, length, lr, mScale, vScale);
    }
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
        memory -> (chunk, length) -> sgd(op, chunk, length, (float) memory.of(rate).scalar()));
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
            (chunk, length) -> {
              for (int i = 0; i < length; i++) {
                chunk[0][i] = keep * chunk[0][i] + take * chunk[1][i];
              }
            });
  }
}
