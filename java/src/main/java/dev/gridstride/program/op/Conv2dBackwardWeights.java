package dev.gridstride.program.op;

import dev.gridstride.program.Op;
import dev.gridstride.program.Shape;
import dev.gridstride.program.TensorType;
import java.util.List;

/**
 * Gradient of {@link Conv2d} with respect to its weights, summed over the batch, and to its bias.
 * Inputs: x [N,C,H,W], dy [N,O,P,Q]. Outputs: dw [O,C/G,KH,KW] and, with a bias, db [O] = sum of dy
 * over n, p, q. x and dy are float32 or bfloat16; dw and db are float32.
 *
 * @param conv the convolution, without ReLU
 * @param weightShape [O,C/G,KH,KW]
 * @param bias whether the bias gradient is computed too
 */
public record Conv2dBackwardWeights(Conv2d conv, Shape weightShape, boolean bias) implements Op {
  @Override
  public String name() {
    return "conv2d_backward_weights";
  }

  @Override
  public List<TensorType> outputTypes(List<TensorType> inputs) {
    Check.count(name(), inputs, 2, 2);
    Shape x = Check.factor(name(), "input", inputs.get(0), 4);
    Check.sameFactors(name(), "input", "gradOutput", inputs);
    conv.checkGradOutput(name(), x, weightShape, inputs.get(1));
    TensorType dw = TensorType.float32(weightShape.dims());
    return bias ? List.of(dw, TensorType.float32(weightShape.dim(0))) : List.of(dw);
  }

  @Override
  public boolean outputBatched(int output, boolean anyInputBatched) {
    return false;
  }

  @Override
  public long flops(List<TensorType> inputs, List<TensorType> outputs) {
    return Conv2d.flops(weightShape, inputs.get(1).shape());
  }
}
