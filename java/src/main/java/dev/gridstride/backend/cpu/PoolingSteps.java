package dev.gridstride.backend.cpu;

import static dev.gridstride.backend.cpu.Primitive.argument;
import static dev.gridstride.backend.cpu.Steps.name;
import static org.bytedeco.dnnl.global.dnnl.DNNL_ARG_DIFF_DST;
import static org.bytedeco.dnnl.global.dnnl.DNNL_ARG_DIFF_SRC;
import static org.bytedeco.dnnl.global.dnnl.DNNL_ARG_DST;
import static org.bytedeco.dnnl.global.dnnl.DNNL_ARG_SRC;
import static org.bytedeco.dnnl.global.dnnl.DNNL_ARG_WORKSPACE;

import dev.gridstride.backend.cpu.Primitive.Argument;
import dev.gridstride.program.Node;
import dev.gridstride.program.Padding2d;
import dev.gridstride.program.Shape;
import dev.gridstride.program.Size2d;
import dev.gridstride.program.TensorType;
import dev.gridstride.program.Value;
import dev.gridstride.program.op.AvgPool2d;
import dev.gridstride.program.op.AvgPool2dBackward;
import dev.gridstride.program.op.GlobalAvgPool2d;
import dev.gridstride.program.op.GlobalAvgPool2dBackward;
import dev.gridstride.program.op.MaxPool2d;
import dev.gridstride.program.op.MaxPool2dBackward;
import dev.gridstride.program.op.Pool2d;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.bytedeco.dnnl.engine;
import org.bytedeco.dnnl.global.dnnl.algorithm;
import org.bytedeco.dnnl.global.dnnl.prop_kind;
import org.bytedeco.dnnl.memory;
import org.bytedeco.dnnl.pooling_backward;
import org.bytedeco.dnnl.pooling_forward;

/** Max, average and global average pooling by oneDNN's pooling, in the layout of the input. */
final class PoolingSteps {
  private PoolingSteps() {}

  static void register(Map<Class<?>, Steps> table) {
    table.put(MaxPool2d.class, PoolingSteps::max);
    table.put(MaxPool2dBackward.class, PoolingSteps::maxBackward);
    table.put(AvgPool2d.class, PoolingSteps::average);
    table.put(AvgPool2dBackward.class, PoolingSteps::averageBackward);
    table.put(GlobalAvgPool2d.class, PoolingSteps::globalAverage);
    table.put(GlobalAvgPool2dBackward.class, PoolingSteps::globalAverageBackward);
  }

  /** Attributes of a pooling as oneDNN wants them; no dilation is 0. */
  private record Geometry(engine engine, algorithm algorithm, Pool2d window) {
    pooling_forward.primitive_desc forward(memory.desc x, memory.desc y) {
      return new pooling_forward.primitive_desc(
          engine,
          prop_kind.forward_training,
          algorithm,
          x,
          y,
          pair(window.stride()),
          pair(window.kernel()),
          new long[2],
          new long[] {window.padding().top(), window.padding().left()},
          new long[] {window.padding().bottom(), window.padding().right()},
          Primitive.attributes(),
          true);
    }

    pooling_backward.primitive_desc backward(memory.desc dx, memory.desc dy) {
      return new pooling_backward.primitive_desc(
          engine,
          algorithm,
          dx,
          dy,
          pair(window.stride()),
          pair(window.kernel()),
          new long[2],
          new long[] {window.padding().top(), window.padding().left()},
          new long[] {window.padding().bottom(), window.padding().right()},
          forward(dx, dy),
          Primitive.attributes(),
          true);
    }

    private static long[] pair(Size2d size) {
      return new long[] {size.height(), size.width()};
    }
  }

  private static void max(Node node, Lowering lowering) {
    Pool2d window = ((MaxPool2d) node.op()).window();
    forward(node, lowering, algorithm.pooling_max, window);
  }

