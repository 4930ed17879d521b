package dev.gridstride.backend.cpu;

import static dev.gridstride.backend.cpu.Primitive.argument;
import static dev.gridstride.backend.cpu.Steps.name;
import static org.bytedeco.dnnl.global.dnnl.DNNL_ARG_BIAS;
import static org.bytedeco.dnnl.global.dnnl.DNNL_ARG_DIFF_BIAS;
import static org.bytedeco.dnnl.global.dnnl.DNNL_ARG_DIFF_DST;
import static org.bytedeco.dnnl.global.dnnl.DNNL_ARG_DIFF_SRC;
import static org.bytedeco.dnnl.global.dnnl.DNNL_ARG_DIFF_WEIGHTS;
import static org.bytedeco.dnnl.global.dnnl.DNNL_ARG_DST;
import static org.bytedeco.dnnl.global.dnnl.DNNL_ARG_SRC;
import static org.bytedeco.dnnl.global.dnnl.DNNL_ARG_WEIGHTS;

import dev.gridstride.backend.cpu.Primitive.Argument;
import dev.gridstride.backend.cpu.Primitive.Choice;
import dev.gridstride.program.Node;
import dev.gridstride.program.Shape;
import dev.gridstride.program.Value;
import dev.gridstride.program.op.Conv2d;
import dev.gridstride.program.op.Conv2dBackwardData;
import dev.gridstride.program.op.Conv2dBackwardWeights;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.bytedeco.dnnl.convolution_backward_data;
import org.bytedeco.dnnl.convolution_backward_weights;
import org.bytedeco.dnnl.convolution_forward;
import org.bytedeco.dnnl.engine;
import org.bytedeco.dnnl.global.dnnl.algorithm;
import org.bytedeco.dnnl.global.dnnl.prop_kind;
import org.bytedeco.dnnl.memory;
import org.bytedeco.dnnl.post_ops;
import org.bytedeco.dnnl.primitive_attr;

/** conv2d and its gradients by oneDNN's convolution. */
final class ConvolutionSteps {
  private static final int DIRECT = algorithm.convolution_direct.value;

  private ConvolutionSteps() {}

  static void register(Map<Class<?>, Steps> table) {
    table.put(Conv2d.class, ConvolutionSteps::forward);
    table.put(Conv2dBackwardData.class, ConvolutionSteps::backwardData);
    table.put(Conv2dBackwardWeights.class, ConvolutionSteps::backwardWeights);
  }

  /** Attributes of a convolution as oneDNN wants them. */
  record Geometry(engine engine, Conv2d conv, Shape weight) {
    long[] stride() {
      return new long[] {conv.stride().height(), conv.stride().width()};
    }

    /** oneDNN counts the elements between taps, so no dilation is 0. */
    long[] dilation() {
      return new long[] {conv.dilation().height() - 1, conv.dilation().width() - 1};
    }

    long[] before() {
      return new long[] {conv.padding().top(), conv.padding().left()};
    }

    long[] after() {
      return new long[] {conv.padding().bottom(), conv.padding().right()};
    }

    /** With groups, weights are G, O/G, C/G, KH, KW. */
    long[] weightDims() {
      long o = weight.dim(0);
      long c = weight.dim(1);
      long kh = weight.dim(2);
      long kw = weight.dim(3);
      return conv.groups() == 1
          ? new long[] {o, c, kh, kw}
          : new long[] {conv.groups(), o / conv.groups(), c, kh, kw};
    }

    memory.desc weights(Layout layout) {
      if (layout == Layout.PLAIN) {
        return conv.groups() == 1
            ? layout.desc(weightDims())
            : new memory.desc(weightDims(), memory.data_type.f32, memory.format_tag.abcde);
      }
      return layout.desc(weightDims());
    }

    memory.desc bias() {
      return Layout.PLAIN.desc(weight.dim(0));
    }

    convolution_forward.primitive_desc forward(
        boolean bias, memory.desc x, memory.desc w, memory.desc y) {
      primitive_attr attributes = Primitive.attributes();
      if (conv.relu()) {
        post_ops relu = new post_ops();
        relu.append_eltwise(algorithm.eltwise_relu, 0f, 0f);
        attributes.set_post_ops(relu);
      }
      int kind = prop_kind.forward_training.value;
      return bias
          ? new convolution_forward.primitive_desc(
              engine,
              kind,
              DIRECT,
              x,
              w,
              bias(),
              y,
              stride(),
              dilation(),
              before(),
              after(),
              attributes,
              true)
          : new convolution_forward.primitive_desc(
              engine,
              prop_kind.forward_training,
              algorithm.convolution_direct,
              x,
              w,
              y,
              stride(),
              dilation(),
              before(),
              after(),
              attributes,
              true);
    }

