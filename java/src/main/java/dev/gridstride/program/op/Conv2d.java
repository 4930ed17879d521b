package dev.gridstride.program.op;

import dev.gridstride.program.Gradients;
import dev.gridstride.program.Op;
import dev.gridstride.program.Padding2d;
import dev.gridstride.program.Shape;
import dev.gridstride.program.Size2d;
import dev.gridstride.program.TensorType;
import dev.gridstride.program.Value;
import java.util.ArrayList;
import java.util.List;

/**
 * Two-dimensional convolution (cross-correlation, as in all frameworks), with an optional bias and
 * ReLU:
 *
 * <pre>
 * y[n,o,p,q] = act(b[o] + sum over c,r,s of x[n, g*C/G + c, p*sh + r*dh - top, q*sw + s*dw - left] * w[o,c,r,s])
 * </pre>
 *
 * where {@code g = o / (O/G)} and positions outside the image read as zero. Inputs: x [N,C,H,W], w
 * [O,C/G,KH,KW], and b [O] or none. Output: [N,O,P,Q] with {@code P = floor((H + top + bottom -
 * (dh*(KH-1) + 1)) / sh) + 1}. x and w are float32 or bfloat16; all else is float32.
 *
 * @param stride of the window
 * @param padding zeros round the image
 * @param dilation distance between taps, 1 for none
 * @param groups G; input and output channels are cut into so many independent parts
 * @param relu whether {@code max(v, 0)} is applied to the result
 */
public record Conv2d(Size2d stride, Padding2d padding, Size2d dilation, int groups, boolean relu)
    implements Op {
  /** A plain convolution: stride 1, no padding, no dilation, one group, no ReLU. */
  public static final Conv2d PLAIN =
      new Conv2d(Size2d.of(1), Padding2d.NONE, Size2d.of(1), 1, false);

  /** Checks the attributes. */
  public Conv2d {
    stride.check("conv2d", "stride", 1);
    dilation.check("conv2d", "dilation", 1);
    Check.that(
        padding.top() >= 0 && padding.left() >= 0 && padding.bottom() >= 0 && padding.right() >= 0,
        "conv2d",
        "padding must not be negative, got " + padding);
    Check.that(groups >= 1, "conv2d", "groups must be at least 1, got " + groups);
  }

  @Override
  public String name() {
    return "conv2d";
  }

  @Override
  public List<TensorType> outputTypes(List<TensorType> inputs) {
    Check.count(name(), inputs, 2, 3);
    Shape x = Check.factor(name(), "input", inputs.get(0), 4);
    Shape w = Check.factor(name(), "weight", inputs.get(1), 4);
    Check.sameFactors(name(), "input", "weight", inputs);
    int outChannels = w.dim(0);
    Check.that(
        x.dim(1) % groups == 0 && outChannels % groups == 0,
        name(),
        "groups "
            + groups
            + " must divide input and output channels (input "
            + x
            + ", weight "
            + w
            + ")");
    Check.that(
        x.dim(1) == w.dim(1) * groups,
        name(),
        "input channels "
            + x.dim(1)
            + " != weight channels "
            + w.dim(1)
            + (groups == 1 ? "" : " x groups " + groups)
            + " (input "
            + x
            + ", weight "
            + w
            + ")");
    if (inputs.size() == 3) {
      Check.same(name(), "bias", TensorType.float32(outChannels), inputs.get(2));
    }
    Size2d out = padding.outputSize(name(), x.dim(2), x.dim(3), kernel(w), stride, dilation);
    return List.of(TensorType.float32(x.dim(0), outChannels, out.height(), out.width()));
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
    Value w = g.input(1);
    boolean bias = g.node().inputs().size() == 3 && g.needed(2);
    Value factor = g.needed(0) || g.needed(1) ? Cast.toTypeOf(x, gradOutput, g) : null;
    if (g.needed(0)) {
      Op op = new Conv2dBackwardData(linear(), x.shape());
      g.accumulate(0, g.builder().add(g.gradName(0), op, factor, w));
    }
    if (g.needed(1)) {
      Op op = new Conv2dBackwardWeights(linear(), w.shape(), bias);
      List<Value> grads = g.builder().addAll(g.gradName(1), op, List.of(x, factor));
      g.accumulate(1, grads.get(0));
      if (bias) {
        g.accumulate(2, grads.get(1));
      }
    } else if (bias) {
      g.accumulate(2, g.builder().add(g.gradName(2), new BiasBackward(), gradOutput));
    }
  }

  /** This convolution without its ReLU. */
  public Conv2d linear() {
    return withRelu(false);
  }

  /** This convolution with or without a ReLU. */
  public Conv2d withRelu(boolean wanted) {
    return new Conv2d(stride, padding, dilation, groups, wanted);
  }

  /** This convolution with another padding. */
  public Conv2d withPadding(Padding2d other) {
    return new Conv2d(stride, other, dilation, groups, relu);
  }

  /** Height and width of a weight [O,C/G,KH,KW]. */
  public static Size2d kernel(Shape weight) {
    return new Size2d(weight.dim(2), weight.dim(3));
  }

  /** Operations of one pass: 2 N O P Q (C/G) KH KW. */
  static long flops(Shape weight, Shape output) {
    return 2 * output.elements() * weight.elementsPerRow();
  }

  @Override
  public long flops(List<TensorType> inputs, List<TensorType> outputs) {
    return flops(inputs.get(1).shape(), outputs.get(0).shape());
  }

  /** Shape check shared by the backward ops: that {@code dy} is what this gives for x and w. */
  void checkGradOutput(String op, Shape x, Shape w, TensorType dy) {
    List<TensorType> forward = new ArrayList<>();
    forward.add(TensorType.float32(x.dims()));
    forward.add(TensorType.float32(w.dims()));
    Shape y = outputTypes(forward).get(0).shape();
    Check.factor(op, "gradOutput", dy);
    Check.same(op, "gradOutput", new TensorType(dy.dtype(), y), dy);
  }
}
