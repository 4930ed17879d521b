package dev.gridstride.backend.cpu;

import static org.bytedeco.dnnl.global.dnnl.DNNL_ARG_FROM;
import static org.bytedeco.dnnl.global.dnnl.DNNL_ARG_TO;

import dev.gridstride.backend.cpu.Primitive.Argument;
import dev.gridstride.program.Shape;
import dev.gridstride.program.Value;
import java.util.List;
import java.util.function.IntFunction;
import org.bytedeco.dnnl.memory;
import org.bytedeco.dnnl.reorder;
import org.bytedeco.dnnl.stream;
import org.bytedeco.javacpp.BytePointer;

/** Copies from one layout to another. */
final class Reorder {
  private Reorder() {}

  /** A step that writes {@code from} into {@code to}, whose layout differs. */
  static Step step(Lowering lowering, Value from, Value to) {
    Step.Mode mode = lowering.mode(List.of(from));
    Layout source = lowering.layout(from);
    Layout target = lowering.layout(to);
    // Weights keep the dimensions that their primitive knows; the other side takes the same ones.
    IntFunction<memory.desc> sourceDesc = part -> desc(source, target, from, lowering, mode, part);
    IntFunction<memory.desc> targetDesc = part -> desc(target, source, from, lowering, mode, part);
    return copy(
        lowering,
        "reorder " + from.name() + " " + source + " to " + target,
        mode,
        from,
        sourceDesc,
        to,
        targetDesc);
  }

  /**
   * A step that writes the elements of {@code from}, in row-major order, into {@code to}, which is
   * plain.
   */
  static Step reshape(Lowering lowering, Value from, Value to) {
    Step.Mode mode = lowering.mode(List.of(from));
    Layout source = lowering.layout(from);
    IntFunction<memory.desc> sourceDesc = part -> source.desc(lowering.partShape(from, mode, part));
    IntFunction<memory.desc> targetDesc =
        part -> source.plain(lowering.partShape(from, mode, part));
    return copy(lowering, "reshape " + from.name(), mode, from, sourceDesc, to, targetDesc);
  }

  /** A step that writes {@code from} into {@code to}, each seen through a descriptor of a part. */
  static Step copy(
      Lowering lowering,
      String name,
      Step.Mode mode,
      Value from,
      IntFunction<memory.desc> sourceDesc,
      Value to,
      IntFunction<memory.desc> targetDesc) {
    return Primitive.step(
        lowering,
        name,
        mode,
        part ->
            new reorder.primitive_desc(
                lowering.oneDnn().engine(),
                sourceDesc.apply(part),
                lowering.oneDnn().engine(),
                targetDesc.apply(part),
                Primitive.attributes(),
                true),
        List.of(new Argument(DNNL_ARG_FROM, from, sourceDesc)),
        List.of(new Argument(DNNL_ARG_TO, to, targetDesc)));
  }

  private static memory.desc desc(
      Layout layout, Layout other, Value value, Lowering lowering, Step.Mode mode, int part) {
    Shape shape = lowering.partShape(value, mode, part);
    return layout.rowMajor(shape) ? other.plain(shape) : layout.desc(shape);
  }

  /** Copies once, outside any program. For a worker only. */
  static void now(
      OneDnn oneDnn, memory.desc from, BytePointer source, memory.desc to, BytePointer target) {
    try (memory a = new memory(from, oneDnn.engine(), source);
        memory b = new memory(to, oneDnn.engine(), target);
        stream stream = new stream(oneDnn.engine());
        reorder reorder = new reorder(a, b)) {
      reorder.execute(stream, a, b);
      stream._wait();
    }
  }
}
