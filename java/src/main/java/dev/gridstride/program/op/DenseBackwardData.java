package dev.gridstride.program.op;

import dev.gridstride.program.Op;
import dev.gridstride.program.Shape;
import dev.gridstride.program.TensorType;
import java.util.List;

/**
 * Gradient of {@link Dense} with respect to its input: {@code dx[n,k] = sum over o of dy[n,o] *
 * w[o,k]}. Inputs: dy [N,O], w [O,K]. Output: dx of the input's shape.
 *
 * @param inputShape [N,...] with K elements a row
 */
public record DenseBackwardData(Shape inputShape) implements Op {
  @Override
  public String name() {
    return "dense_backward_data";
  }

  @Override
  public List<TensorType> outputTypes(List<TensorType> inputs) {
    Check.count(name(), inputs, 2, 2);
    Shape w = Check.floats(name(), "weight", inputs.get(1), 2);
    Check.same(
        name(), "gradOutput", TensorType.float32(inputShape.dim(0), w.dim(0)), inputs.get(0));
    Check.that(
        inputShape.elementsPerRow() == w.dim(1),
        name(),
        "input " + inputShape + " does not fit weight " + w);
    return List.of(TensorType.float32(inputShape.dims()));
  }

  @Override
  public long flops(List<TensorType> inputs, List<TensorType> outputs) {
    return 2 * inputShape.elements() * inputs.get(1).shape().dim(0);
  }
}
