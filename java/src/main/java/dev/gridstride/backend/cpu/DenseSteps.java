package dev.gridstride.backend.cpu;

import static dev.gridstride.backend.cpu.ConvolutionSteps.weightsIn;
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
import dev.gridstride.program.op.Dense;
import dev.gridstride.program.op.DenseBackwardData;
import dev.gridstride.program.op.DenseBackwardWeights;
import dev.gridstride.program.op.Matmul;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.bytedeco.dnnl.engine;
import org.bytedeco.dnnl.global.dnnl.algorithm;
import org.bytedeco.dnnl.global.dnnl.prop_kind;
import org.bytedeco.dnnl.inner_product_backward_data;
import org.bytedeco.dnnl.inner_product_backward_weights;
import org.bytedeco.dnnl.inner_product_forward;
import org.bytedeco.dnnl.matmul;
import org.bytedeco.dnnl.memory;
import org.bytedeco.dnnl.post_ops;
import org.bytedeco.dnnl.primitive_attr;

/**
 * dense and its gradients by oneDNN's inner product, which reads an image in any layout, so that no
 * flatten is needed; matmul by oneDNN's.
 */
final class DenseSteps {
  private DenseSteps() {}

  static void register(Map<Class<?>, Steps> table) {
    table.put(Dense.class, DenseSteps::forward);
    table.put(DenseBackwardData.class, DenseSteps::backwardData);
    table.put(DenseBackwardWeights.class, DenseSteps::backwardWeights);
    table.put(Matmul.class, DenseSteps::matmul);
  }

  /** Dimensions of a dense layer: those of its weights follow its input's. */
  private record Geometry(engine engine, Shape input, int outputs) {
    /** Input of {@code rows} samples; anything but an image counts as [N, K]. */
    long[] x(int rows) {
      return input.rank() == 4
          ? new long[] {rows, input.dim(1), input.dim(2), input.dim(3)}
          : new long[] {rows, input.elementsPerRow()};
    }

    memory.desc weights(Layout layout) {
      long[] dims = x(1);
      dims[0] = outputs;
      return layout.desc(dims);
    }

    memory.desc bias() {
      return Layout.PLAIN.desc(outputs);
    }

    memory.desc y(int rows) {
      return Layout.PLAIN.desc(rows, outputs);
    }

    inner_product_forward.primitive_desc forward(
        boolean bias, boolean relu, memory.desc x, memory.desc w, int rows) {
      primitive_attr attributes = Primitive.attributes();
      if (relu) {
        post_ops ops = new post_ops();
        ops.append_eltwise(algorithm.eltwise_relu, 0f, 0f);
        attributes.set_post_ops(ops);
      }
      return bias
          ? new inner_product_forward.primitive_desc(
              engine, prop_kind.forward_training, x, w, bias(), y(rows), attributes, true)
          : new inner_product_forward.primitive_desc(
              engine, prop_kind.forward_training, x, w, y(rows), attributes, true);
    }

    inner_product_forward.primitive_desc hint(int rows) {
      return forward(false, false, Layout.ANY.desc(x(rows)), weights(Layout.ANY), rows);
    }
  }

  private static int rows(Value value, Lowering lowering, Step.Mode mode, int part) {
    return lowering.partShape(value, mode, part).dim(0);
  }

  private static Argument input(
      int id, Value x, Geometry geometry, Lowering lowering, Step.Mode mode) {
    Layout layout = lowering.layout(x);
    return new Argument(id, x, part -> layout.desc(geometry.x(rows(x, lowering, mode, part))));
  }

  /**
   * The layout an inner product chose for its input, whose image shape may differ from the value's.
   */
  private static Layout inputLayout(memory.desc desc, Geometry geometry, int rows) {
    Layout layout = Layout.tagged(desc, geometry.x(rows));
    return layout == null ? Layout.PLAIN : layout;
  }

