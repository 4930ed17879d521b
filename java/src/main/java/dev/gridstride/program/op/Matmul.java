package dev.gridstride.program.op;

import dev.gridstride.program.Gradients;
import dev.gridstride.program.Op;
import dev.gridstride.program.Shape;
import dev.gridstride.program.TensorType;
import dev.gridstride.program.Value;
import java.util.List;

/**
 * Matrix product {@code c = op(a) op(b)}, where op transposes or not. Inputs: a [m,k], or [k,m] if
 * transposed; b [k,n], or [n,k] if transposed. Output: [m,n]. a and b are float32 or bfloat16; the
 * output is float32.
 *
 * @param transposeA whether a is stored transposed
 * @param transposeB whether b is stored transposed
 */
public record Matmul(boolean transposeA, boolean transposeB) implements Op {
  @Override
  public String name() {
    return "matmul";
  }

  @Override
  public List<TensorType> outputTypes(List<TensorType> inputs) {
    Check.count(name(), inputs, 2, 2);
    Shape a = Check.factor(name(), "a", inputs.get(0), 2);
    Shape b = Check.factor(name(), "b", inputs.get(1), 2);
    Check.sameFactors(name(), "a", "b", inputs);
    int m = a.dim(transposeA ? 1 : 0);
    int k = a.dim(transposeA ? 0 : 1);
    int n = b.dim(transposeB ? 0 : 1);
    int bK = b.dim(transposeB ? 1 : 0);
    Check.that(
        k == bK,
        name(),
        "inner dimensions differ: "
            + k
            + " and "
            + bK
            + " (a "
            + a
            + (transposeA ? " transposed" : "")
            + ", b "
            + b
            + (transposeB ? " transposed)" : ")"));
    return List.of(TensorType.float32(m, n));
  }

  /** Rows of the result are samples only if a's are; a sum over samples has none. */
  @Override
  public boolean outputBatched(int output, boolean anyInputBatched) {
    return anyInputBatched && !transposeA;
  }

  @Override
  public void gradient(Gradients g) {
    Value a = g.input(0);
    Value dc = Cast.toTypeOf(a, g.gradOutput(0), g);
    Value b = g.input(1);
    if (g.needed(0)) {
      g.accumulate(
          0,
          transposeA
              ? g.builder().add(g.gradName(0), new Matmul(transposeB, true), b, dc)
              : g.builder().add(g.gradName(0), new Matmul(false, !transposeB), dc, b));
    }
    if (g.needed(1)) {
      g.accumulate(
          1,
          transposeB
              ? g.builder().add(g.gradName(1), new Matmul(true, transposeA), dc, a)
              : g.builder().add(g.gradName(1), new Matmul(!transposeA, false), a, dc));
    }
  }

  @Override
  public long flops(List<TensorType> inputs, List<TensorType> outputs) {
    return 2 * outputs.get(0).shape().elements() * inputs.get(0).shape().dim(transposeA ? 0 : 1);
  }
}
