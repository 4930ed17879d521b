package dev.gridstride.program.op;

import dev.gridstride.program.Gradients;
import dev.gridstride.program.Op;
import dev.gridstride.program.TensorType;
import java.util.List;

/**
 * Mean of each window. Input: x [N,C,H,W]. Output: y [N,C,P,Q].
 *
 * @param window kernel, stride, padding
 * @param countPadding whether padding counts as zeros in the mean; if not, which is the default of
 *     TensorFlow and oneDNN but not of PyTorch, the sum is divided by the number of real elements
 */
public record AvgPool2d(Pool2d window, boolean countPadding) implements Op {
  @Override
  public String name() {
    return "avg_pool2d";
  }

  @Override
  public List<TensorType> outputTypes(List<TensorType> inputs) {
    Check.count(name(), inputs, 1, 1);
    return List.of(window.output(name(), inputs.get(0)));
  }

  @Override
  public void gradient(Gradients g) {
    Op op = new AvgPool2dBackward(window, countPadding, g.input(0).shape());
    g.accumulate(0, g.builder().add(g.gradName(0), op, g.gradOutput(0)));
  }
}