  private static void forward(Node node, Lowering lowering) {
    Dense dense = (Dense) node.op();
    Value x = lowering.whole(node.input(0));
    Value w = node.input(1);
    Value y = node.output();
    boolean bias = node.inputs().size() == 3;
    Geometry geometry = new Geometry(lowering.oneDnn().engine(), x.shape(), w.shape().dim(0));
    Step.Mode mode = lowering.mode(List.of(x));
    int rows = rows(x, lowering, mode, 0);
    Choice choice =
        Primitive.choose(
            node,
            List.of(
                List.of(lowering.layoutIfPinned(w), Layout.ANY),
                List.of(lowering.layout(x), Layout.PLAIN)),
            layouts ->
                geometry.forward(
                    bias,
                    dense.relu(),
                    layouts.get(1).desc(geometry.x(rows)),
                    geometry.weights(layouts.get(0)),
                    rows));
    Layout xLayout = inputLayout(choice.desc().src_desc(), geometry, rows);
    Value xIn = lowering.in(x, xLayout);
    Value wIn = weightsIn(lowering, w, choice.desc().weights_desc());
    lowering.rememberInputLayout(w, xLayout);
    lowering.define(y, Layout.PLAIN);
    memory.desc wDesc = geometry.weights(lowering.layout(wIn));
    List<Argument> reads = new ArrayList<>();
    reads.add(input(DNNL_ARG_SRC, xIn, geometry, lowering, mode));
    reads.add(new Argument(DNNL_ARG_WEIGHTS, wIn, part -> wDesc));
    if (bias) {
      lowering.layout(node.input(2));
      reads.add(new Argument(DNNL_ARG_BIAS, node.input(2), part -> geometry.bias()));
    }
    lowering.add(
        Primitive.step(
            lowering,
            name(node),
            mode,
            part -> {
              int own = rows(x, lowering, mode, part);
              return geometry.forward(
                  bias, dense.relu(), xLayout.desc(geometry.x(own)), wDesc, own);
            },
            reads,
            List.of(argument(DNNL_ARG_DST, y, lowering, mode))));
  }

  private static void backwardData(Node node, Lowering lowering) {
    DenseBackwardData op = (DenseBackwardData) node.op();
    Value dy = lowering.in(node.input(0), Layout.PLAIN);
    Value w = node.input(1);
    Value dx = node.output();
    Geometry geometry = new Geometry(lowering.oneDnn().engine(), op.inputShape(), w.shape().dim(0));
    Step.Mode mode = lowering.mode(List.of(dy));
    int rows = rows(dy, lowering, mode, 0);
    Choice choice =
        Primitive.choose(
            node,
            List.of(
                List.of(lowering.layoutIfPinned(w), Layout.ANY),
                List.of(lowering.inputLayout(w), Layout.ANY, Layout.PLAIN)),
            layouts ->
                backwardData(
                    geometry,
                    rows,
                    layouts.get(1).desc(geometry.x(rows)),
                    geometry.weights(layouts.get(0))));
    Layout dxLayout = inputLayout(choice.desc().diff_src_desc(), geometry, rows);
    Value wIn = weightsIn(lowering, w, choice.desc().weights_desc());
    lowering.define(dx, dxLayout);
    memory.desc wDesc = geometry.weights(lowering.layout(wIn));
    lowering.add(
        Primitive.step(
            lowering,
            name(node),
            mode,
            part -> {
              int own = rows(dy, lowering, mode, part);
              return backwardData(geometry, own, dxLayout.desc(geometry.x(own)), wDesc);
            },
            List.of(
                argument(DNNL_ARG_DIFF_DST, dy, lowering, mode),
                new Argument(DNNL_ARG_WEIGHTS, wIn, part -> wDesc)),
            List.of(input(DNNL_ARG_DIFF_SRC, dx, geometry, lowering, mode))));
  }

  private static inner_product_backward_data.primitive_desc backwardData(
      Geometry geometry, int rows, memory.desc dx, memory.desc w) {
    return new inner_product_backward_data.primitive_desc(
        geometry.engine(),
        dx,
        w,
        geometry.y(rows),
        geometry.hint(rows),
        Primitive.attributes(),
        true);
  }

