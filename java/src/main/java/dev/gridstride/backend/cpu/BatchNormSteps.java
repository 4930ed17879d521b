package dev.gridstride.backend.cpu;

import static dev.gridstride.backend.cpu.Primitive.argument;
import static dev.gridstride.backend.cpu.Steps.name;
import static org.bytedeco.dnnl.global.dnnl.DNNL_ARG_DIFF_DST;
import static org.bytedeco.dnnl.global.dnnl.DNNL_ARG_DIFF_SCALE;
import static org.bytedeco.dnnl.global.dnnl.DNNL_ARG_DIFF_SHIFT;
import static org.bytedeco.dnnl.global.dnnl.DNNL_ARG_DIFF_SRC;
import static org.bytedeco.dnnl.global.dnnl.DNNL_ARG_DST;
import static org.bytedeco.dnnl.global.dnnl.DNNL_ARG_MEAN;
import static org.bytedeco.dnnl.global.dnnl.DNNL_ARG_SCALE;
import static org.bytedeco.dnnl.global.dnnl.DNNL_ARG_SHIFT;
import static org.bytedeco.dnnl.global.dnnl.DNNL_ARG_SRC;
import static org.bytedeco.dnnl.global.dnnl.DNNL_ARG_VARIANCE;

import dev.gridstride.backend.cpu.Primitive.Argument;
import dev.gridstride.program.Node;
import dev.gridstride.program.Shape;
import dev.gridstride.program.Value;
import dev.gridstride.program.op.BatchNorm;
import dev.gridstride.program.op.BatchNormBackward;
import dev.gridstride.program.op.BatchNormInference;
import java.nio.FloatBuffer;
import java.util.List;
import java.util.Map;
import org.bytedeco.dnnl.batch_normalization_backward;
import org.bytedeco.dnnl.batch_normalization_forward;
import org.bytedeco.dnnl.global.dnnl.normalization_flags;
import org.bytedeco.dnnl.global.dnnl.prop_kind;
import org.bytedeco.dnnl.memory;

/**
 * Batch normalisation by oneDNN. Over several shards, statistics are taken of each shard, joined,
 * and then used by all: forward as {@code mean = sum of n_s mean_s / n} and {@code variance = sum
 * of n_s (variance_s + (mean_s - mean)^2) / n} (Chan, Golub and LeVeque, 1979).
 */
final class BatchNormSteps {
  private static final int AFFINE =
      normalization_flags.use_scale.value | normalization_flags.use_shift.value;
  private static final int GIVEN_STATISTICS = AFFINE | normalization_flags.use_global_stats.value;

  private BatchNormSteps() {}

  static void register(Map<Class<?>, Steps> table) {
    table.put(BatchNorm.class, BatchNormSteps::training);
    table.put(BatchNormInference.class, BatchNormSteps::inference);
    table.put(BatchNormBackward.class, BatchNormSteps::backward);
  }

  private static batch_normalization_forward.primitive_desc forward(
      Lowering lowering, memory.desc x, float epsilon, int flags) {
    return new batch_normalization_forward.primitive_desc(
        lowering.oneDnn().engine(),
        prop_kind.forward_training.value,
        x,
        x,
        epsilon,
        flags,
        Primitive.attributes(),
        true);
  }

  private static Argument perChannel(int id, Value value, Lowering lowering) {
    lowering.layout(value);
    memory.desc desc = Layout.PLAIN.desc(value.shape());
    return new Argument(id, value, part -> desc);
  }

