package dev.gridstride.backend.cpu;

import static dev.gridstride.backend.cpu.Steps.name;

import dev.gridstride.program.DataType;
import dev.gridstride.program.Node;
import dev.gridstride.program.Value;
import dev.gridstride.program.op.ConfusionCounts;
import dev.gridstride.program.op.CrossEntropy;
import dev.gridstride.program.op.CrossEntropyBackward;
import dev.gridstride.program.op.Hits;
import dev.gridstride.program.op.MeanSquaredError;
import dev.gridstride.program.op.MeanSquaredErrorBackward;
import dev.gridstride.program.op.Softmax;
import dev.gridstride.program.op.SoftmaxBackward;
import dev.gridstride.program.op.SoftmaxCrossEntropy;
import dev.gridstride.program.op.SoftmaxCrossEntropyBackward;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Softmax, losses and metrics, in Java, a row at a time, since rows are short. */
final class LossSteps {
  private LossSteps() {}

  static void register(Map<Class<?>, Steps> table) {
    table.put(Softmax.class, LossSteps::softmax);
    table.put(SoftmaxBackward.class, LossSteps::softmaxBackward);
    table.put(SoftmaxCrossEntropy.class, LossSteps::softmaxCrossEntropy);
    table.put(SoftmaxCrossEntropyBackward.class, LossSteps::softmaxCrossEntropyBackward);
    table.put(CrossEntropy.class, LossSteps::crossEntropy);
    table.put(CrossEntropyBackward.class, LossSteps::crossEntropyBackward);
    table.put(MeanSquaredError.class, LossSteps::meanSquaredError);
    table.put(MeanSquaredErrorBackward.class, LossSteps::meanSquaredErrorBackward);
    table.put(Hits.class, LossSteps::hits);
    table.put(ConfusionCounts.class, LossSteps::confusionCounts);
  }

  /** Work on one row of the batch; returns its term of a sum. */
  private interface RowWork {
    /**
     * Computes a row.
     *
     * @param inputs the row of each input
     * @param labels the row's labels
     * @param out the row of the output, if there is one
     */
    double row(float[][] inputs, Labels labels, float[] out);
  }

  /** Labels of the current row: class indices or distributions, smoothed. */
  private static final class Labels {
    private final Value value;
    private final float smoothing;
    private final int classes;
    private final boolean sharded;
    private final Memory memory;
    private float[] soft;
    private int label;

    Labels(Value value, float smoothing, int classes, boolean sharded, Memory memory) {
      this.value = value;
      this.sharded = sharded;
      this.smoothing = smoothing;
      this.classes = classes;
      this.memory = memory;
    }

    private boolean indices() {
      return value.type().dtype() == DataType.INT32;
    }

    void read(int part, int row, int rowInBatch, float[] buffer) {
      if (indices()) {
        label = memory.of(value).heap.ints()[rowInBatch];
      } else {
        memory.of(value).floats(part, sharded).get(row * classes, buffer, 0, classes);
        soft = buffer;
      }
    }

    double get(int k) {
      double target = indices() ? (k == label ? 1 : 0) : soft[k];
      return smoothing == 0 ? target : target * (1 - smoothing) + smoothing / (double) classes;
    }

    int trueClass() {
      return indices() ? label : best(soft, classes);
    }
  }

  /** The highest score; of equal ones the first; NaN counts as lowest. */
  private static int best(float[] scores, int classes) {
    int best = 0;
    for (int k = 1; k < classes; k++) {
      if (scores[k] > scores[best] || (Float.isNaN(scores[best]) && !Float.isNaN(scores[k]))) {
        best = k;
      }
    }
    return best;
  }

