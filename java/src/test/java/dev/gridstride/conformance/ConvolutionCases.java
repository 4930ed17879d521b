package dev.gridstride.conformance;

import dev.gridstride.program.Padding2d;
import dev.gridstride.program.Size2d;
import dev.gridstride.program.Value;
import dev.gridstride.program.op.Conv2d;
import java.util.ArrayList;
import java.util.List;

/** Convolution, all passes. */
final class ConvolutionCases {
  private static final Size2d ONE = Size2d.of(1);

  private ConvolutionCases() {}

  /** A shape: input, output channels and kernel, attributes, and why it is here. */
  private record Problem(
      int[] input, int out, Size2d kernel, Conv2d conv, boolean bias, String reason) {
    String name() {
      return "conv2d "
          + String.join("x", List.of(dim(0), dim(1), dim(2), dim(3)))
          + " to "
          + out
          + ", kernel "
          + kernel
          + (conv.stride().equals(ONE) ? "" : ", stride " + conv.stride())
          + (conv.padding().equals(Padding2d.NONE) ? "" : ", padding " + conv.padding())
          + (conv.dilation().equals(ONE) ? "" : ", dilation " + conv.dilation())
          + (conv.groups() == 1 ? "" : ", groups " + conv.groups())
          + (bias ? ", bias" : "")
          + (conv.relu() ? ", relu" : "");
    }

    private String dim(int axis) {
      return Integer.toString(input[axis]);
    }

    Case sketch(Numbers.Kind kind) {
      Sketch sketch = new Sketch(name(), reason, kind);
      Value x = sketch.input("x", input);
      Value w =
          sketch.parameter("w", out, input[1] / conv.groups(), kernel.height(), kernel.width());
      Value b = bias ? sketch.parameter("b", out) : null;
      Value y =
          bias ? sketch.builder().add("y", conv, x, w, b) : sketch.builder().add("y", conv, x, w);
      long forward = w.shape().elementsPerRow();
      long backward = y.shape().elements() / out;
      long terms = forward + Math.max(backward, forward * out);
      return bias ? sketch.differentiate(y, terms, x, w, b) : sketch.differentiate(y, terms, x, w);
    }
  }

  private static final Conv2d P = Conv2d.PLAIN;

  private static Conv2d conv(Size2d stride, Padding2d padding, Size2d dilation, int groups) {
    return new Conv2d(stride, padding, dilation, groups, false);
  }

  private static Problem of(
      int n, int c, int h, int w, int out, int kh, int kw, Conv2d conv, boolean bias, String why) {
    return new Problem(new int[] {n, c, h, w}, out, new Size2d(kh, kw), conv, bias, why);
  }

