package dev.gridstride.backend.cpu;

import static org.bytedeco.dnnl.global.dnnl.DNNL_ARG_DST;
import static org.bytedeco.dnnl.global.dnnl.DNNL_ARG_SRC;
import static org.bytedeco.dnnl.global.dnnl.DNNL_ARG_WEIGHTS;

import dev.gridstride.backend.cpu.ConvolutionSteps.Geometry;
import dev.gridstride.backend.cpu.Primitive.Argument;
import dev.gridstride.program.Node;
import dev.gridstride.program.Shape;
import dev.gridstride.program.Size2d;
import dev.gridstride.program.TensorType;
import dev.gridstride.program.Value;
import dev.gridstride.program.op.Conv2d;
import dev.gridstride.program.op.MaxPool2dBackward;
import java.util.List;
import java.util.function.IntFunction;
import org.bytedeco.dnnl.convolution_forward;
import org.bytedeco.dnnl.memory;

/**
 * The weight gradient of a convolution as a forward convolution: {@code dw[o,c,r,s] = sum over
 * n,p,q of dy[n,o,p,q] * x[n,c,p+r-top,q+s-left]} is a convolution of x, its samples taken as
 * channels and its channels as the batch, with dy as the weights.
 *
 * <p>On AVX2, oneDNN 3.11's kernel for weight gradients keeps about 12 products in flight a load
 * and reaches 62 GFLOP/s a core where its forward kernel reaches 90 (3x3 over 14x14, on an AMD
 * EPYC); the reorders on the way cost a tenth of the gain. With AVX-512 its own kernel is as good,
 * and is used.
 */
final class WeightGradientByForward {
  /** oneDNN's AVX2 kernels take channels by eights, and here samples are channels. */
  private static final int BLOCK = 8;

  /** The output map becomes the kernel, for which code is generated tap by tap. */
  private static final int LARGEST_MAP = 32;

  private final Lowering lowering;
  private final Geometry geometry;
  private final Shape weight;
  private final Value x;
  private final Value dy;

  WeightGradientByForward(Lowering lowering, Geometry geometry, Shape weight, Value x, Value dy) {
    this.lowering = lowering;
    this.geometry = geometry;
    this.weight = weight;
    this.x = x;
    this.dy = dy;
  }

  /** Whether it applies and is the faster way; the same on every run, so that results are too. */
  boolean fits(Step.Mode mode) {
    Conv2d conv = geometry.conv();
    boolean plain =
        conv.groups() == 1
            && conv.stride().equals(Size2d.of(1))
            && conv.dilation().equals(Size2d.of(1));
    boolean sizes =
        weight.dim(0) % BLOCK == 0
            && weight.dim(3) >= 3
            && dy.shape().dim(2) <= LARGEST_MAP
            && dy.shape().dim(3) <= LARGEST_MAP;
    return OneDnn.instructionSet().startsWith("AVX2")
        && mode == Step.Mode.SHARDED
        && plain
        && sizes
        && wholeBlocks()
        && forward(0).asBoolean()
        && Primitive.implementation(forward(0)).startsWith("jit");
  }

  private boolean wholeBlocks() {
    for (int part = 0; part < lowering.parts(Step.Mode.SHARDED); part++) {
      if (rows(part) % BLOCK != 0) {
        return false;
      }
    }
    return true;
  }

  private int rows(int part) {
    return lowering.partShape(x, Step.Mode.SHARDED, part).dim(0);
  }

  /** Samples are the channels; the gradient of the output is the kernel. */
  private convolution_forward.primitive_desc forward(int part) {
    int samples = rows(part);
    Shape in = x.shape();
    Shape map = dy.shape();
    Geometry transposed =
        new Geometry(
            geometry.engine(),
            geometry.conv().linear(),
            Shape.of(weight.dim(0), samples, map.dim(2), map.dim(3)));
    return transposed.forward(
        false,
        Layout.ANY.desc(in.dim(1), samples, in.dim(2), in.dim(3)),
        transposed.weights(Layout.ANY),
        Layout.ANY.desc(weight.dim(1), weight.dim(0), weight.dim(2), weight.dim(3)));
  }

  /** Adds the steps that write {@code dw}, a part a shard, with the given descriptor. */
  void lower(String name, Value dw, memory.desc dwDesc) {
    Value xTurned = turned(x, part -> forward(part).src_desc());
    Value dyTurned = turned(dy, part -> forward(part).weights_desc());
    Value dwTurned =
        lowering.temporary(dw.name(), TensorType.float32(weight.dims()), false, Layout.PLAIN);
    lowering.definePartial(dwTurned, Layout.PLAIN);
    lowering.add(
        Primitive.step(
            lowering,
            name + " by forward",
            Step.Mode.SHARDED,
            this::forward,
            List.of(
                new Argument(DNNL_ARG_SRC, xTurned, part -> forward(part).src_desc()),
                new Argument(DNNL_ARG_WEIGHTS, dyTurned, part -> forward(part).weights_desc())),
            List.of(new Argument(DNNL_ARG_DST, dwTurned, part -> forward(part).dst_desc()))));
    lowering.add(
        Reorder.copy(
            lowering,
            "turn " + dw.name() + " back",
            Step.Mode.SHARDED,
            dwTurned,
            part -> swapped(forward(part).dst_desc()),
            dw,
            part -> dwDesc));
  }

  /** A copy with samples and channels exchanged, in the layout that the convolution wants. */
  private Value turned(Value value, IntFunction<memory.desc> wanted) {
    Value copy = lowering.temporary(value.name(), value.type(), true, Layout.PLAIN);
    Layout layout = lowering.layout(value);
    lowering.add(
        Reorder.copy(
            lowering,
            "turn " + value.name(),
            Step.Mode.SHARDED,
            value,
            part -> swapped(layout.desc(lowering.partShape(value, Step.Mode.SHARDED, part))),
            copy,
            wanted));
    return copy;
  }

  private static memory.desc swapped(memory.desc desc) {
    return desc.permute_axes(new int[] {1, 0, 2, 3});
  }

  /**
   * What the bias gradient is summed from: below a max pooling, the gradient before it was spread,
   * which has the same sum and fewer elements.
   */
  static Value biasSource(Lowering lowering, Value dy) {
    Node producer = lowering.producer(dy);
    return producer != null && producer.op() instanceof MaxPool2dBackward ? producer.input(0) : dy;
  }
}
