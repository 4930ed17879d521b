package dev.gridstride.program.op;

import dev.gridstride.program.DataType;
import dev.gridstride.program.Gradients;
import dev.gridstride.program.Op;
import dev.gridstride.program.Shape;
import dev.gridstride.program.TensorType;
import java.util.List;

/**
 * The same elements in row-major order under another shape with the same first dimension; flatten
 * is the case [N,C,H,W] to [N,C*H*W].
 *
 * @param shape of the output
 */
public record Reshape(Shape shape) implements Op {
  @Override
  public String name() {
    return "reshape";
  }

  @Override
  public List<TensorType> outputTypes(List<TensorType> inputs) {
    Check.count(name(), inputs, 1, 1);
    Shape x = Check.floats(name(), "input", inputs.get(0));
    Check.that(
        x.rank() >= 1
            && shape.rank() >= 1
            && x.dim(0) == shape.dim(0)
            && x.elements() == shape.elements(),
        name(),
        "cannot view " + x + " as " + shape);
    return List.of(new TensorType(DataType.FLOAT32, shape));
  }

  @Override
  public void gradient(Gradients g) {
    Op op = new Reshape(g.input(0).shape());
    g.accumulate(0, g.builder().add(g.gradName(0), op, g.gradOutput(0)));
  }
}
