package dev.gridstride.backend.cuda.program;

import dev.gridstride.backend.ImplementationChoice;
import dev.gridstride.backend.cuda.vendor.CudnnDropout;
import dev.gridstride.backend.cuda.vendor.VendorLibraries;
import dev.gridstride.program.DataType;
import dev.gridstride.program.Node;
import dev.gridstride.program.Program;
import dev.gridstride.program.Role;
import dev.gridstride.program.Shape;
import dev.gridstride.program.TensorType;
import dev.gridstride.program.Value;
import dev.gridstride.program.op.Dropout;
import dev.gridstride.program.op.MaxPool2d;
import dev.gridstride.program.op.MaxPool2dBackward;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Gives nodes for which cuDNN was asked by name what it needs beyond the inputs of their ops:
 *
 * <ul>
 *   <li>the gradient of a maximum pooling reads the images and the maxima instead of the argmax,
 *       which nobody reads then: inputs dy, x, y;
 *   <li>a dropout writes its mask, a second output, and where the same mask is applied again, in
 *       its gradient, that is a third input.
 * </ul>
 */
final class CudnnInputs {
  private static final String MAX_POOL = "max_pool2d";

  private final Program program;
  private final Set<String> names = new HashSet<>();
  private final Map<Value, Node> poolings = new HashMap<>();

  /** The mask of each dropout since its counter was written last. */
  private final Map<Dropout, Map<Value, Value>> masks = new HashMap<>();

  private CudnnInputs(Program program) {
    this.program = program;
    program.values().forEach(value -> names.add(value.name()));
  }

  /** The program, in which such nodes have other inputs and outputs than their op says. */
  static Program apply(Program program, ImplementationChoice choice, VendorLibraries libraries) {
    boolean pool = isAskedFor(choice, MAX_POOL) && isAskedFor(choice, MAX_POOL + "_backward");
    boolean dropout = choice.isDemanded("dropout") && isAskedFor(choice, "dropout");
    if (!pool && !dropout) {
      return program;
    }
    CudnnInputs pass = new CudnnInputs(program);
    List<Node> nodes = new ArrayList<>();
    for (Node node : program.nodes()) {
      if (pool && node.op() instanceof MaxPool2d && pass.suits(node)) {
        pass.poolings.put(node.output(1), node);
      }
      Node pooling =
          node.op() instanceof MaxPool2dBackward ? pass.poolings.get(node.input(1)) : null;
      if (pooling != null) {
        List<Value> inputs = List.of(node.input(0), pooling.input(0), pooling.output(0));
        nodes.add(new Node(node.op(), inputs, node.outputs()));
      } else if (dropout && node.op() instanceof Dropout op) {
        nodes.add(pass.withMask(node, op, libraries));
      } else {
        nodes.add(node);
      }
      pass.masks.values().forEach(byStep -> node.outputs().forEach(byStep::remove));
    }
    return Program.of(nodes, program.outputs());
  }

  private static boolean isAskedFor(ImplementationChoice choice, String op) {
    return choice.of(op).equals(ImplementationChoice.CUDNN);
  }

  /** Whether only gradients read its argmax, and its input is what it was when they run. */
  private boolean suits(Node pooling) {
    Value argmax = pooling.output(1);
    Value x = pooling.input(0);
    return !program.outputs().contains(argmax)
        && program.consumers(argmax).stream().allMatch(n -> n.op() instanceof MaxPool2dBackward)
        && (!x.role().persistent()
            || program.nodes().stream().noneMatch(n -> n.outputs().contains(x)));
  }

  private Node withMask(Node node, Dropout op, VendorLibraries libraries) {
    Map<Value, Value> byStep = masks.computeIfAbsent(op, any -> new HashMap<>());
    Value step = node.input(1);
    Value mask = byStep.get(step);
    if (mask != null) {
      return new Node(op, List.of(node.input(0), step, mask), node.outputs());
    }
    long bytes =
        CudnnDropout.maskBytes(libraries.cudnn(), CudnnCalls.elements(node.input(0).shape()));
    TensorType type = new TensorType(DataType.UINT8, Shape.of(Math.toIntExact(bytes)));
    mask = Value.of(name(node.output(0).name() + "_mask"), type, Role.ACTIVATION, false);
    byStep.put(step, mask);
    return new Node(op, node.inputs(), List.of(node.output(0), mask));
  }

  private String name(String wanted) {
    String name = wanted;
    for (int i = 2; !names.add(name); i++) {
      name = wanted + "_" + i;
    }
    return name;
  }
}
