package dev.gridstride.program.op;

import dev.gridstride.program.Gradients;
import dev.gridstride.program.Op;
import dev.gridstride.program.Shape;
import dev.gridstride.program.TensorType;
import dev.gridstride.program.Value;
import java.util.List;

/**
 * Fully connected layer with optional bias and ReLU: {@code y[n,o] = act(b[o] + sum over k of
 * x[n,k] * w[o,k])}. Inputs: x [N,...], whose trailing dimensions count as one in row-major order,
 * w [O,K], and b [O] or none. Output: [N,O]. x and w are float32 or bfloat16; all else is float32.
 *
 * @param relu whether {@code max(v, 0)} is applied to the result
 */
public record Dense(boolean relu) implements Op {
  @Override
  public String name() {
    return "dense";
  }

  @Override
  public List<TensorType> outputTypes(List<TensorType> inputs) {
    Check.count(name(), inputs, 2, 3);
    Shape x = Check.factor(name(), "input", inputs.get(0));
    Shape w = Check.factor(name(), "weight", inputs.get(1), 2);
    Check.sameFactors(name(), "input", "weight", inputs);
    Check.that(x.rank() >= 2, name(), "input must have at least 2 dimensions, got " + x);
    Check.that(
        x.elementsPerRow() == w.dim(1),
        name(),
        "input features "
            + x.elementsPerRow()
            + " != weight columns "
            + w.dim(1)
            + " (input "
            + x
            + ", weight "
            + w
            + ")");
    if (inputs.size() == 3) {
      Check.same(name(), "bias", TensorType.float32(w.dim(0)), inputs.get(2));
    }
    return List.of(TensorType.float32(x.dim(0), w.dim(0)));
  }

  @Override
  public void gradient(Gradients g) {
    Value gradOutput = g.gradOutput(0);
    if (relu) {
      gradOutput =
          g.builder()
              .add("d_" + g.output(0).name() + "_pre", new ReluBackward(), gradOutput, g.output(0));
    }
    Value x = g.input(0);
    boolean bias = g.node().inputs().size() == 3 && g.needed(2);
    Value factor = g.needed(0) || g.needed(1) ? Cast.toTypeOf(x, gradOutput, g) : null;
    if (g.needed(0)) {
      Op op = new DenseBackwardData(x.shape());
      g.accumulate(0, g.builder().add(g.gradName(0), op, factor, g.input(1)));
    }
    if (g.needed(1)) {
      Op op = new DenseBackwardWeights(bias);
      List<Value> grads = g.builder().addAll(g.gradName(1), op, List.of(x, factor));
      g.accumulate(1, grads.get(0));
      if (bias) {
        g.accumulate(2, grads.get(1));
      }
    } else if (bias) {
      g.accumulate(2, g.builder().add(g.gradName(2), new BiasBackward(), gradOutput));
    }
  }

  @Override
  public long flops(List<TensorType> inputs, List<TensorType> outputs) {
    return 2 * inputs.get(0).shape().elements() * inputs.get(1).shape().dim(0);
  }
}
