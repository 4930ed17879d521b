package dev.gridstride.program.op;

import dev.gridstride.program.Op;
import dev.gridstride.program.Shape;
import dev.gridstride.program.TensorType;
import java.util.List;

/**
 * Gradient of {@link Conv2d} with respect to its input: each output gradient spread back through
 * the taps that read it. Inputs: dy [N,O,P,Q], w [O,C/G,KH,KW]. Output: dx [N,C,H,W]. dy and w are
 * float32 or bfloat16; dx is float32.
 *
 * @param conv the convolution, without ReLU
 * @param inputShape [N,C,H,W]
 */
public record Conv2dBackwardData(Conv2d conv, Shape inputShape) implements Op {
  @Override
  public String name() {
    return "conv2d_backward_data";
  }

  @Override
  public List<TensorType> outputTypes(List<TensorType> inputs) {
    Check.count(name(), inputs, 2, 2);
    Shape w = Check.factor(name(), "weight", inputs.get(1), 4);
    Check.sameFactors(name(), "gradOutput", "weight", inputs);
    conv.checkGradOutput(name(), inputShape, w, inputs.get(0));
    return List.of(TensorType.float32(inputShape.dims()));
  }

  @Override
  public long flops(List<TensorType> inputs, List<TensorType> outputs) {
    return Conv2d.flops(inputs.get(1).shape(), inputs.get(0).shape());
  }
}