  private static void training(Node node, Lowering lowering) {
    float epsilon = ((BatchNorm) node.op()).epsilon();
    Value x = lowering.whole(node.input(0));
    Value y = node.output(0);
    Value mean = node.output(1);
    Value variance = node.output(2);
    Layout layout = lowering.layout(x);
    Step.Mode mode = lowering.mode(List.of(x));
    lowering.define(mean, Layout.PLAIN);
    lowering.define(variance, Layout.PLAIN);
    boolean joined = lowering.parts(mode) > 1;
    Value partY = y;
    Value partMean = mean;
    Value partVariance = variance;
    if (joined) {
      partY = lowering.temporary(y.name(), y.type(), true, layout);
      partMean = partial(mean, lowering);
      partVariance = partial(variance, lowering);
    }
    lowering.define(partY, layout);
    lowering.add(
        Primitive.step(
            lowering,
            name(node) + (joined ? " statistics of each shard" : ""),
            mode,
            part ->
                forward(lowering, layout.desc(lowering.partShape(x, mode, part)), epsilon, AFFINE),
            List.of(
                argument(DNNL_ARG_SRC, x, lowering, mode),
                perChannel(DNNL_ARG_SCALE, node.input(1), lowering),
                perChannel(DNNL_ARG_SHIFT, node.input(2), lowering)),
            List.of(
                argument(DNNL_ARG_DST, partY, lowering, mode),
                perChannel(DNNL_ARG_MEAN, partMean, lowering),
                perChannel(DNNL_ARG_VARIANCE, partVariance, lowering))));
    if (joined) {
      lowering.add(join(partMean, partVariance, mean, variance, lowering.sharding()));
      normalise(
          name(node) + " with joined statistics",
          List.of(x, node.input(1), node.input(2), mean, variance),
          y,
          epsilon,
          lowering);
    }
  }

  private static Value partial(Value like, Lowering lowering) {
    Value value = lowering.temporary(like.name(), like.type(), false, Layout.PLAIN);
    lowering.definePartial(value, Layout.PLAIN);
    return value;
  }

  private static Step join(
      Value partMean, Value partVariance, Value mean, Value variance, Sharding sharding) {
    return new Step(
        mean.name() + " joined" + Step.JAVA,
        Step.Mode.SERIAL,
        List.of(partMean, partVariance),
        List.of(mean, variance),
        memory -> {
          FloatBuffer[] means = memory.of(partMean).floats;
          FloatBuffer[] variances = memory.of(partVariance).floats;
          FloatBuffer meanOut = memory.floats(mean, 0);
          FloatBuffer varianceOut = memory.floats(variance, 0);
          return part -> {
            for (int c = 0; c < meanOut.capacity(); c++) {
              double m = 0;
              for (int s = 0; s < means.length; s++) {
                m += (double) sharding.size(s) * means[s].get(c);
              }
              m /= sharding.rows();
              double v = 0;
              for (int s = 0; s < means.length; s++) {
                double d = means[s].get(c) - m;
                v += sharding.size(s) * (variances[s].get(c) + d * d);
              }
              meanOut.put(c, (float) m);
              varianceOut.put(c, (float) (v / sharding.rows()));
            }
          };
        });
  }

  private static void inference(Node node, Lowering lowering) {
    float epsilon = ((BatchNormInference) node.op()).epsilon();
    normalise(name(node), node.inputs(), node.output(), epsilon, lowering);
  }

  /** Inputs: x, gamma, beta, mean, variance. */
  private static void normalise(
      String name, List<Value> inputs, Value y, float epsilon, Lowering lowering) {
    Value x = lowering.whole(inputs.get(0));
    Layout layout = lowering.layout(x);
    Step.Mode mode = lowering.mode(List.of(x));
    lowering.define(y, layout);
    lowering.add(
        Primitive.step(
            lowering,
            name,
            mode,
            part ->
                forward(
                    lowering,
                    layout.desc(lowering.partShape(x, mode, part)),
                    epsilon,
                    GIVEN_STATISTICS),
            List.of(
                argument(DNNL_ARG_SRC, x, lowering, mode),
                perChannel(DNNL_ARG_SCALE, lowering.whole(inputs.get(1)), lowering),
                perChannel(DNNL_ARG_SHIFT, lowering.whole(inputs.get(2)), lowering),
                perChannel(DNNL_ARG_MEAN, lowering.whole(inputs.get(3)), lowering),
                perChannel(DNNL_ARG_VARIANCE, lowering.whole(inputs.get(4)), lowering)),
            List.of(argument(DNNL_ARG_DST, y, lowering, mode))));
  }