  private static List<Problem> problems() {
    Size2d two = Size2d.of(2);
    Conv2d same = P.withPadding(Padding2d.of(1));
    return List.of(
        of(1, 1, 1, 1, 1, 1, 1, P, true, "everything 1"),
        of(1, 1, 3, 3, 1, 3, 3, P, false, "one window, one output element"),
        of(1, 1, 5, 7, 1, 3, 2, P, true, "height and width exchanged show here"),
        of(2, 3, 7, 5, 5, 3, 3, P, true, "primes all over"),
        of(5, 3, 8, 8, 4, 3, 3, P, true, "batch that 2 and 3 threads do not divide"),
        of(1, 3, 9, 9, 8, 3, 3, same, true, "batch 1 with more than one thread"),
        of(2, 15, 6, 6, 17, 3, 3, same, true, "channels one below and above a block of 16"),
        of(2, 16, 6, 6, 16, 3, 3, same, true, "channels of just one block"),
        of(3, 33, 5, 5, 9, 1, 1, P, false, "1x1 kernel, channels above two blocks"),
        of(2, 8, 6, 7, 3, 1, 1, conv(two, Padding2d.NONE, ONE, 1), true, "1x1 with stride skips"),
        of(2, 3, 9, 9, 4, 3, 3, conv(two, Padding2d.of(1), ONE, 1), true, "stride 2"),
        of(2, 3, 10, 10, 4, 3, 3, conv(two, Padding2d.NONE, ONE, 1), true, "stride leaves a rest"),
        of(
            1,
            2,
            11,
            9,
            3,
            3,
            2,
            conv(new Size2d(3, 2), Padding2d.of(1, 0), ONE, 1),
            false,
            "stride and padding differ by axis"),
        of(
            2,
            3,
            6,
            6,
            4,
            3,
            3,
            P.withPadding(new Padding2d(2, 0, 1, 3)),
            true,
            "padding differs on all four sides"),
        of(2, 3, 4, 4, 2, 3, 3, P.withPadding(Padding2d.of(2)), true, "full padding"),
        of(1, 2, 3, 3, 2, 5, 5, P.withPadding(Padding2d.of(2)), true, "kernel above the image"),
        of(
            2,
            3,
            8,
            8,
            5,
            3,
            3,
            P.withPadding(new Padding2d(0, 0, -1, -1)),
            true,
            "cropped below and right, as trimming does"),
        of(
            2,
            3,
            8,
            9,
            5,
            3,
            3,
            P.withPadding(new Padding2d(1, 1, -2, -1)),
            true,
            "padded above and left, cropped below and right"),
        of(
            2,
            3,
            9,
            9,
            4,
            3,
            3,
            conv(two, new Padding2d(0, 0, -2, -2), ONE, 1),
            true,
            "cropped with stride"),
        of(1, 2, 9, 9, 3, 3, 3, conv(ONE, Padding2d.NONE, two, 1), true, "dilation"),
        of(
            2,
            2,
            9,
            11,
            3,
            3,
            2,
            conv(ONE, new Padding2d(2, 1, 0, 1), new Size2d(2, 3), 1),
            false,
            "dilation and padding differ by axis"),
        of(
            1,
            2,
            13,
            13,
            3,
            3,
            3,
            conv(two, Padding2d.of(2), two, 1),
            true,
            "stride, padding and dilation together"),
        of(2, 4, 6, 6, 6, 3, 3, conv(ONE, Padding2d.of(1), ONE, 2), true, "two groups"),
        of(2, 9, 5, 5, 6, 3, 3, conv(ONE, Padding2d.NONE, ONE, 3), false, "groups of odd size"),
        of(3, 7, 6, 6, 7, 3, 3, conv(ONE, Padding2d.of(1), ONE, 7), true, "depthwise"),
        of(
            2,
            16,
            8,
            8,
            16,
            3,
            3,
            conv(two, Padding2d.of(1), ONE, 16),
            true,
            "depthwise, stride 2 (MobileNet)"),
        of(
            2,
            3,
            6,
            6,
            6,
            3,
            3,
            conv(ONE, Padding2d.of(1), ONE, 3),
            true,
            "depthwise with two outputs a channel"),
        of(2, 3, 8, 8, 5, 3, 3, same.withRelu(true), true, "relu fused, with bias"),
        of(2, 4, 7, 7, 3, 3, 3, P.withRelu(true), false, "relu fused, without bias"),
        of(
            2,
            4,
            7,
            7,
            6,
            3,
            3,
            conv(ONE, Padding2d.of(1), ONE, 2).withRelu(true),
            true,
            "relu fused, groups"),
        of(2, 3, 32, 32, 32, 3, 3, P.withRelu(true), true, "reference CNN, first convolution"),
        of(
            2,
            32,
            15,
            15,
            64,
            3,
            3,
            P.withPadding(new Padding2d(0, 0, -1, -1)).withRelu(true),
            true,
            "reference CNN, second convolution, trimmed"),
        of(
            1,
            3,
            35,
            35,
            16,
            11,
            11,
            conv(Size2d.of(4), Padding2d.of(2), ONE, 1),
            true,
            "AlexNet's first kernel"),
        of(
            1,
            3,
            32,
            32,
            24,
            7,
            7,
            conv(two, Padding2d.of(3), ONE, 1),
            false,
            "ResNet's first kernel"),
        of(1, 32, 8, 8, 48, 1, 1, conv(two, Padding2d.NONE, ONE, 1), false, "ResNet's shortcut"));
  }

  static List<Case> all() {
    List<Case> cases = new ArrayList<>();
    for (Problem problem : problems()) {
      cases.add(problem.sketch(Numbers.Kind.INTEGERS));
      cases.add(problem.sketch(Numbers.Kind.REALS));
    }
    return cases;
  }
}