    /** Backward descriptors ask for a forward one; its layouts do not matter. */
    convolution_forward.primitive_desc hint(Shape x, Shape y) {
      return forward(false, Layout.ANY.desc(x), weights(Layout.ANY), Layout.ANY.desc(y));
    }
  }

  private static void forward(Node node, Lowering lowering) {
    Conv2d conv = (Conv2d) node.op();
    Value x = lowering.whole(node.input(0));
    Value w = node.input(1);
    Value y = node.output();
    boolean bias = node.inputs().size() == 3;
    Geometry geometry = new Geometry(lowering.oneDnn().engine(), conv, w.shape());
    Step.Mode mode = lowering.mode(List.of(x));
    Shape xShape = lowering.partShape(x, mode, 0);
    Shape yShape = lowering.partShape(y, mode, 0);
    Choice choice =
        Primitive.choose(
            node,
            List.of(
                List.of(lowering.layoutIfPinned(w), Layout.ANY),
                List.of(lowering.layout(x), Layout.ANY),
                List.of(Layout.ANY, Layout.PLAIN)),
            layouts ->
                geometry.forward(
                    bias,
                    layouts.get(1).desc(xShape),
                    geometry.weights(layouts.get(0)),
                    layouts.get(2).desc(yShape)));
    Layout xLayout = tagged(choice.desc().src_desc(), xShape);
    Layout yLayout = tagged(choice.desc().dst_desc(), yShape);
    Value xIn = lowering.in(x, xLayout);
    Value wIn = weightsIn(lowering, w, choice.desc().weights_desc());
    lowering.define(y, yLayout);
    memory.desc wDesc = geometry.weights(lowering.layout(wIn));
    List<Argument> reads = new ArrayList<>();
    reads.add(argument(DNNL_ARG_SRC, xIn, lowering, mode));
    reads.add(new Argument(DNNL_ARG_WEIGHTS, wIn, part -> wDesc));
    if (bias) {
      reads.add(new Argument(DNNL_ARG_BIAS, node.input(2), part -> geometry.bias()));
      lowering.layout(node.input(2));
    }
    lowering.add(
        Primitive.step(
            lowering,
            name(node),
            mode,
            part ->
                geometry.forward(
                    bias,
                    xLayout.desc(lowering.partShape(x, mode, part)),
                    wDesc,
                    yLayout.desc(lowering.partShape(y, mode, part))),
            reads,
            List.of(argument(DNNL_ARG_DST, y, lowering, mode))));
  }

  private static void backwardData(Node node, Lowering lowering) {
    Conv2dBackwardData op = (Conv2dBackwardData) node.op();
    Value dy = lowering.whole(node.input(0));
    Value w = node.input(1);
    Value dx = node.output();
    Geometry geometry = new Geometry(lowering.oneDnn().engine(), op.conv(), w.shape());
    Step.Mode mode = lowering.mode(List.of(dy));
    Choice choice =
        Primitive.choose(
            node,
            List.of(
                List.of(lowering.layoutIfPinned(w), Layout.ANY),
                List.of(lowering.layout(dy), Layout.ANY),
                List.of(Layout.ANY, Layout.PLAIN)),
            layouts ->
                backwardData(
                    geometry,
                    lowering.partShape(dx, mode, 0),
                    lowering.partShape(dy, mode, 0),
                    layouts.get(2),
                    geometry.weights(layouts.get(0)),
                    layouts.get(1)));
    Layout dxLayout = tagged(choice.desc().diff_src_desc(), lowering.partShape(dx, mode, 0));
    Layout dyLayout = tagged(choice.desc().diff_dst_desc(), lowering.partShape(dy, mode, 0));
    Value dyIn = lowering.in(dy, dyLayout);
    Value wIn = weightsIn(lowering, w, choice.desc().weights_desc());
    lowering.define(dx, dxLayout);
    memory.desc wDesc = geometry.weights(lowering.layout(wIn));
    lowering.add(
        Primitive.step(
            lowering,
            name(node),
            mode,
            part ->
                backwardData(
                    geometry,
                    lowering.partShape(dx, mode, part),
                    lowering.partShape(dy, mode, part),
                    dxLayout,
                    wDesc,
                    dyLayout),
            List.of(
                argument(DNNL_ARG_DIFF_DST, dyIn, lowering, mode),
                new Argument(DNNL_ARG_WEIGHTS, wIn, part -> wDesc)),
            List.of(argument(DNNL_ARG_DIFF_SRC, dx, lowering, mode))));
  }

  private static convolution_backward_data.primitive_desc backwardData(
      Geometry geometry, Shape dx, Shape dy, Layout dxLayout, memory.desc w, Layout dyLayout) {
    return new convolution_backward_data.primitive_desc(
        geometry.engine(),
        DIRECT,
        dxLayout.desc(dx),
        w,
        dyLayout.desc(dy),
        geometry.stride(),
        geometry.dilation(),
        geometry.before(),
        geometry.after(),
        geometry.hint(dx, dy),
        Primitive.attributes(),
        true);
  }

