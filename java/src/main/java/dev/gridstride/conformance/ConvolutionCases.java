package dev.gridstride.conformance;

import dev.gridstride.program.Padding2d;
import dev.gridstride.program.Shape;
import dev.gridstride.program.Size2d;
import dev.gridstride.program.Value;
import dev.gridstride.program.op.Conv2d;
import java.util.ArrayList;
import java.util.List;

/** Convolution, all passes. */
final class ConvolutionCases {
  /** Padding is top, left, bottom, right; the rest of a line is the reason of the shape. */
  private static final String PROBLEMS =
      """
      # input     out kernel stride padding dilation groups bias relu reason
      1,1,1,1       1 1x1 1x1 0,0,0,0 1x1  1 yes no  everything 1
      1,1,3,3       1 3x3 1x1 0,0,0,0 1x1  1 no  no  one window, one output element
      1,1,5,7       1 3x2 1x1 0,0,0,0 1x1  1 yes no  height and width exchanged show here
      2,3,7,5       5 3x3 1x1 0,0,0,0 1x1  1 yes no  primes all over
      5,3,8,8       4 3x3 1x1 0,0,0,0 1x1  1 yes no  batch that 2 and 3 threads do not divide
      1,3,9,9       8 3x3 1x1 1,1,1,1 1x1  1 yes no  batch 1 with more than one thread
      2,15,6,6     17 3x3 1x1 1,1,1,1 1x1  1 yes no  channels one below and above a block of 16
      2,16,6,6     16 3x3 1x1 1,1,1,1 1x1  1 yes no  channels of just one block
      3,33,5,5      9 1x1 1x1 0,0,0,0 1x1  1 no  no  1x1 kernel, channels above two blocks
      2,8,6,7       3 1x1 2x2 0,0,0,0 1x1  1 yes no  1x1 with stride skips elements
      2,3,9,9       4 3x3 2x2 1,1,1,1 1x1  1 yes no  stride 2
      2,3,10,10     4 3x3 2x2 0,0,0,0 1x1  1 yes no  stride leaves a row and a column over
      1,2,11,9      3 3x2 3x2 1,0,1,0 1x1  1 no  no  stride and padding differ by axis
      2,3,6,6       4 3x3 1x1 2,0,1,3 1x1  1 yes no  padding differs on all four sides
      2,3,5,5       4 3x3 2x2 0,0,1,1 1x1  1 no  no  padding as TensorFlow's SAME places it
      2,3,4,4       2 3x3 1x1 2,2,2,2 1x1  1 yes no  full padding
      1,2,3,3       2 5x5 1x1 2,2,2,2 1x1  1 yes no  kernel larger than the image
      1,2,9,9       3 3x3 1x1 0,0,0,0 2x2  1 yes no  dilation
      2,2,9,11      3 3x2 1x1 2,1,0,1 2x3  1 no  no  dilation and padding differ by axis
      1,2,13,13     3 3x3 2x2 2,2,2,2 2x2  1 yes no  stride, padding and dilation together
      2,4,6,6       6 3x3 1x1 1,1,1,1 1x1  2 yes no  two groups
      2,9,5,5       6 3x3 1x1 0,0,0,0 1x1  3 no  no  groups of odd size
      2,32,5,5     32 3x3 1x1 1,1,1,1 1x1  2 yes no  groups of whole blocks
      3,7,6,6       7 3x3 1x1 1,1,1,1 1x1  7 yes no  depthwise, odd channels
      2,16,8,8     16 3x3 2x2 1,1,1,1 1x1 16 yes no  depthwise, stride 2 (MobileNet)
      2,3,6,6       6 3x3 1x1 1,1,1,1 1x1  3 yes no  depthwise with two outputs a channel
      2,3,8,8       5 3x3 1x1 1,1,1,1 1x1  1 yes yes relu fused, with bias
      2,4,7,7       3 3x3 1x1 0,0,0,0 1x1  1 no  yes relu fused, without bias
      2,4,7,7       6 3x3 1x1 1,1,1,1 1x1  2 yes yes relu fused, groups
      2,3,32,32    32 3x3 1x1 0,0,0,0 1x1  1 yes yes reference CNN, first convolution
      2,32,15,15   64 3x3 1x1 0,0,0,0 1x1  1 yes yes reference CNN, second convolution
      2,32,14,14   64 3x3 1x1 0,0,0,0 1x1  1 yes yes the same, trimmed
      16,3,9,7      8 3x3 1x1 0,0,0,0 1x1  1 yes yes batch of whole blocks: weight gradient as a forward convolution
      24,5,8,6     16 3x5 1x1 1,2,0,1 1x1  1 yes no  the same, padding differs on all four sides
      16,32,14,14  64 3x3 1x1 0,0,0,0 1x1  1 yes yes the same, reference CNN, second convolution
      1,4,10,10     4 2x2 3x3 0,0,0,0 1x1  1 no  no  stride above the kernel: pixels that nothing reads
      1,4,9,9       8 3x3 2x2 1,1,1,1 3x3  1 yes no  stride and dilation without a common divisor
      2,1,12,12     6 5x5 1x1 0,0,0,0 1x1  1 yes yes one input channel (MNIST)
      1,8,13,5     33 3x3 1x1 1,1,1,1 1x1  1 yes yes one pixel and one channel above a tile of 64 by 32
      1,36,9,7      5 3x3 1x1 1,1,1,1 1x1  1 yes yes few pixels and a long sum, split over blocks
      8,12,7,7     12 3x3 1x1 1,1,1,1 1x1 12 yes no  depthwise, more pixels than a block takes for the weights
      1,3,35,35    16 11x11 4x4 2,2,2,2 1x1 1 yes no AlexNet's first kernel
      1,3,32,32    24 7x7 2x2 3,3,3,3 1x1  1 no  no  ResNet's first kernel
      1,32,8,8     48 1x1 2x2 0,0,0,0 1x1  1 no  no  ResNet's shortcut
      """;

