package dev.gridstride.program.op;

import dev.gridstride.program.Op;
import dev.gridstride.program.Shape;
import dev.gridstride.program.TensorType;
import java.util.List;

/**
 * Gradient of {@link AvgPool2d}: each output gradient, divided by its window's count, goes to every
 * element of the window. Input: dy [N,C,P,Q]. Output: dx [N,C,H,W].
 *
 * @param window kernel, stride, padding
 * @param countPadding as in the forward op
 * @param inputShape [N,C,H,W]
 */
public record AvgPool2dBackward(Pool2d window, boolean countPadding, Shape inputShape)
    implements Op {
  @Override
  public String name() {
    return "avg_pool2d_backward";
  }

  @Override
  public List<TensorType> outputTypes(List<TensorType> inputs) {
    Check.count(name(), inputs, 1, 1);
    TensorType x = TensorType.float32(inputShape.dims());
    Check.same(name(), "gradOutput", window.output(name(), x), inputs.get(0));
    return List.of(x);
  }
}
