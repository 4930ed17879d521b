package dev.gridstride.train;

import dev.gridstride.program.Program;
import dev.gridstride.program.Value;
import dev.gridstride.program.op.CrossEntropy;
import dev.gridstride.program.op.MeanSquaredError;

/** What training minimises: a mean over the batch of predictions against labels. */
public sealed interface Loss {
  /** Adds the loss to a program; returns its scalar value. */
  Value add(Program.Builder builder, Value predictions, Value labels);

  /** The loss that validation and tests report: this without label smoothing. */
  Loss forEvaluation();

  /** Whether predictions are class probabilities, so that accuracy means something. */
  boolean classification();

  /** Categorical cross-entropy without label smoothing. */
  static Loss crossEntropy() {
    return new CategoricalCrossEntropy(0f);
  }

  /** Mean squared error over all elements. */
  static Loss meanSquaredError() {
    return new SquaredError();
  }

  /**
   * Categorical cross-entropy of probabilities, see {@link CrossEntropy}. Labels: int32 [N] class
   * indices or float32 [N, classes] one-hot or soft.
   *
   * @param labelSmoothing share of each label spread evenly over all classes, from 0 to below 1
   */
  record CategoricalCrossEntropy(float labelSmoothing) implements Loss {
    @Override
    public Value add(Program.Builder builder, Value predictions, Value labels) {
      return builder.add("loss", new CrossEntropy(labelSmoothing), predictions, labels);
    }

    @Override
    public Loss forEvaluation() {
      return crossEntropy();
    }

    @Override
    public boolean classification() {
      return true;
    }
  }

  /** Mean squared error, see {@link MeanSquaredError}. Labels: float32, shaped as predictions. */
  record SquaredError() implements Loss {
    @Override
    public Value add(Program.Builder builder, Value predictions, Value labels) {
      return builder.add("loss", new MeanSquaredError(), predictions, labels);
    }

    @Override
    public Loss forEvaluation() {
      return this;
    }

    @Override
    public boolean classification() {
      return false;
    }
  }
}