  private static void backwardWeights(Node node, Lowering lowering) {
    DenseBackwardWeights op = (DenseBackwardWeights) node.op();
    Value x = lowering.whole(node.input(0));
    Value dy = lowering.in(node.input(1), Layout.PLAIN);
    Value dw = node.output(0);
    Geometry geometry = new Geometry(lowering.oneDnn().engine(), x.shape(), dy.shape().dim(1));
    Step.Mode mode = lowering.mode(List.of(x, dy));
    int rows = rows(x, lowering, mode, 0);
    Choice choice =
        Primitive.choose(
            node,
            List.of(List.of(Layout.ANY), List.of(lowering.layout(x), Layout.PLAIN)),
            layouts ->
                backwardWeights(
                    geometry,
                    op.bias(),
                    rows,
                    layouts.get(1).desc(geometry.x(rows)),
                    geometry.weights(layouts.get(0))));
    Layout xLayout = inputLayout(choice.desc().src_desc(), geometry, rows);
    Value xIn = lowering.in(x, xLayout);
    memory.desc dwDesc = choice.desc().diff_weights_desc();
    lowering.defineSum(mode, dw, Layout.fixed(dwDesc));
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
            part -> {
              int own = rows(x, lowering, mode, part);
              return backwardWeights(
                  geometry, op.bias(), own, xLayout.desc(geometry.x(own)), dwDesc);
            },
            List.of(
                input(DNNL_ARG_SRC, xIn, geometry, lowering, mode),
                argument(DNNL_ARG_DIFF_DST, dy, lowering, mode)),
            writes));
  }

  private static inner_product_backward_weights.primitive_desc backwardWeights(
      Geometry geometry, boolean bias, int rows, memory.desc x, memory.desc dw) {
    return bias
        ? new inner_product_backward_weights.primitive_desc(
            geometry.engine(),
            x,
            dw,
            geometry.bias(),
            geometry.y(rows),
            geometry.hint(rows),
            Primitive.attributes(),
            true)
        : new inner_product_backward_weights.primitive_desc(
            geometry.engine(),
            x,
            dw,
            geometry.y(rows),
            geometry.hint(rows),
            Primitive.attributes(),
            true);
  }

  /** Sharded by rows of a if only a is batched; whole otherwise. */
  private static void matmul(Node node, Lowering lowering) {
    Matmul op = (Matmul) node.op();
    Value a = lowering.in(node.input(0), Layout.PLAIN);
    Value b = lowering.in(node.input(1), Layout.PLAIN);
    Value c = node.output();
    boolean byRows = a.batched() && !op.transposeA() && !b.batched();
    Step.Mode mode = byRows ? Step.Mode.SHARDED : Step.Mode.SERIAL;
    lowering.define(c, Layout.PLAIN);
    lowering.add(
        Primitive.step(
            lowering,
            name(node),
            mode,
            part ->
                new matmul.primitive_desc(
                    lowering.oneDnn().engine(),
                    matrix(lowering.partShape(a, mode, part), op.transposeA()),
                    matrix(lowering.partShape(b, mode, part), op.transposeB()),
                    matrix(lowering.partShape(c, mode, part), false),
                    Primitive.attributes(),
                    true),
            List.of(
                new Argument(
                    DNNL_ARG_SRC,
                    a,
                    part -> matrix(lowering.partShape(a, mode, part), op.transposeA())),
                new Argument(
                    DNNL_ARG_WEIGHTS,
                    b,
                    part -> matrix(lowering.partShape(b, mode, part), op.transposeB()))),
            List.of(argument(DNNL_ARG_DST, c, lowering, mode))));
  }

  /** A row-major matrix, seen transposed or not. */
  private static memory.desc matrix(Shape stored, boolean transposed) {
    return transposed
        ? new memory.desc(
            new long[] {stored.dim(1), stored.dim(0)}, memory.data_type.f32, memory.format_tag.ba)
        : Layout.PLAIN.desc(stored);
  }
}
