package dev.gridstride.nn;

import dev.gridstride.program.Padding2d;
import dev.gridstride.program.ProgramException;
import dev.gridstride.program.Shape;
import dev.gridstride.program.Size2d;
import dev.gridstride.program.Value;

/**
 * Two-dimensional convolution; see {@link dev.gridstride.program.op.Conv2d} for the formula.
 *
 * <p>Input [N,C,H,W]; output [N,O,P,Q] with {@code P = floor((H + top + bottom - (dilation * (KH -
 * 1) + 1)) / stride) + 1}. Parameters: {@code weight} [O,C/G,KH,KW] and {@code bias} [O]. Defaults:
 * stride 1, no padding, no dilation, one group, with bias, no activation, Glorot uniform.
 *
 * @param outChannels O
 * @param window kernel, stride, dilation and padding
 * @param groups G; must divide C and O
 * @param activation applied to the result
 * @param weightOptions bias, initialisers and penalties
 */
public record Conv2d(
    int outChannels, Window window, int groups, Activation activation, WeightOptions weightOptions)
    implements Layer {
  private static final Size2d STEP_1 = Size2d.of(1);

  /** Checks the options. */
  public Conv2d {
    if (outChannels < 1 || groups < 1 || outChannels % groups != 0) {
      throw new ProgramException(
          "Conv2d: outChannels must be a positive multiple of groups, got "
              + outChannels
              + " channels and "
              + groups
              + " groups");
    }
  }

  /** A convolution with a square kernel. */
  public static Conv2d of(int outChannels, int kernel) {
    return of(outChannels, Size2d.of(kernel));
  }

  /** A convolution with a kernel of any height and width. */
  public static Conv2d of(int outChannels, Size2d kernel) {
    Window window = Window.of(kernel, STEP_1);
    return new Conv2d(outChannels, window, 1, Activation.NONE, WeightOptions.DEFAULT);
  }

  /** With this distance between positions, both ways. */
  public Conv2d stride(int stride) {
    return with(window.withStride(Size2d.of(stride)));
  }

  /** With these distances between positions. */
  public Conv2d stride(Size2d stride) {
    return with(window.withStride(stride));
  }

  /** With this distance between taps, both ways. */
  public Conv2d dilation(int dilation) {
    return with(window.withDilation(Size2d.of(dilation)));
  }

  /** With these distances between taps. */
  public Conv2d dilation(Size2d dilation) {
    return with(window.withDilation(dilation));
  }

  /** With so many rows and columns of zeros on each side. */
  public Conv2d padding(int padding) {
    return with(window.withPadding(Padding2d.of(padding)));
  }

  /** With this padding. */
  public Conv2d padding(Padding2d padding) {
    return with(window.withPadding(padding));
  }

  /**
   * With the padding that makes the output extent {@code ceil(in / stride)}; see {@link Window}.
   */
  public Conv2d samePadding() {
    return with(window.withSamePadding());
  }

  /** With input and output channels cut into so many independent parts. */
  public Conv2d groups(int count) {
    return new Conv2d(outChannels, window, count, activation, weightOptions);
  }

  /** With a ReLU on the result. */
  public Conv2d relu() {
    return new Conv2d(outChannels, window, groups, Activation.RELU, weightOptions);
  }

  /** With or without a bias. */
  public Conv2d bias(boolean wanted) {
    return with(weightOptions.withBias(wanted));
  }

  /** With these first values of the weight. */
  public Conv2d initializer(Initializer initializer) {
    return with(weightOptions.withInitializer(initializer));
  }

  /** With these first values of the bias. */
  public Conv2d biasInitializer(Initializer initializer) {
    return with(weightOptions.withBiasInitializer(initializer));
  }

  /** With {@code l1 * sum of |w| + l2 * sum of w^2} of the weight in the loss. */
  public Conv2d penalty(float l1, float l2) {
    return with(weightOptions.withPenalty(l1, l2));
  }

  private Conv2d with(Window other) {
    return new Conv2d(outChannels, other, groups, activation, weightOptions);
  }

  private Conv2d with(WeightOptions other) {
    return new Conv2d(outChannels, window, groups, activation, other);
  }

  @Override
  public Value apply(Scope scope, Value x) {
    Padding2d padding = window.paddingFor(x.shape());
    int inChannels = x.shape().dim(1);
    if (inChannels % groups != 0) {
      throw new ProgramException(
          "groups " + groups + " must divide the input channels, got " + x.shape());
    }
    Size2d kernel = window.kernel();
    Shape weight = Shape.of(outChannels, inChannels / groups, kernel.height(), kernel.width());
    boolean relu = activation == Activation.RELU;
    return scope.add(
        new dev.gridstride.program.op.Conv2d(
            window.stride(), padding, window.dilation(), groups, relu),
        weightOptions.inputs(scope, x, weight));
  }

  @Override
  public String kind() {
    return "conv";
  }

  /** For example {@code Conv2d 64 3x3, stride 2x2, ReLU}. */
  @Override
  public String toString() {
    return "Conv2d "
        + outChannels
        + " "
        + window.describe(STEP_1)
        + (groups == 1 ? "" : ", groups " + groups)
        + (weightOptions.bias() ? "" : ", no bias")
        + (activation == Activation.RELU ? ", ReLU" : "");
  }
}
