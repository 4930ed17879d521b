package dev.gridstride.program.op;

import dev.gridstride.program.Op;
import dev.gridstride.program.Shape;
import dev.gridstride.program.TensorType;
import java.util.List;

/**
 * Gradient of {@link Dense} with respect to its input: {@code dx[n,k] = sum over o of dy[n,o] *
 * w[o,k]}. Inputs: dy [N,O], w [O,K]. Output: dx of the input's shape. dy and w are float32 or
 * bfloat16; dx is float32.
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
    TensorType dy = inputs.get(0);
    Shape w = Check.factor(name(), "weight", inputs.get(1), 2);
    Check.sameFactors(name(), "gradOutput", "weight", inputs);
    Shape y = Shape.of(inputShape.dim(0), w.dim(0));
    Check.same(name(), "gradOutput", new TensorType(dy.dtype(), y), dy);
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
