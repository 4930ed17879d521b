package dev.gridstride.program.op;

import dev.gridstride.program.Op;
import dev.gridstride.program.Shape;
import dev.gridstride.program.TensorType;
import java.util.List;

/**
 * Gradient of {@link Dense} with respect to its weights, {@code dw[o,k] = sum over n of dy[n,o] *
 * x[n,k]}, and its bias, {@code db[o] = sum over n of dy[n,o]}. Inputs: x [N,...], dy [N,O].
 * Outputs: dw [O,K] and, with a bias, db [O]. x and dy are float32 or bfloat16; dw and db are
 * float32.
 *
 * @param bias whether the bias gradient is computed too
 */
public record DenseBackwardWeights(boolean bias) implements Op {
  @Override
  public String name() {
    return "dense_backward_weights";
  }

  @Override
  public List<TensorType> outputTypes(List<TensorType> inputs) {
    Check.count(name(), inputs, 2, 2);
    Shape x = Check.factor(name(), "input", inputs.get(0));
    Shape dy = Check.factor(name(), "gradOutput", inputs.get(1), 2);
    Check.sameFactors(name(), "input", "gradOutput", inputs);
    Check.that(
        x.rank() >= 2 && x.dim(0) == dy.dim(0),
        name(),
        "input " + x + " and gradOutput " + dy + " must have the same rows");
    TensorType dw = TensorType.float32(dy.dim(1), Math.toIntExact(x.elementsPerRow()));
    return bias ? List.of(dw, TensorType.float32(dy.dim(1))) : List.of(dw);
  }

  @Override
  public boolean outputBatched(int output, boolean anyInputBatched) {
    return false;
  }

  @Override
  public long flops(List<TensorType> inputs, List<TensorType> outputs) {
    return 2 * inputs.get(0).shape().elements() * inputs.get(1).shape().dim(1);
  }
}