  /**
   * A step that goes over rows.
   *
   * @param floats inputs [N,K], read in row-major order
   * @param labels labels, or null
   * @param others scalars that are read
   * @param out output [N,K], or null
   * @param sum scalar that gets the sum of the rows' terms, or null
   */
  private static void rows(
      Node node,
      Lowering lowering,
      List<Value> floats,
      Value labels,
      float smoothing,
      List<Value> others,
      Value out,
      Value sum,
      java.util.function.Function<Memory, RowWork> work) {
    List<Value> inputs = floats.stream().map(v -> lowering.in(v, Layout.PLAIN)).toList();
    List<Value> reads = new ArrayList<>(inputs);
    reads.addAll(others);
    Value plainLabels = labels;
    if (labels != null) {
      plainLabels = Lowering.inHeap(labels) ? labels : lowering.in(labels, Layout.PLAIN);
      reads.add(plainLabels);
    }
    List<Value> writes = new ArrayList<>();
    if (out != null) {
      lowering.define(out, Layout.PLAIN);
      writes.add(out);
    }
    if (sum != null) {
      writes.add(sum);
    }
    List<Value> aligned = new ArrayList<>(inputs);
    if (plainLabels != null) {
      aligned.add(plainLabels);
    }
    Step.Mode mode = lowering.mode(aligned);
    boolean sharded = mode == Step.Mode.SHARDED;
    int width = Math.toIntExact(inputs.get(0).shape().elementsPerRow());
    Value labelValue = plainLabels;
    lowering.add(
        new Step(
            name(node) + Step.JAVA,
            mode,
            reads,
            writes,
            memory -> {
              RowWork rowWork = work.apply(memory);
              int parts = lowering.parts(mode);
              float[][][] buffers = new float[parts][inputs.size()][];
              Labels[] label = new Labels[parts];
              for (int part = 0; part < parts; part++) {
                for (int i = 0; i < inputs.size(); i++) {
                  buffers[part][i] = memory.scratch(part, i, width);
                }
                label[part] =
                    labelValue == null
                        ? null
                        : new Labels(labelValue, smoothing, width, sharded, memory);
              }
              return part -> {
                int first = lowering.firstRow(mode, part);
                int count = lowering.partShape(inputs.get(0), mode, part).dim(0);
                float[] soft = memory.scratch(part, 3, width);
                float[] result = memory.scratch(part, 4, width);
                double total = 0;
                for (int n = 0; n < count; n++) {
                  for (int i = 0; i < buffers[part].length; i++) {
                    memory
                        .of(inputs.get(i))
                        .floats(part, sharded)
                        .get(n * width, buffers[part][i], 0, width);
                  }
                  if (label[part] != null) {
                    label[part].read(part, n, first + n, soft);
                  }
                  total += rowWork.row(buffers[part], label[part], result);
                  if (out != null) {
                    memory.of(out).floats(part, sharded).put(n * width, result, 0, width);
                  }
                }
                if (sum != null) {
                  memory.of(sum).partials[part] = total;
                }
              };
            }));
    if (sum != null) {
      lowering.add(ScalarSteps.sum(sum, lowering.parts(mode)));
    }
  }

  private static void softmax(Node node, Lowering lowering) {
    int classes = node.output().shape().dim(1);
    rows(
        node,
        lowering,
        node.inputs(),
        null,
        0,
        List.of(),
        node.output(),
        null,
        memory ->
            (in, labels, out) -> {
              softmax(in[0], classes, out);
              return 0;
            });
  }

  /** Writes the softmax of a row and returns the logarithm of the sum of its exponentials. */
  private static double softmax(float[] x, int classes, float[] p) {
    float highest = x[0];
    for (int k = 1; k < classes; k++) {
      highest = Math.max(highest, x[k]);
    }
    double sum = 0;
    for (int k = 0; k < classes; k++) {
      double e = Math.exp((double) x[k] - highest);
      p[k] = (float) e;
      sum += e;
    }
    float scale = (float) (1 / sum);
    for (int k = 0; k < classes; k++) {
      p[k] *= scale;
    }
    return highest + Math.log(sum);
  }

  private static void softmaxBackward(Node node, Lowering lowering) {
    int classes = node.output().shape().dim(1);
    rows(
        node,
        lowering,
        node.inputs(),
        null,
        0,
        List.of(),
        node.output(),
        null,
        memory ->
            (in, labels, out) -> {
              float[] dy = in[0];
              float[] y = in[1];
              double dot = 0;
              for (int k = 0; k < classes; k++) {
                dot += (double) dy[k] * y[k];
              }
              for (int k = 0; k < classes; k++) {
                out[k] = (float) (y[k] * (dy[k] - dot));
              }
              return 0;
            });
  }

  private static void softmaxCrossEntropy(Node node, Lowering lowering) {
    SoftmaxCrossEntropy op = (SoftmaxCrossEntropy) node.op();
    Value x = node.input(0);
    int n = x.shape().dim(0);
    int classes = x.shape().dim(1);
    rows(
        node,
        lowering,
        List.of(x),
        node.input(1),
        op.labelSmoothing(),
        List.of(),
        node.output(1),
        node.output(0),
        memory ->
            (in, labels, out) -> {
              double logSumExp = softmax(in[0], classes, out);
              double loss = 0;
              for (int k = 0; k < classes; k++) {
                double target = labels.get(k);
                if (target != 0) {
                  loss += target * (logSumExp - in[0][k]);
                }
              }
              return loss / n;
            });
  }

  private static void softmaxCrossEntropyBackward(Node node, Lowering lowering) {
    SoftmaxCrossEntropyBackward op = (SoftmaxCrossEntropyBackward) node.op();
    Value p = node.input(0);
    int n = p.shape().dim(0);
    int classes = p.shape().dim(1);
    rows(
        node,
        lowering,
        List.of(p),
        node.input(1),
        op.labelSmoothing(),
        List.of(node.input(2)),
        node.output(),
        null,
        memory -> {
          Storage gradLoss = memory.of(node.input(2));
          return (in, labels, out) -> {
            double scale = gradLoss.scalar() / n;
            double mass = 0;
            for (int k = 0; k < classes; k++) {
              mass += labels.get(k);
            }
            for (int k = 0; k < classes; k++) {
              out[k] = (float) (scale * (in[0][k] * mass - labels.get(k)));
            }
            return 0;
          };
        });
  }

