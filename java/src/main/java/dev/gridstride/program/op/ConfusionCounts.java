package dev.gridstride.program.op;

import dev.gridstride.program.DataType;
import dev.gridstride.program.Op;
import dev.gridstride.program.Shape;
import dev.gridstride.program.TensorType;
import java.util.List;

/**
 * Adds a batch to a confusion matrix, in place: {@code counts[true class][predicted class] += 1}
 * for each sample, the predicted class being the highest score, of equal ones the lowest class; see
 * {@link Hits}. Inputs: counts int64 [K,K], scores [N,K], labels int32 [N] or float32 [N,K].
 * Output: counts.
 */
public record ConfusionCounts() implements Op {
  @Override
  public String name() {
    return "confusion_counts";
  }

  @Override
  public List<TensorType> outputTypes(List<TensorType> inputs) {
    Check.count(name(), inputs, 3, 3);
    Shape scores = Check.floats(name(), "scores", inputs.get(1), 2);
    int classes = scores.dim(1);
    Check.same(
        name(),
        "counts",
        new TensorType(DataType.INT64, Shape.of(classes, classes)),
        inputs.get(0));
    Check.labels(name(), scores, inputs.get(2));
    return List.of(inputs.get(0));
  }
}
