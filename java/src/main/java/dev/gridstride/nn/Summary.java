package dev.gridstride.nn;

import dev.gridstride.program.DataType;
import dev.gridstride.program.Node;
import dev.gridstride.program.Program;
import dev.gridstride.program.Shape;
import dev.gridstride.program.TensorType;
import dev.gridstride.program.Value;
import dev.gridstride.program.op.CrossEntropy;
import dev.gridstride.program.pass.Differentiate;
import dev.gridstride.program.pass.Fuse;
import dev.gridstride.program.pass.MemoryPlan;
import dev.gridstride.program.pass.SinkRelu;
import dev.gridstride.program.pass.TrimConv;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * Size and cost of a model; {@code toString} is a table. A multiply and an add count as two
 * operations, and only convolutions and matrix products count.
 *
 * @param title the model's name and input
 * @param rows one for each layer, in order
 * @param batchSize of the shapes and of {@code plannedBytes}
 * @param parameters learned numbers
 * @param states numbers that are kept but not learned, such as running means
 * @param forwardFlops operations of one image in a forward pass
 * @param trainingFlops operations of one image in a training step, forward and backward; of the net
 *     as written, without the rows that a pass may prove useless
 * @param plannedBytes arena of a training step with cross-entropy, in bytes: activations and
 *     gradients in float32 without the padding that a device may add; parameters, optimiser state
 *     and data come on top
 */
public record Summary(
    String title,
    List<Row> rows,
    int batchSize,
    long parameters,
    long states,
    long forwardFlops,
    long trainingFlops,
    long plannedBytes) {
  /**
   * One layer.
   *
   * @param name its path
   * @param layer its options
   * @param output its output's shape, with the batch
   * @param parameters learned numbers of its own
   * @param forwardFlops operations of one image in a forward pass
   */
  public record Row(String name, String layer, Shape output, long parameters, long forwardFlops) {}

  /** Copies the rows. */
  public Summary {
    rows = List.copyOf(rows);
  }

  static Summary of(Model model, int batchSize) {
    Program.Builder builder = new Program.Builder();
    Scope scope = Scope.training(builder, 0);
    Value scores = model.build(scope, model.input(builder, batchSize));
    List<Row> rows = rows(scope, builder.build(), batchSize);
    TensorType labels = new TensorType(DataType.INT32, Shape.of(batchSize));
    Value mean = builder.add("loss", new CrossEntropy(0), scores, builder.input("labels", labels));
    Value loss = scope.addPenalties(mean);
    builder.output(loss);
    Program forward = Fuse.apply(builder.build());
    List<Value> weights =
        scope.parameters().stream().filter(ParameterSpec::trainable).map(p -> p.value()).toList();
    Program training = SinkRelu.apply(differentiate(TrimConv.apply(forward), loss, weights));
    return new Summary(
        model.name() + " on samples " + model.inputShape(),
        rows,
        batchSize,
        count(scope, true),
        count(scope, false),
        forward.flops() / batchSize,
        differentiate(forward, loss, weights).flops() / batchSize,
        MemoryPlan.of(training, value -> value.type().bytes(), 1).arenaBytes());
  }

  private static Program differentiate(Program forward, Value loss, List<Value> weights) {
    Program.Builder builder = new Program.Builder(forward);
    Differentiate.append(builder, loss, weights).values().forEach(builder::output);
    return builder.build();
  }

  private static long count(Scope scope, boolean trainable) {
    return scope.parameters().stream()
        .filter(parameter -> parameter.trainable() == trainable)
        .mapToLong(parameter -> parameter.value().shape().elements())
        .sum();
  }

  /**
   * Layers are applied one after the other, so each owns the nodes up to the one that made its
   * output.
   */
  private static List<Row> rows(Scope scope, Program program, int batchSize) {
    List<Row> rows = new ArrayList<>();
    int next = 0;
    for (Scope.Applied applied : scope.applied()) {
      long flops = 0;
      Node producer = program.producer(applied.output());
      int end = producer == null ? 0 : program.nodes().indexOf(producer) + 1;
      while (next < end) {
        flops += program.nodes().get(next++).flops();
      }
      if (!(applied.layer() instanceof Sequential)) {
        rows.add(
            new Row(
                applied.name(),
                applied.layer().toString(),
                applied.output().shape(),
                ownParameters(scope, applied.name()),
                flops / batchSize));
      }
    }
    return rows;
  }

  private static long ownParameters(Scope scope, String layer) {
    return scope.parameters().stream()
        .filter(parameter -> parameter.trainable())
        .filter(p -> p.name().substring(0, p.name().lastIndexOf('.')).equals(layer))
        .mapToLong(parameter -> parameter.value().shape().elements())
        .sum();
  }

  @Override
  public String toString() {
    int nameWidth = width(rows.stream().map(Row::name).toList(), "name");
    int layerWidth = width(rows.stream().map(Row::layer).toList(), "layer");
    int shapeWidth = width(rows.stream().map(row -> row.output.toString()).toList(), "output");
    String format =
        "%-" + nameWidth + "s  %-" + layerWidth + "s  %-" + shapeWidth + "s  %10s  %9s%n";
    StringBuilder text = new StringBuilder(title).append(System.lineSeparator());
    text.append(format(format, "name", "layer", "output", "parameters", "MFLOP/img"));
    for (Row row : rows) {
      text.append(
          format(
              format,
              row.name,
              row.layer,
              row.output,
              format("%,d", row.parameters),
              format("%.3f", row.forwardFlops / 1e6)));
    }
    text.append(format("parameters: %,d", parameters));
    text.append(states == 0 ? "" : format(" and %,d running statistics", states));
    text.append(
        format(
            "%nMFLOP an image: %.1f forward, %.1f forward and backward%n",
            forwardFlops / 1e6, trainingFlops / 1e6));
    text.append(
        format(
            "memory of a training step at batch %d: %.1f MB planned for activations and gradients"
                + " (float32, unpadded)%n",
            batchSize, plannedBytes / 1e6));
    return text.toString();
  }

  private static int width(List<String> cells, String heading) {
    return Math.max(heading.length(), cells.stream().mapToInt(String::length).max().orElse(0));
  }

  private static String format(String format, Object... values) {
    return String.format(Locale.ROOT, format, values);
  }
}