  private static void crossEntropy(Node node, Lowering lowering) {
    CrossEntropy op = (CrossEntropy) node.op();
    int n = node.input(0).shape().dim(0);
    int classes = node.input(0).shape().dim(1);
    rows(
        node,
        lowering,
        List.of(node.input(0)),
        node.input(1),
        op.labelSmoothing(),
        List.of(),
        null,
        node.output(),
        memory ->
            (in, labels, out) -> {
              double loss = 0;
              for (int k = 0; k < classes; k++) {
                loss -= labels.get(k) * Math.log(Math.max(in[0][k], CrossEntropy.FLOOR));
              }
              return loss / n;
            });
  }

  private static void crossEntropyBackward(Node node, Lowering lowering) {
    CrossEntropyBackward op = (CrossEntropyBackward) node.op();
    int n = node.input(0).shape().dim(0);
    int classes = node.input(0).shape().dim(1);
    rows(
        node,
        lowering,
        List.of(node.input(0)),
        node.input(1),
        op.labelSmoothing(),
        List.of(node.input(2)),
        node.output(),
        null,
        memory -> {
          Storage gradLoss = memory.of(node.input(2));
          return (in, labels, out) -> {
            double scale = gradLoss.scalar() / n;
            for (int k = 0; k < classes; k++) {
              float p = in[0][k];
              out[k] =
                  p > CrossEntropy.FLOOR
                      ? (float) (-scale * labels.get(k) / p)
                      : Float.isNaN(p) ? p : 0;
            }
            return 0;
          };
        });
  }

  private static void meanSquaredError(Node node, Lowering lowering) {
    long elements = node.input(0).shape().elements();
    int width = Math.toIntExact(node.input(0).shape().elementsPerRow());
    rows(
        node,
        lowering,
        node.inputs(),
        null,
        0,
        List.of(),
        null,
        node.output(),
        memory ->
            (in, labels, out) -> {
              double sum = 0;
              for (int i = 0; i < width; i++) {
                double d = (double) in[0][i] - in[1][i];
                sum += d * d;
              }
              return sum / elements;
            });
  }

  private static void meanSquaredErrorBackward(Node node, Lowering lowering) {
    long elements = node.input(0).shape().elements();
    int width = Math.toIntExact(node.input(0).shape().elementsPerRow());
    rows(
        node,
        lowering,
        node.inputs().subList(0, 2),
        null,
        0,
        List.of(node.input(2)),
        node.output(),
        null,
        memory -> {
          Storage gradLoss = memory.of(node.input(2));
          return (in, labels, out) -> {
            double scale = 2 * gradLoss.scalar() / elements;
            for (int i = 0; i < width; i++) {
              out[i] = (float) (scale * ((double) in[0][i] - in[1][i]));
            }
            return 0;
          };
        });
  }

  private static void hits(Node node, Lowering lowering) {
    Hits op = (Hits) node.op();
    int classes = node.input(0).shape().dim(1);
    rows(
        node,
        lowering,
        List.of(node.input(0)),
        node.input(1),
        0,
        List.of(),
        null,
        node.output(),
        memory ->
            (in, labels, out) -> {
              int label = labels.trueClass();
              float score = in[0][label];
              int better = 0;
              for (int k = 0; k < classes; k++) {
                float other = in[0][k];
                boolean higher = other > score || (Float.isNaN(score) && !Float.isNaN(other));
                boolean equal = other == score || (Float.isNaN(score) && Float.isNaN(other));
                if (higher || (equal && k < label)) {
                  better++;
                }
              }
              return better < op.k() ? 1 : 0;
            });
  }

  /** Serial, because shards would write to the same counts. */
  private static void confusionCounts(Node node, Lowering lowering) {
    Value counts = node.input(0);
    Value scores = lowering.in(node.input(1), Layout.PLAIN);
    Value labels =
        Lowering.inHeap(node.input(2)) ? node.input(2) : lowering.in(node.input(2), Layout.PLAIN);
    int classes = scores.shape().dim(1);
    lowering.add(
        new Step(
            name(node) + Step.JAVA,
            Step.Mode.SERIAL,
            List.of(counts, scores, labels),
            node.outputs(),
            memory -> {
              Labels label = new Labels(labels, 0, classes, true, memory);
              return ignored -> {
                long[] matrix = memory.of(counts).heap.longs();
                float[] row = memory.scratch(0, 0, classes);
                float[] soft = memory.scratch(0, 3, classes);
                FloatBuffer[] parts = memory.of(scores).floats;
                int inBatch = 0;
                for (int part = 0; part < parts.length; part++) {
                  int count = parts[part].capacity() / classes;
                  for (int n = 0; n < count; n++) {
                    parts[part].get(n * classes, row, 0, classes);
                    label.read(part, n, inBatch++, soft);
                    matrix[label.trueClass() * classes + best(row, classes)]++;
                  }
                }
              };
            }));
  }
}
