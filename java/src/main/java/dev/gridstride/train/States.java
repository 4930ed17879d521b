package dev.gridstride.train;

import dev.gridstride.program.DataType;
import dev.gridstride.program.Program;
import dev.gridstride.program.TensorType;
import dev.gridstride.program.Value;

/** Names of the scalar states of training and evaluation programs. */
final class States {
  /** int64: samples consumed since training began; epoch = cursor / samples in the data set. */
  static final String CURSOR = "cursor";

  /** int64: optimizer updates since training began. */
  static final String STEP = "step";

  /** float32: what callbacks multiply the scheduled learning rate by. */
  static final String LEARNING_RATE_FACTOR = "learning_rate_factor";

  /** float64: sum over the epoch's samples of their loss. */
  static final String LOSS_SUM = "loss_sum";

  /** int64: the epoch's samples whose highest score was the label. */
  static final String HITS = "hits";

  /** int64: samples whose label was among the k highest scores; evaluation only. */
  static final String TOP_HITS = "top_hits";

  /** int64 [classes, classes]: counts of true and predicted class; evaluation only. */
  static final String CONFUSION = "confusion";

  /** int64: first step whose loss was not finite, or -1. */
  static final String FIRST_BAD_STEP = "first_bad_step";

  /** Prefix of the states of evaluation, which are no part of a checkpoint. */
  static final String EVALUATION = "eval.";

  private States() {}

  static Value int64(Program.Builder builder, String name) {
    return builder.state(name, TensorType.scalar(DataType.INT64));
  }

  static Value float64(Program.Builder builder, String name) {
    return builder.state(name, TensorType.scalar(DataType.FLOAT64));
  }

  static Value float32(Program.Builder builder, String name) {
    return builder.state(name, TensorType.scalar(DataType.FLOAT32));
  }
}
