package dev.gridstride.backend.cpu;

import static org.bytedeco.dnnl.global.dnnl.DNNL_ARG_SCRATCHPAD;
import static org.bytedeco.dnnl.global.dnnl.dnnl_primitive_execute;

import dev.gridstride.backend.BackendException;
import dev.gridstride.program.Node;
import dev.gridstride.program.Value;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import java.util.function.IntFunction;
import org.bytedeco.dnnl.dnnl_exec_arg_t;
import org.bytedeco.dnnl.dnnl_primitive;
import org.bytedeco.dnnl.dnnl_stream;
import org.bytedeco.dnnl.global.dnnl.scratchpad_mode;
import org.bytedeco.dnnl.memory;
import org.bytedeco.dnnl.primitive;
import org.bytedeco.dnnl.primitive_attr;
import org.bytedeco.dnnl.primitive_desc_base;
import org.bytedeco.dnnl.stream;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.Pointer;

/** A step that executes one oneDNN primitive a part. */
final class Primitive {
  /**
   * An argument of a primitive.
   *
   * @param id DNNL_ARG_...
   * @param value where it lives
   * @param desc its descriptor in part p
   */
  record Argument(int id, Value value, IntFunction<memory.desc> desc) {}

  /** Layouts tried for the arguments of a primitive, and the one chosen. */
  record Choice(List<Layout> layouts, primitive_desc_base desc) {}

  private Primitive() {}

  /** A batched argument in its layout, or one that is read whole. */
  static Argument argument(int id, Value value, Lowering lowering, Step.Mode mode) {
    Layout layout = lowering.layout(value);
    return new Argument(id, value, part -> layout.desc(lowering.partShape(value, mode, part)));
  }

  /** Attributes common to all primitives: scratch memory is ours, so that parts can run at once. */
  static primitive_attr attributes() {
    primitive_attr attributes = new primitive_attr();
    attributes.set_scratchpad_mode(scratchpad_mode.user);
    return attributes;
  }

  static String implementation(primitive_desc_base desc) {
    return desc.impl_info_str().getString();
  }

  /**
   * 0 for generated code, 1 for a convolution by the detour of a matrix multiplication, 2 for plain
   * loops.
   */
  private static int rank(String op, primitive_desc_base desc) {
    String name = implementation(desc);
    if (name.contains("ref")) {
      return 2;
    }
    return name.contains("gemm") && op.startsWith("conv") ? 1 : 0;
  }

  /**
   * Chooses among layouts: all combinations of the candidates, the first of each argument
   * preferred; the fastest kind of implementation wins, and of several combinations with that kind
   * the first.
   *
   * @param candidates for each argument, layouts in order of preference
   * @param create makes the descriptor for a combination; one without implementation if there is
   *     none
   */
  static Choice choose(
      Node node,
      List<List<Layout>> candidates,
      Function<List<Layout>, primitive_desc_base> create) {
    String op = node.op().name();
    Choice best = null;
    for (List<Layout> layouts : combinations(candidates)) {
      primitive_desc_base desc = create.apply(layouts);
      if (desc.asBoolean() && (best == null || rank(op, desc) < rank(op, best.desc()))) {
        best = new Choice(layouts, desc);
      }
      if (best != null && rank(op, best.desc()) == 0) {
        break;
      }
    }
    if (best == null) {
      throw new BackendException(
          "cpu: oneDNN "
              + OneDnn.version()
              + " has no implementation of "
              + node.op()
              + " for "
              + node.inputs());
    }
    return best;
  }

  private static List<List<Layout>> combinations(List<List<Layout>> candidates) {
    List<List<Layout>> all = new ArrayList<>();
    all.add(List.of());
    for (List<Layout> argument : candidates) {
      List<List<Layout>> longer = new ArrayList<>();
      for (List<Layout> prefix : all) {
        for (Layout layout : argument.stream().distinct().toList()) {
          List<Layout> combination = new ArrayList<>(prefix);
          combination.add(layout);
          longer.add(combination);
        }
      }
      all = longer;
    }
    return all;
  }

  /**
   * A step that runs a primitive.
   *
   * @param desc descriptor of part p, all layouts decided
   */
  static Step step(
      Lowering lowering,
      String op,
      Step.Mode mode,
      IntFunction<? extends primitive_desc_base> desc,
      List<Argument> reads,
      List<Argument> writes) {
    primitive_desc_base first = desc.apply(0);
    if (!first.asBoolean()) {
      throw new BackendException("cpu: oneDNN has no implementation of " + op);
    }
    List<Argument> arguments = new ArrayList<>(reads);
    arguments.addAll(writes);
    int parts = lowering.parts(mode);
    return new Step(
        op + " " + implementation(first),
        mode,
        reads.stream().map(Argument::value).toList(),
        writes.stream().map(Argument::value).toList(),
        memory -> new Call(lowering.oneDnn(), op, mode, desc, arguments, parts, memory));
  }

  /** The primitives of all parts, with their memory bound. */
  private static final class Call implements Step.Kernel {
    private final String op;
    private final dnnl_primitive[] primitives;
    private final dnnl_stream[] streams;
    private final dnnl_exec_arg_t[] arguments;
    private final int count;

    Call(
        OneDnn oneDnn,
        String op,
        Step.Mode mode,
        IntFunction<? extends primitive_desc_base> descs,
        List<Argument> bound,
        int parts,
        Memory memory) {
      this.op = op;
      primitives = new dnnl_primitive[parts];
      streams = new dnnl_stream[parts];
      arguments = new dnnl_exec_arg_t[parts];
      count = bound.size() + 1;
      for (int part = 0; part < parts; part++) {
        primitive_desc_base desc = descs.apply(part);
        primitive created = keep(new primitive(desc.get()), memory);
        primitives[part] = keep(created.get(), memory);
        streams[part] = keep(keep(new stream(oneDnn.engine()), memory).get(), memory);
        arguments[part] = keep(new dnnl_exec_arg_t(count), memory);
        for (int i = 0; i < bound.size(); i++) {
          Argument argument = bound.get(i);
          bind(
              part,
              i,
              argument.id(),
              argument.desc().apply(part),
              memory.of(argument.value()).pointer(part, mode == Step.Mode.SHARDED),
              oneDnn,
              memory);
        }
        memory.desc scratch = desc.scratchpad_desc();
        bind(
            part,
            bound.size(),
            DNNL_ARG_SCRATCHPAD,
            scratch,
            memory.scratchpad(part, Math.max(1, scratch.get_size())),
            oneDnn,
            memory);
        arguments[part].position(0);
        desc.close();
      }
    }

    private void bind(
        int part,
        int index,
        int id,
        memory.desc layout,
        BytePointer pointer,
        OneDnn oneDnn,
        Memory memory) {
      if (layout.get_size() > pointer.capacity()) {
        throw new IllegalStateException(
            op
                + ": argument "
                + id
                + " needs "
                + layout.get_size()
                + " bytes, memory has "
                + pointer.capacity());
      }
      memory bound = keep(new memory(layout, oneDnn.engine(), pointer), memory);
      arguments[part].position(index).arg(id).memory(keep(bound.get(), memory));
    }

    private static <P extends Pointer> P keep(P pointer, Memory memory) {
      memory.onClose(pointer);
      return pointer;
    }

    @Override
    public void run(int part) {
      int status = dnnl_primitive_execute(primitives[part], streams[part], count, arguments[part]);
      if (status != 0) {
        OneDnn.check(status, op);
      }
    }
  }
}