  private static void maxBackward(Node node, Lowering lowering) {
    Pool2d window = ((MaxPool2dBackward) node.op()).window();
    Value workspace = lowering.workspace(node.input(1));
    if (workspace == null) {
      lowering.add(scatter(node, lowering));
      return;
    }
    // The workspace has the layout that the forward pass ran in.
    Node inner = new Node(node.op(), List.of(node.input(0), workspace), node.outputs());
    backward(inner, lowering, algorithm.pooling_max, window, lowering.layout(workspace));
  }

  /** The place of each maximum, for callers that want to read it. */
  private static Step argmax(Value x, Value argmax, Pool2d window) {
    Shape in = x.shape();
    Shape out = argmax.shape();
    return new Step(
        argmax.name() + Step.JAVA,
        Step.Mode.SERIAL,
        List.of(x),
        List.of(argmax),
        memory ->
            ignored -> {
              int[] places = memory.of(argmax).heap.ints();
              int plane = in.dim(2) * in.dim(3);
              float[] image = memory.scratch(0, 0, plane);
              int next = 0;
              for (FloatBuffer part : memory.of(x).floats) {
                for (int start = 0; start < part.capacity(); start += plane) {
                  part.get(start, image, 0, plane);
                  for (int p = 0; p < out.dim(2); p++) {
                    for (int q = 0; q < out.dim(3); q++) {
                      places[next++] = place(image, in, window, p, q);
                    }
                  }
                }
              }
            });
  }

  private static int place(float[] image, Shape in, Pool2d window, int p, int q) {
    int best = -1;
    for (int r = 0; r < window.kernel().height(); r++) {
      for (int c = 0; c < window.kernel().width(); c++) {
        int row = p * window.stride().height() - window.padding().top() + r;
        int column = q * window.stride().width() - window.padding().left() + c;
        if (row >= 0 && row < in.dim(2) && column >= 0 && column < in.dim(3)) {
          int at = row * in.dim(3) + column;
          if (best < 0 || image[at] > image[best]) {
            best = at;
          }
        }
      }
    }
    return best;
  }

  /** Backward from an argmax that did not come from a pooling in this program. */
  private static Step scatter(Node node, Lowering lowering) {
    Value dy = lowering.in(node.input(0), Layout.PLAIN);
    Value argmax = node.input(1);
    Value dx = node.output();
    lowering.define(dx, Layout.PLAIN);
    int inPlane = dx.shape().dim(2) * dx.shape().dim(3);
    int outPlane = dy.shape().dim(2) * dy.shape().dim(3);
    return new Step(
        name(node) + Step.JAVA,
        Step.Mode.SERIAL,
        List.of(dy, argmax),
        List.of(dx),
        memory ->
            ignored -> {
              int[] places = memory.of(argmax).heap.ints();
              float[] gradient = memory.scratch(0, 0, outPlane);
              float[] image = memory.scratch(0, 1, inPlane);
              int next = 0;
              for (int part = 0; part < memory.of(dy).floats.length; part++) {
                FloatBuffer in = memory.floats(dy, part);
                for (int plane = 0; plane * outPlane < in.capacity(); plane++) {
                  in.get(plane * outPlane, gradient, 0, outPlane);
                  Arrays.fill(image, 0, inPlane, 0);
                  for (int i = 0; i < outPlane; i++) {
                    image[places[next++]] += gradient[i];
                  }
                  memory.floats(dx, part).put(plane * inPlane, image, 0, inPlane);
                }
              }
            });
  }

  private static void average(Node node, Lowering lowering) {
    AvgPool2d op = (AvgPool2d) node.op();
    forward(node, lowering, averaging(op.countPadding()), op.window());
  }

  private static void averageBackward(Node node, Lowering lowering) {
    AvgPool2dBackward op = (AvgPool2dBackward) node.op();
    Layout layout = lowering.layout(node.input(0));
    backward(node, lowering, averaging(op.countPadding()), op.window(), layout);
  }

  private static algorithm averaging(boolean countPadding) {
    return countPadding
        ? algorithm.pooling_avg_include_padding
        : algorithm.pooling_avg_exclude_padding;
  }

