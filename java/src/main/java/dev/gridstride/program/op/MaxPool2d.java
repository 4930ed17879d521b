package dev.gridstride.program.op;

import dev.gridstride.program.DataType;
import dev.gridstride.program.Gradients;
import dev.gridstride.program.Op;
import dev.gridstride.program.TensorType;
import java.util.List;

/**
 * Maximum of each window; padding counts as minus infinity. Input: x [N,C,H,W]. Outputs: y
 * [N,C,P,Q], and the argmax int32 [N,C,P,Q] for the backward pass: the place of the maximum in the
 * image, {@code row * W + column}. Of equal maxima the first in row-major order wins. A backend may
 * keep the argmax in a form of its own unless it is an output of the program.
 *
 * @param window kernel, stride, padding
 */
public record MaxPool2d(Pool2d window) implements Op {
  @Override
  public String name() {
    return "max_pool2d";
  }

  @Override
  public List<TensorType> outputTypes(List<TensorType> inputs) {
    Check.count(name(), inputs, 1, 1);
    TensorType y = window.output(name(), inputs.get(0));
    return List.of(y, new TensorType(DataType.INT32, y.shape()));
  }

  @Override
  public void gradient(Gradients g) {
    Op op = new MaxPool2dBackward(window, g.input(0).shape());
    g.accumulate(0, g.builder().add(g.gradName(0), op, g.gradOutput(0), g.output(1)));
  }
}
