package dev.gridstride.program.op;

import dev.gridstride.program.DataType;
import dev.gridstride.program.Op;
import dev.gridstride.program.Shape;
import dev.gridstride.program.TensorType;
import java.util.List;

/**
 * Number of samples whose true class is among the k highest scores. Of equal scores the lower class
 * comes first; the true class of a soft label is its highest. A NaN score is lower than all others.
 * Inputs: scores [N,K], labels int32 [N] or float32 [N,K]. Output: int64 scalar.
 *
 * @param k how many classes count; 1 for accuracy
 */
public record Hits(int k) implements Op {
  @Override
  public String name() {
    return "hits";
  }

  @Override
  public List<TensorType> outputTypes(List<TensorType> inputs) {
    Check.count(name(), inputs, 2, 2);
    Shape scores = Check.floats(name(), "scores", inputs.get(0), 2);
    Check.labels(name(), scores, inputs.get(1));
    Check.that(
        k >= 1 && k <= scores.dim(1),
        name(),
        "k must be from 1 to the " + scores.dim(1) + " classes, got " + k);
    return List.of(TensorType.scalar(DataType.INT64));
  }

  @Override
  public boolean outputBatched(int output, boolean anyInputBatched) {
    return false;
  }
}
