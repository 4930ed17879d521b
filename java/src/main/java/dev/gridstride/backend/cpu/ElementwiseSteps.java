package dev.gridstride.backend.cpu;

import static dev.gridstride.backend.cpu.Primitive.argument;
import static dev.gridstride.backend.cpu.Steps.name;
import static org.bytedeco.dnnl.global.dnnl.DNNL_ARG_DIFF_DST;
import static org.bytedeco.dnnl.global.dnnl.DNNL_ARG_DIFF_SRC;
import static org.bytedeco.dnnl.global.dnnl.DNNL_ARG_DST;
import static org.bytedeco.dnnl.global.dnnl.DNNL_ARG_SRC;
import static org.bytedeco.dnnl.global.dnnl.DNNL_ARG_SRC_0;
import static org.bytedeco.dnnl.global.dnnl.DNNL_ARG_SRC_1;

import dev.gridstride.backend.cpu.Primitive.Argument;
import dev.gridstride.program.Node;
import dev.gridstride.program.Philox;
import dev.gridstride.program.Shape;
import dev.gridstride.program.Value;
import dev.gridstride.program.op.Add;
import dev.gridstride.program.op.BiasAdd;
import dev.gridstride.program.op.BiasBackward;
import dev.gridstride.program.op.Dropout;
import dev.gridstride.program.op.Relu;
import dev.gridstride.program.op.ReluBackward;
import dev.gridstride.program.op.Reshape;
import java.nio.FloatBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.function.IntFunction;
import org.bytedeco.dnnl.binary;
import org.bytedeco.dnnl.eltwise_backward;
import org.bytedeco.dnnl.eltwise_forward;
import org.bytedeco.dnnl.global.dnnl.algorithm;
import org.bytedeco.dnnl.global.dnnl.prop_kind;
import org.bytedeco.dnnl.memory;

/** ReLU, add, bias, dropout and reshape, in the layout of the first input. */
final class ElementwiseSteps {
  private ElementwiseSteps() {}

  static void register(Map<Class<?>, Steps> table) {
    table.put(Relu.class, ElementwiseSteps::relu);
    table.put(ReluBackward.class, ElementwiseSteps::reluBackward);
    table.put(Add.class, ElementwiseSteps::add);
    table.put(BiasAdd.class, ElementwiseSteps::biasAdd);
    table.put(BiasBackward.class, ElementwiseSteps::biasBackward);
    table.put(Dropout.class, ElementwiseSteps::dropout);
    table.put(Reshape.class, ElementwiseSteps::reshape);
  }

  private static void relu(Node node, Lowering lowering) {
    Value x = lowering.whole(node.input(0));
    Value y = node.output();
    Layout layout = lowering.layout(x);
    Step.Mode mode = lowering.mode(List.of(x));
    lowering.define(y, layout);
    lowering.add(
        Primitive.step(
            lowering,
            name(node),
            mode,
            part -> reluForward(lowering, layout.desc(lowering.partShape(x, mode, part))),
            List.of(argument(DNNL_ARG_SRC, x, lowering, mode)),
            List.of(argument(DNNL_ARG_DST, y, lowering, mode))));
  }

  private static eltwise_forward.primitive_desc reluForward(Lowering lowering, memory.desc x) {
    return new eltwise_forward.primitive_desc(
        lowering.oneDnn().engine(),
        prop_kind.forward_training,
        algorithm.eltwise_relu,
        x,
        x,
        Primitive.attributes(),
        true);
  }

  private static void reluBackward(Node node, Lowering lowering) {
    Value dy = lowering.whole(node.input(0));
    Layout layout = lowering.layout(dy);
    Value y = lowering.in(node.input(1), layout);
    Value dx = node.output();
    Step.Mode mode = lowering.mode(List.of(dy, y));
    lowering.define(dx, layout);
    lowering.add(
        Primitive.step(
            lowering,
            name(node),
            mode,
            part -> {
              memory.desc desc = layout.desc(lowering.partShape(dy, mode, part));
              // y > 0 exactly where the input was, so the output serves as the source.
              return new eltwise_backward.primitive_desc(
                  lowering.oneDnn().engine(),
                  algorithm.eltwise_relu,
                  desc,
                  desc,
                  desc,
                  reluForward(lowering, desc),
                  Primitive.attributes(),
                  true);
            },
            List.of(
                argument(DNNL_ARG_DIFF_DST, dy, lowering, mode),
                argument(DNNL_ARG_SRC, y, lowering, mode)),
            List.of(argument(DNNL_ARG_DIFF_SRC, dx, lowering, mode))));
  }

  private static void add(Node node, Lowering lowering) {
    if (Lowering.inHeap(node.output())) {
      ScalarSteps.add(node, lowering);
      return;
    }
    Value a = lowering.whole(node.input(0));
    Value b = lowering.in(node.input(1), lowering.layout(a));
    Value y = node.output();
    lowering.define(y, lowering.layout(a));
    add(name(node), a, b, y, lowering);
  }

  /**
   * Adds a step {@code y = a + b} in the layout of all three; whole if one is batched and the
   * other, a parameter's gradient say, is not.
   */
  static void add(String name, Value a, Value b, Value y, Lowering lowering) {
    Layout layout = lowering.layout(a);
    lowering.define(y, layout);
    Step.Mode mode = lowering.mode(List.of(a, b));
    IntFunction<memory.desc> desc = part -> layout.desc(lowering.partShape(a, mode, part));
    binary(name, a, desc, b, desc, y, mode, lowering);
  }

