package dev.gridstride.program.op;

import dev.gridstride.program.Op;
import dev.gridstride.program.Shape;
import dev.gridstride.program.TensorType;
import java.util.List;

/**
 * Gradient of {@link GlobalAvgPool2d}: {@code dx[n,c,h,w] = dy[n,c] / (H W)}. Input: dy [N,C].
 * Output: dx [N,C,H,W].
 *
 * @param inputShape [N,C,H,W]
 */
public record GlobalAvgPool2dBackward(Shape inputShape) implements Op {
  @Override
  public String name() {
    return "global_avg_pool2d_backward";
  }

  @Override
  public List<TensorType> outputTypes(List<TensorType> inputs) {
    Check.count(name(), inputs, 1, 1);
    Check.that(inputShape.rank() == 4, name(), "inputShape must be [N,C,H,W], got " + inputShape);
    TensorType dy = TensorType.float32(inputShape.dim(0), inputShape.dim(1));
    Check.same(name(), "gradOutput", dy, inputs.get(0));
    return List.of(TensorType.float32(inputShape.dims()));
  }
}