  private static void forward(Node node, Lowering lowering, algorithm algorithm, Pool2d window) {
    Value x = lowering.whole(node.input(0));
    Value y = node.output(0);
    Geometry geometry = new Geometry(lowering.oneDnn().engine(), algorithm, window);
    Layout layout = lowering.layout(x);
    lowering.define(y, layout);
    Step.Mode mode = lowering.mode(List.of(x));
    List<Argument> writes = new ArrayList<>();
    writes.add(argument(DNNL_ARG_DST, y, lowering, mode));
    if (node.outputs().size() == 2) {
      Value argmax = lowering.defineWorkspace(node.output(1), layout);
      writes.add(workspace(argmax, geometry, x.shape(), y.shape(), layout, lowering, mode));
      if (lowering.isOutput(node.output(1))) {
        lowering.add(argmax(lowering.in(x, Layout.PLAIN), node.output(1), window));
      }
    }
    lowering.add(
        Primitive.step(
            lowering,
            name(node),
            mode,
            part ->
                geometry.forward(
                    layout.desc(lowering.partShape(x, mode, part)),
                    layout.desc(lowering.partShape(y, mode, part))),
            List.of(argument(DNNL_ARG_SRC, x, lowering, mode)),
            writes));
  }

  private static Argument workspace(
      Value argmax,
      Geometry geometry,
      Shape x,
      Shape y,
      Layout layout,
      Lowering lowering,
      Step.Mode mode) {
    return new Argument(
        DNNL_ARG_WORKSPACE,
        argmax,
        part -> {
          int rows = lowering.partShape(argmax, mode, part).dim(0);
          return geometry
              .forward(layout.desc(x.withRows(rows)), layout.desc(y.withRows(rows)))
              .workspace_desc();
        });
  }

  private static void backward(
      Node node, Lowering lowering, algorithm algorithm, Pool2d window, Layout layout) {
    Value dy = lowering.in(node.input(0), layout);
    Value dx = node.output();
    Geometry geometry = new Geometry(lowering.oneDnn().engine(), algorithm, window);
    lowering.define(dx, layout);
    Step.Mode mode = lowering.mode(List.of(dy));
    List<Argument> reads = new ArrayList<>();
    reads.add(argument(DNNL_ARG_DIFF_DST, dy, lowering, mode));
    if (node.inputs().size() == 2) {
      reads.add(workspace(node.input(1), geometry, dx.shape(), dy.shape(), layout, lowering, mode));
    }
    lowering.add(
        Primitive.step(
            lowering,
            name(node),
            mode,
            part ->
                geometry.backward(
                    layout.desc(lowering.partShape(dx, mode, part)),
                    layout.desc(lowering.partShape(dy, mode, part))),
            reads,
            List.of(argument(DNNL_ARG_DIFF_SRC, dx, lowering, mode))));
  }

  private static Pool2d whole(Shape image) {
    Size2d size = new Size2d(image.dim(2), image.dim(3));
    return new Pool2d(size, size, Padding2d.NONE);
  }

  /** An average over the whole image, then [N,C,1,1] in whatever layout becomes [N,C]. */
  private static void globalAverage(Node node, Lowering lowering) {
    Value x = node.input(0);
    Value y = node.output();
    Value map = lowering.temporary(y.name(), pixels(y.shape()), y.batched(), lowering.layout(x));
    Node pool = new Node(new AvgPool2d(whole(x.shape()), false), List.of(x), List.of(map));
    average(pool, lowering);
    lowering.define(y, Layout.PLAIN);
    lowering.add(Reorder.reshape(lowering, map, y));
  }

  private static void globalAverageBackward(Node node, Lowering lowering) {
    Value dy = lowering.in(node.input(0), Layout.PLAIN);
    Value dx = node.output();
    Value map = lowering.temporary(dy.name(), pixels(dy.shape()), dy.batched(), Layout.PLAIN);
    lowering.add(Reorder.reshape(lowering, dy, map));
    Node pool =
        new Node(
            new AvgPool2dBackward(whole(dx.shape()), false, dx.shape()), List.of(map), List.of(dx));
    averageBackward(pool, lowering);
  }

  private static TensorType pixels(Shape channels) {
    return TensorType.float32(channels.dim(0), channels.dim(1), 1, 1);
  }
}