  private static void binary(
      String name,
      Value a,
      IntFunction<memory.desc> aDesc,
      Value b,
      IntFunction<memory.desc> bDesc,
      Value y,
      Step.Mode mode,
      Lowering lowering) {
    lowering.add(
        Primitive.step(
            lowering,
            name,
            mode,
            part ->
                new binary.primitive_desc(
                    lowering.oneDnn().engine(),
                    algorithm.binary_add,
                    aDesc.apply(part),
                    bDesc.apply(part),
                    aDesc.apply(part),
                    Primitive.attributes(),
                    true),
            List.of(new Argument(DNNL_ARG_SRC_0, a, aDesc), new Argument(DNNL_ARG_SRC_1, b, bDesc)),
            List.of(new Argument(DNNL_ARG_DST, y, aDesc))));
  }

  private static void biasAdd(Node node, Lowering lowering) {
    Value x = lowering.whole(node.input(0));
    Value b = node.input(1);
    Value y = node.output();
    Layout layout = lowering.layout(x);
    Step.Mode mode = lowering.mode(List.of(x));
    lowering.layout(b);
    lowering.define(y, layout);
    long[] broadcast = new long[x.shape().rank()];
    Arrays.fill(broadcast, 1);
    broadcast[1] = b.shape().dim(0);
    memory.desc bDesc = Layout.PLAIN.desc(broadcast);
    binary(
        name(node),
        x,
        part -> layout.desc(lowering.partShape(x, mode, part)),
        b,
        part -> bDesc,
        y,
        mode,
        lowering);
  }

  private static void biasBackward(Node node, Lowering lowering) {
    sumPerChannel(name(node), node.input(0), node.output(), lowering);
  }

  /** Adds a step that sums a tensor [N,C,...] over everything but its channels. */
  static void sumPerChannel(String name, Value tensor, Value sums, Lowering lowering) {
    Value whole = lowering.whole(tensor);
    int sideBySide = lowering.layout(whole).channelBlock();
    Value in = sideBySide == 0 ? lowering.in(whole, Layout.PLAIN) : whole;
    int lanes = Math.max(sideBySide, 1);
    Step.Mode mode = lowering.mode(List.of(in));
    lowering.defineSum(mode, sums, Layout.PLAIN);
    int channels = in.shape().dim(1);
    int plane = Math.toIntExact(in.shape().elementsPerRow() / channels) * lanes;
    lowering.add(
        new Step(
            name + Step.JAVA,
            mode,
            List.of(in),
            List.of(sums),
            memory ->
                part -> {
                  FloatBuffer floats = memory.floats(in, part);
                  float[] image = memory.scratch(part, 0, plane);
                  float[] total = memory.scratch(part, 1, plane);
                  int blocks = (channels + lanes - 1) / lanes;
                  int rows = floats.capacity() / (blocks * plane);
                  for (int block = 0; block < blocks; block++) {
                    Arrays.fill(total, 0, plane, 0);
                    for (int n = 0; n < rows; n++) {
                      floats.get((n * blocks + block) * plane, image, 0, plane);
                      for (int i = 0; i < plane; i++) {
                        total[i] += image[i];
                      }
                    }
                    int first = block * lanes;
                    for (int l = 0; l < lanes && first + l < channels; l++) {
                      memory.floats(sums, part).put(first + l, sumLane(total, plane, l, lanes));
                    }
                  }
                }));
  }

  private static float sumLane(float[] values, int length, int lane, int lanes) {
    double sum = 0;
    for (int i = lane; i < length; i += lanes) {
      sum += values[i];
    }
    return (float) sum;
  }

  private static void dropout(Node node, Lowering lowering) {
    Dropout op = (Dropout) node.op();
    Value x = lowering.in(node.input(0), Layout.PLAIN);
    Value stepCount = node.input(1);
    Value y = node.output();
    Step.Mode mode = lowering.mode(List.of(x));
    lowering.define(y, Layout.PLAIN);
    int perRow = Math.toIntExact(x.shape().elementsPerRow());
    float scale = 1 / (1 - op.rate());
    lowering.add(
        new Step(
            name(node) + Step.JAVA,
            mode,
            List.of(x, stepCount),
            List.of(y),
            memory ->
                part -> {
                  Shape shape = lowering.partShape(x, mode, part);
                  long first = (long) lowering.firstRow(mode, part) * perRow;
                  long step = memory.of(stepCount).heap.longs()[0];
                  FloatBuffer in = memory.floats(x, part);
                  FloatBuffer out = memory.floats(y, part);
                  float[] row = memory.scratch(part, 0, perRow);
                  int rows = shape.rank() == 0 ? 1 : shape.dim(0);
                  for (int n = 0; n < rows; n++) {
                    in.get(n * perRow, row, 0, perRow);
                    mask(op, row, perRow, first + (long) n * perRow, step, scale);
                    out.put(n * perRow, row, 0, perRow);
                  }
                }));
  }

  private static void mask(
      Dropout op, float[] row, int length, long first, long step, float scale) {
    for (int i = 0; i < length; i++) {
      long index = first + i;
      int word = Philox.word(op.seed(), index >> 2, step, (int) (index & 3));
      row[i] = Philox.uniform(word) < op.rate() ? 0 : row[i] * scale;
    }
  }

  private static void reshape(Node node, Lowering lowering) {
    Value x = lowering.whole(node.input(0));
    Value y = node.output();
    lowering.define(y, Layout.PLAIN);
    lowering.add(Reorder.reshape(lowering, x, y));
  }
}