  private static void backwardWeights(Node node, Lowering lowering) {
    Conv2dBackwardWeights op = (Conv2dBackwardWeights) node.op();
    Value x = lowering.whole(node.input(0));
    Value dy = lowering.whole(node.input(1));
    Value dw = node.output(0);
    Geometry geometry = new Geometry(lowering.oneDnn().engine(), op.conv(), op.weightShape());
    Step.Mode mode = lowering.mode(List.of(x, dy));
    Choice choice =
        Primitive.choose(
            node,
            List.of(
                List.of(Layout.ANY, Layout.PLAIN),
                List.of(lowering.layout(x), Layout.ANY),
                List.of(lowering.layout(dy), Layout.ANY)),
            layouts ->
                backwardWeights(
                    geometry,
                    op.bias(),
                    layouts.get(1).desc(lowering.partShape(x, mode, 0)),
                    geometry.weights(layouts.get(0)),
                    layouts.get(2).desc(lowering.partShape(dy, mode, 0)),
                    lowering.partShape(x, mode, 0),
                    lowering.partShape(dy, mode, 0)));
    memory.desc dwDesc = choice.desc().diff_weights_desc();
    lowering.defineSum(mode, dw, Layout.fixed(dwDesc));
    WeightGradientByForward byForward =
        new WeightGradientByForward(lowering, geometry, op.weightShape(), x, dy);
    if (byForward.fits(mode)) {
      byForward.lower(name(node), dw, dwDesc);
      if (op.bias()) {
        Value source = WeightGradientByForward.biasSource(lowering, dy);
        ElementwiseSteps.sumPerChannel(name(node) + " bias", source, node.output(1), lowering);
      }
      return;
    }
    Layout xLayout = tagged(choice.desc().src_desc(), lowering.partShape(x, mode, 0));
    Layout dyLayout = tagged(choice.desc().diff_dst_desc(), lowering.partShape(dy, mode, 0));
    Value xIn = lowering.in(x, xLayout);
    Value dyIn = lowering.in(dy, dyLayout);
    List<Argument> writes = new ArrayList<>();
    writes.add(new Argument(DNNL_ARG_DIFF_WEIGHTS, dw, part -> dwDesc));
    if (op.bias()) {
      lowering.defineSum(mode, node.output(1), Layout.PLAIN);
      writes.add(new Argument(DNNL_ARG_DIFF_BIAS, node.output(1), part -> geometry.bias()));
    }
    lowering.add(
        Primitive.step(
            lowering,
            name(node),
            mode,
            part ->
                backwardWeights(
                    geometry,
                    op.bias(),
                    xLayout.desc(lowering.partShape(x, mode, part)),
                    dwDesc,
                    dyLayout.desc(lowering.partShape(dy, mode, part)),
                    lowering.partShape(x, mode, part),
                    lowering.partShape(dy, mode, part)),
            List.of(
                argument(DNNL_ARG_SRC, xIn, lowering, mode),
                argument(DNNL_ARG_DIFF_DST, dyIn, lowering, mode)),
            writes));
  }

  private static convolution_backward_weights.primitive_desc backwardWeights(
      Geometry geometry,
      boolean bias,
      memory.desc x,
      memory.desc dw,
      memory.desc dy,
      Shape xShape,
      Shape dyShape) {
    convolution_forward.primitive_desc hint = geometry.hint(xShape, dyShape);
    return bias
        ? new convolution_backward_weights.primitive_desc(
            geometry.engine(),
            DIRECT,
            x,
            dw,
            geometry.bias(),
            dy,
            geometry.stride(),
            geometry.dilation(),
            geometry.before(),
            geometry.after(),
            hint,
            Primitive.attributes(),
            true)
        : new convolution_backward_weights.primitive_desc(
            geometry.engine(),
            algorithm.convolution_direct,
            x,
            dw,
            dy,
            geometry.stride(),
            geometry.dilation(),
            geometry.before(),
            geometry.after(),
            hint,
            Primitive.attributes(),
            true);
  }

  /**
   * The weights as a primitive wants them; the first primitive to ask decides how they are kept.
   */
  static Value weightsIn(Lowering lowering, Value w, memory.desc wanted) {
    Layout layout = Layout.fixed(wanted);
    if (w.role().persistent() && lowering.layoutIfPinned(w).any()) {
      lowering.define(w, layout);
      return w;
    }
    return lowering.in(w, layout);
  }

  /** The image layout that a primitive chose. */
  static Layout tagged(memory.desc desc, Shape shape) {
    Layout layout = Layout.tagged(desc, Layout.dims(shape));
    if (layout == null) {
      throw new IllegalStateException("cpu: oneDNN chose a layout without a name for " + shape);
    }
    return layout;
  }
}
