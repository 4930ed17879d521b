package dev.gridstride.program;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.gridstride.program.op.Adam;
import dev.gridstride.program.op.Augmentation;
import dev.gridstride.program.op.FetchBatch;
import dev.gridstride.program.op.Relu;
import java.util.List;
import org.junit.jupiter.api.Test;

class NodeTest {
  private static Node last(Program.Builder builder) {
    List<Node> nodes = builder.build().nodes();
    return nodes.get(nodes.size() - 1);
  }

  @Test
  void bytesAreThoseReadAndThoseWritten() {
    Program.Builder builder = new Program.Builder();
    builder.add("y", new Relu(), builder.input("x", TensorType.float32(10, 3)));
    assertEquals(2 * 10 * 3 * 4, last(builder).bytes());
  }

  @Test
  void whatIsOverwrittenCountsAsBoth() {
    Program.Builder builder = new Program.Builder();
    Shape shape = Shape.of(1000);
    TensorType type = TensorType.float32(1000);
    Value w = builder.parameter("w", shape);
    Value m = builder.state("m", type);
    Value v = builder.state("v", type);
    Value g = builder.state("g", type);
    Value step = builder.state("step", TensorType.scalar(DataType.INT64));
    Value rate = builder.state("rate", TensorType.scalar(DataType.FLOAT32));
    builder.update(
        new Adam(0.9f, 0.999f, 1e-7f, 0), List.of(w, g, m, v, step, rate), List.of(w, m, v));
    // Seven floats a weight; the scalars are read once, also by two nodes.
    assertEquals(28 * 1000 + 12, last(builder).bytes());
    Node node = last(builder);
    assertEquals(node.bytes(), Node.bytes(List.of(node, node)));
  }

  @Test
  void ofADataSetABatchIsRead() {
    Program.Builder builder = new Program.Builder();
    Value samples = builder.data("samples", new TensorType(DataType.UINT8, Shape.of(500, 3, 4, 4)));
    Value labels = builder.data("labels", new TensorType(DataType.INT32, Shape.of(500)));
    Value cursor = builder.state("cursor", TensorType.scalar(DataType.INT64));
    builder.addAll(
        "batch", new FetchBatch(8, true, 1, Augmentation.NONE), List.of(samples, labels, cursor));
    long read = 8 * 48 + 8 * 4 + 8;
    long written = 8 * 48 * 4 + 8 * 4;
    assertEquals(read + written, last(builder).bytes());
  }
}