  /** Exact, in integers alone: enough work for the large tiles of a card. */
  private static final String LARGE_PROBLEMS =
      """
      17,8,33,33   65 2x2 1x1 0,0,0,0 1x1  1 yes yes many pixels
      1,85,5,5   1400 3x3 1x1 0,0,0,0 1x1  1 yes no  many weights
      """;

  private ConvolutionCases() {}

  private static Case sketch(Table.Row row, Numbers.Kind kind) {
    Shape input = row.shape(0);
    int out = row.number(1);
    Size2d kernel = row.size(2);
    int groups = row.number(6);
    boolean bias = row.yes(7);
    Padding2d padding = row.padding(4);
    Conv2d conv = new Conv2d(row.size(3), padding, row.size(5), groups, row.yes(8));
    Sketch sketch =
        new Sketch(
            "conv2d "
                + input
                + " to "
                + out
                + ", kernel "
                + kernel
                + (conv.stride().equals(Size2d.of(1)) ? "" : ", stride " + conv.stride())
                + (padding.equals(Padding2d.NONE) ? "" : ", padding " + padding)
                + (conv.dilation().equals(Size2d.of(1)) ? "" : ", dilation " + conv.dilation())
                + (groups == 1 ? "" : ", groups " + groups)
                + (bias ? ", bias" : "")
                + (conv.relu() ? ", relu" : ""),
            row.reason(),
            kind);
    Value x = sketch.input("x", input.dims());
    Value w = sketch.parameter("w", out, input.dim(1) / groups, kernel.height(), kernel.width());
    List<Value> inputs = new ArrayList<>(List.of(x, w));
    if (bias) {
      inputs.add(sketch.parameter("b", out));
    }
    Value y = sketch.builder().add("y", conv, inputs.toArray(Value[]::new));
    long taps = w.shape().elementsPerRow();
    long places = y.shape().elements() / out;
    long terms = taps + Math.max(places, taps * out);
    return sketch.differentiate(y, terms, inputs.toArray(Value[]::new));
  }

  static List<Case> all() {
    List<Case> cases = new ArrayList<>();
    for (Table.Row row : Table.rows(PROBLEMS, 9)) {
      for (Numbers.Kind kind : Numbers.Kind.values()) {
        cases.add(sketch(row, kind));
      }
    }
    for (Table.Row row : Table.rows(LARGE_PROBLEMS, 9)) {
      cases.add(sketch(row, Numbers.Kind.INTEGERS));
    }
    return cases;
  }
}
