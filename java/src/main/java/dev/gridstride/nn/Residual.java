package dev.gridstride.nn;

import dev.gridstride.program.ProgramException;
import dev.gridstride.program.Value;
import dev.gridstride.program.op.Add;
import dev.gridstride.program.op.Relu;
import java.util.Objects;

/**
 * Residual block (He et al., 2016): {@code y = act(branch(x) + shortcut(x))}. The shortcut is the
 * input itself, an empty {@link Sequential}, unless the branch changes the shape and a projection
 * is given. Parameters are named {@code block1.branch.conv1.weight} and {@code
 * block1.shortcut.conv1.weight}.
 *
 * @param branch what is learned
 * @param shortcut what it is added to
 * @param activation applied to the sum
 */
public record Residual(Layer branch, Layer shortcut, Activation activation) implements Layer {
  /** Checks the arguments. */
  public Residual {
    Objects.requireNonNull(branch, "branch");
    Objects.requireNonNull(shortcut, "shortcut");
    Objects.requireNonNull(activation, "activation");
  }

  /** A block whose branch is these layers one after the other, its shortcut the input itself. */
  public static Residual of(Layer... branch) {
    return new Residual(Sequential.of(branch), Sequential.of(), Activation.NONE);
  }

  /** With a projection of the input to the branch's shape, such as a convolution with kernel 1. */
  public Residual shortcut(Layer... projection) {
    return new Residual(branch, Sequential.of(projection), activation);
  }

  /** With a ReLU on the sum. */
  public Residual relu() {
    return new Residual(branch, shortcut, Activation.RELU);
  }

  @Override
  public Value apply(Scope scope, Value x) {
    Value learned = scope.apply("branch", branch, x);
    Value kept = scope.apply("shortcut", shortcut, x);
    if (!learned.type().equals(kept.type())) {
      throw new ProgramException(
          "branch gives "
              + learned.shape()
              + ", shortcut gives "
              + kept.shape()
              + "; give it a shortcut that projects to the branch's shape");
    }
    Value sum = scope.add(new Add(), learned, kept);
    return activation == Activation.RELU ? scope.add(new Relu(), sum) : sum;
  }

  @Override
  public String kind() {
    return "block";
  }

  @Override
  public String toString() {
    return "Residual" + (activation == Activation.RELU ? ", ReLU" : "");
  }
}
