package dev.gridstride.program.op;

import dev.gridstride.program.DataType;
import dev.gridstride.program.Op;
import dev.gridstride.program.Shape;
import dev.gridstride.program.TensorType;
import java.util.List;

/**
 * Gradient of {@link MaxPool2d}: each output gradient goes to the place of its window's maximum;
 * where windows overlap, gradients add up. Inputs: dy [N,C,P,Q], argmax int32 [N,C,P,Q]. Output: dx
 * [N,C,H,W].
 *
 * @param window kernel, stride, padding
 * @param inputShape [N,C,H,W]
 */
public record MaxPool2dBackward(Pool2d window, Shape inputShape) implements Op {
  @Override
  public String name() {
    return "max_pool2d_backward";
  }

  @Override
  public List<TensorType> outputTypes(List<TensorType> inputs) {
    Check.count(name(), inputs, 2, 2);
    TensorType x = TensorType.float32(inputShape.dims());
    TensorType y = window.output(name(), x);
    Check.same(name(), "gradOutput", y, inputs.get(0));
    Check.same(name(), "argmax", new TensorType(DataType.INT32, y.shape()), inputs.get(1));
    return List.of(x);
  }
}
