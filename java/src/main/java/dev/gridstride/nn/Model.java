package dev.gridstride.nn;

import dev.gridstride.program.DataType;
import dev.gridstride.program.Program;
import dev.gridstride.program.ProgramException;
import dev.gridstride.program.Shape;
import dev.gridstride.program.Tensor;
import dev.gridstride.program.TensorType;
import dev.gridstride.program.Value;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * A network with a fixed input: its name, the shape of one sample, and its layers. Immutable; the
 * weights live in a session, under the names of {@link #parameters}.
 */
public final class Model {
  private final String name;
  private final Shape inputShape;
  private final Sequential layers;
  private final int classes;
  private final List<ParameterSpec> parameters;

  /**
   * A model, checked from end to end.
   *
   * @param name for messages and files
   * @param inputShape of one sample, without the batch: [C,H,W] or [K]
   * @param layers from the input to the scores or probabilities [N,classes]
   * @throws ProgramException if a layer does not fit what it gets; the message names it
   */
  public Model(String name, Shape inputShape, Sequential layers) {
    this.name = name;
    this.inputShape = inputShape;
    this.layers = layers;
    Scope scope = Scope.inference(new Program.Builder());
    Value output;
    try {
      output = build(scope, input(scope.builder(), 1));
    } catch (ProgramException e) {
      ProgramException named =
          new ProgramException(name + " on samples " + inputShape + ": " + e.getMessage());
      named.initCause(e);
      throw named;
    }
    if (output.shape().rank() != 2) {
      throw new ProgramException(
          name + ": the last layer must give [N,classes], got " + output.shape());
    }
    this.classes = output.shape().dim(1);
    this.parameters = scope.parameters();
  }

  /** Name for messages and files, for example {@code cifar10-cnn}. */
  public String name() {
    return name;
  }

  /** Shape of one sample, without the batch. */
  public Shape inputShape() {
    return inputShape;
  }

  /** Number of scores that the last layer gives. */
  public int classes() {
    return classes;
  }

  /** The layers, from the input to the output. */
  public Sequential layers() {
    return layers;
  }

  /** The input {@code input} of a program for a batch: float32 [batchSize, inputShape...]. */
  public Value input(Program.Builder builder, int batchSize) {
    return builder.input("input", new TensorType(DataType.FLOAT32, batchOf(batchSize)));
  }

  private Shape batchOf(int batchSize) {
    int[] dims = new int[inputShape.rank() + 1];
    dims[0] = batchSize;
    System.arraycopy(inputShape.dims(), 0, dims, 1, inputShape.rank());
    return Shape.of(dims);
  }

  /**
   * Adds the model to a program.
   *
   * @param input float32 [N, inputShape...]
   * @return the output of the last layer [N,classes]; probabilities if that is a {@link Softmax}
   * @throws ProgramException if the input has another shape
   */
  public Value build(Scope scope, Value input) {
    Shape got = input.shape();
    if (got.rank() == 0 || !got.equals(batchOf(got.dim(0)))) {
      throw new ProgramException(
          name + ": input must be a batch of samples " + inputShape + ", got " + got);
    }
    return layers.apply(scope, input);
  }

  /** Everything that is saved with the model: parameters and running statistics. */
  public List<ParameterSpec> parameters() {
    return parameters;
  }

  /** How many numbers the optimiser learns. */
  public long parameterCount() {
    return parameters.stream()
        .filter(ParameterSpec::trainable)
        .mapToLong(parameter -> parameter.value().shape().elements())
        .sum();
  }

  /** First values of all {@link #parameters}, by name; the same for the same seed. */
  public Map<String, Tensor> initialWeights(long seed) {
    Map<String, Tensor> weights = new LinkedHashMap<>();
    parameters.forEach(parameter -> weights.put(parameter.name(), parameter.initial(seed)));
    return weights;
  }

  /**
   * Checks that weights are exactly those of this model, by names and types.
   *
   * @param source where they come from, for the message
   * @throws ProgramException if one is missing, of another type, or unknown
   */
  public void requireFits(Map<String, Tensor> weights, String source) {
    List<String> unknown = new ArrayList<>(weights.keySet());
    for (ParameterSpec parameter : parameters) {
      Tensor tensor = weights.get(parameter.name());
      if (tensor == null || !tensor.type().equals(parameter.value().type())) {
        throw new ProgramException(
            source
                + " does not fit model "
                + name
                + ": expected "
                + parameter.value()
                + ", got "
                + (tensor == null ? "none" : tensor.type()));
      }
      unknown.remove(parameter.name());
    }
    if (!unknown.isEmpty()) {
      throw new ProgramException(
          source + " does not fit model " + name + ": unknown tensors " + unknown);
    }
  }

  /**
   * Shapes, parameters, operations and planned memory.
   *
   * @param batchSize samples in a batch, at least 1
   */
  public Summary summary(int batchSize) {
    return Summary.of(this, batchSize);
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Model model
        && name.equals(model.name)
        && inputShape.equals(model.inputShape)
        && layers.equals(model.layers);
  }

  @Override
  public int hashCode() {
    return Objects.hash(name, inputShape, layers);
  }

  /** For example {@code cifar10-cnn on samples [3,32,32]}. */
  @Override
  public String toString() {
    return name + " on samples " + inputShape;
  }
}
