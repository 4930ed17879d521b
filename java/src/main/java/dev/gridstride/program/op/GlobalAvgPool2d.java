package dev.gridstride.program.op;

import dev.gridstride.program.Gradients;
import dev.gridstride.program.Op;
import dev.gridstride.program.Shape;
import dev.gridstride.program.TensorType;
import java.util.List;

/**
 * Mean of each channel's image: {@code y[n,c] = mean of x[n,c,:,:]}. Input: [N,C,H,W]. Output:
 * [N,C].
 */
public record GlobalAvgPool2d() implements Op {
  @Override
  public String name() {
    return "global_avg_pool2d";
  }

  @Override
  public List<TensorType> outputTypes(List<TensorType> inputs) {
    Check.count(name(), inputs, 1, 1);
    Shape x = Check.floats(name(), "input", inputs.get(0), 4);
    return List.of(TensorType.float32(x.dim(0), x.dim(1)));
  }

  @Override
  public void gradient(Gradients g) {
    Op op = new GlobalAvgPool2dBackward(g.input(0).shape());
    g.accumulate(0, g.builder().add(g.gradName(0), op, g.gradOutput(0)));
  }
}
