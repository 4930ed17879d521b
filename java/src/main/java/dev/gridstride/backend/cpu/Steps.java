package dev.gridstride.backend.cpu;

import dev.gridstride.program.Node;
import java.util.HashMap;
import java.util.Map;

/** How one op is lowered to steps. */
interface Steps {
  /** Chooses an implementation and layouts for a node and adds its steps. */
  void lower(Node node, Lowering lowering);

  /** What a node's main step is called, for example {@code conv1 = conv2d}. */
  static String name(Node node) {
    return node.output(0).name() + " = " + node.op().name();
  }

  /** The op classes this backend knows, each with how it is lowered. */
  static Map<Class<?>, Steps> table() {
    Map<Class<?>, Steps> table = new HashMap<>();
    ConvolutionSteps.register(table);
    DenseSteps.register(table);
    PoolingSteps.register(table);
    BatchNormSteps.register(table);
    ElementwiseSteps.register(table);
    LossSteps.register(table);
    ScalarSteps.register(table);
    OptimizerSteps.register(table);
    FetchSteps.register(table);
    return table;
  }
}