  /**
   * As if the statistics were given, which is all for inference; for training on several shards,
   * the missing term {@code -gamma / sqrt(variance + epsilon) / M * (dbeta + xh * dgamma)} is a
   * normalisation of x with scale {@code -gamma * dgamma / sqrt(variance + epsilon) / M} and shift
   * {@code -gamma * dbeta / sqrt(variance + epsilon) / M}, added afterwards.
   */
  private static void backward(Node node, Lowering lowering) {
    BatchNormBackward op = (BatchNormBackward) node.op();
    Value x = lowering.whole(node.input(0));
    Value gamma = node.input(1);
    Value mean = node.input(2);
    Value variance = node.input(3);
    Layout layout = lowering.layout(x);
    Value dy = lowering.in(node.input(4), layout);
    Value dx = node.output(0);
    Value dGamma = node.output(1);
    Value dBeta = node.output(2);
    Step.Mode mode = lowering.mode(List.of(x, dy));
    boolean corrected = op.batchStatistics() && lowering.parts(mode) > 1;
    Value direct = corrected ? lowering.temporary(dx.name(), dx.type(), dx.batched(), layout) : dx;
    lowering.define(direct, layout);
    lowering.defineSum(mode, dGamma, Layout.PLAIN);
    lowering.defineSum(mode, dBeta, Layout.PLAIN);
    int flags = op.batchStatistics() && !corrected ? AFFINE : GIVEN_STATISTICS;
    lowering.add(
        Primitive.step(
            lowering,
            name(node),
            mode,
            part -> backward(lowering, layout, lowering.partShape(x, mode, part), op, flags),
            List.of(
                argument(DNNL_ARG_SRC, x, lowering, mode),
                perChannel(DNNL_ARG_SCALE, gamma, lowering),
                perChannel(DNNL_ARG_MEAN, mean, lowering),
                perChannel(DNNL_ARG_VARIANCE, variance, lowering),
                argument(DNNL_ARG_DIFF_DST, dy, lowering, mode)),
            List.of(
                argument(DNNL_ARG_DIFF_SRC, direct, lowering, mode),
                perChannel(DNNL_ARG_DIFF_SCALE, dGamma, lowering),
                perChannel(DNNL_ARG_DIFF_SHIFT, dBeta, lowering))));
    if (corrected) {
      correct(node, direct, lowering);
    }
  }

  private static batch_normalization_backward.primitive_desc backward(
      Lowering lowering, Layout layout, Shape shape, BatchNormBackward op, int flags) {
    memory.desc x = layout.desc(shape);
    return new batch_normalization_backward.primitive_desc(
        lowering.oneDnn().engine(),
        prop_kind.backward.value,
        x,
        x,
        x,
        op.epsilon(),
        flags,
        forward(lowering, x, op.epsilon(), flags),
        Primitive.attributes(),
        true);
  }

  private static void correct(Node node, Value direct, Lowering lowering) {
    float epsilon = ((BatchNormBackward) node.op()).epsilon();
    Value x = node.input(0);
    Value gamma = node.input(1);
    Value variance = node.input(3);
    Value dGamma = lowering.whole(node.output(1));
    Value dBeta = lowering.whole(node.output(2));
    Value scale = lowering.temporary("scale", gamma.type(), false, Layout.PLAIN);
    Value shift = lowering.temporary("shift", gamma.type(), false, Layout.PLAIN);
    double count = (double) x.shape().elements() / x.shape().dim(1);
    lowering.add(
        new Step(
            name(node) + " correction factors" + Step.JAVA,
            Step.Mode.SERIAL,
            List.of(gamma, variance, dGamma, dBeta),
            List.of(scale, shift),
            memory -> {
              FloatBuffer g = memory.floats(gamma, 0);
              FloatBuffer v = memory.floats(variance, 0);
              FloatBuffer dg = memory.floats(dGamma, 0);
              FloatBuffer db = memory.floats(dBeta, 0);
              FloatBuffer scaleOut = memory.floats(scale, 0);
              FloatBuffer shiftOut = memory.floats(shift, 0);
              return part -> {
                for (int c = 0; c < scaleOut.capacity(); c++) {
                  double factor = -g.get(c) / Math.sqrt(v.get(c) + epsilon) / count;
                  scaleOut.put(c, (float) (factor * dg.get(c)));
                  shiftOut.put(c, (float) (factor * db.get(c)));
                }
              };
            }));
    Value dx = node.output(0);
    Value correction =
        lowering.temporary(dx.name(), dx.type(), dx.batched(), lowering.layout(direct));
    normalise(
        name(node) + " correction",
        List.of(x, scale, shift, node.input(2), variance),
        correction,
        epsilon,
        lowering);
    ElementwiseSteps.add(name(node) + " corrected", direct, correction, dx, lowering);
  }
}
