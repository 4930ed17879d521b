package dev.gridstride.nn;

import dev.gridstride.program.Shape;
import dev.gridstride.program.Value;
import dev.gridstride.program.op.Reshape;

/** [N,C,H,W] to [N,C*H*W] in row-major order, as in PyTorch; Keras's order is H, W, C. */
public record Flatten() implements Layer {
  @Override
  public Value apply(Scope scope, Value x) {
    Shape shape = x.shape();
    if (shape.rank() == 2) {
      return x;
    }
    int features = Math.toIntExact(shape.elementsPerRow());
    return scope.add(new Reshape(Shape.of(shape.dim(0), features)), x);
  }

  @Override
  public String kind() {
    return "flatten";
  }

  @Override
  public String toString() {
    return "Flatten";
  }
}
