package dev.gridstride.backend.reference;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;

import dev.gridstride.program.DataType;
import dev.gridstride.program.Padding2d;
import dev.gridstride.program.Program;
import dev.gridstride.program.Shape;
import dev.gridstride.program.Size2d;
import dev.gridstride.program.Tensor;
import dev.gridstride.program.TensorType;
import dev.gridstride.program.Value;
import dev.gridstride.program.op.Adam;
import dev.gridstride.program.op.BiasAdd;
import dev.gridstride.program.op.Conv2d;
import dev.gridstride.program.op.CrossEntropy;
import dev.gridstride.program.op.Dense;
import dev.gridstride.program.op.Increment;
import dev.gridstride.program.op.LearningRate;
import dev.gridstride.program.op.MaxPool2d;
import dev.gridstride.program.op.Pool2d;
import dev.gridstride.program.op.Relu;
import dev.gridstride.program.op.Reshape;
import dev.gridstride.program.op.Schedule;
import dev.gridstride.program.op.Softmax;
import dev.gridstride.program.pass.Differentiate;
import dev.gridstride.program.pass.Fuse;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Adam and whole training steps against numbers worked out without this project: {@code
 * golden/golden.py} computes them with 60 decimal digits from the textbook definitions, gradients
 * by central differences of the loss; its first lines have the command. The difference allowed is
 * what rounding to double leaves.
 */
class GoldenTest {
  private static final double ALLOWED = 1e-12;
  private static final Adam ADAM = new Adam(0.9f, 0.999f, 1e-7f, 0);
  private static final List<String> PARAMETERS =
      List.of("conv.weight", "conv.bias", "dense.weight", "dense.bias");

  private static final Map<String, double[]> GOLDEN = new HashMap<>();

  @BeforeAll
  static void readGoldenValues() throws IOException {
    try (InputStream stream = GoldenTest.class.getResourceAsStream("/golden/golden.txt")) {
      assertNotNull(stream);
      new BufferedReader(new InputStreamReader(stream, StandardCharsets.UTF_8))
          .lines()
          .map(line -> line.split(" "))
          .forEach(
              words ->
                  GOLDEN.put(
                      words[0],
                      Arrays.stream(words).skip(1).mapToDouble(Double::parseDouble).toArray()));
    }
  }

  @Test
  void adamOfAScalar() {
    Program.Builder b = new Program.Builder();
    Value w = b.parameter("w", Shape.of(1));
    Value g = b.parameter("g", Shape.of(1));
    Value m = b.state("m", w.type());
    Value v = b.state("v", w.type());
    addUpdate(b, w, g, m, v, 0.125);
    b.update(new Increment(1), List.of(step(b)), List.of(step(b)));
    try (ReferenceSession session = new ReferenceSession()) {
      var executable = session.compile(b.build());
      session.write(w, Tensor.of(Shape.of(1), 1f));
      session.write(factor(b), Tensor.of(Shape.scalar(), 1f));
      float[] gradients = {0.5f, -0.25f, 2};
      for (int step = 0; step < 3; step++) {
        session.write(g, Tensor.of(Shape.of(1), gradients[step]));
        executable.run();
        double[] got = {
          session.storage(w).reals()[0],
          session.storage(m).reals()[0],
          session.storage(v).reals()[0]
        };
        check("adam." + step, got);
      }
    }
  }

  @ParameterizedTest(name = "fused: {0}")
  @ValueSource(booleans = {false, true})
  void threeStepsOfATinyNet(boolean fused) {
    Program.Builder forward = new Program.Builder();
    Value images = forward.input("images", TensorType.float32(2, 1, 5, 5));
    Value labels = forward.input("labels", new TensorType(DataType.INT32, Shape.of(2)));
    Value loss = loss(forward, images, labels);
    forward.output(loss);
    Program.Builder b = new Program.Builder(fused ? Fuse.apply(forward.build()) : forward.build());
    List<Value> parameters =
        PARAMETERS.stream().map(name -> b.parameter(name, shape(name))).toList();
    Map<Value, Value> gradients = Differentiate.append(b, loss, parameters);
    gradients.forEach(
        (w, g) -> {
          b.output(g);
          addUpdate(
              b,
              w,
              g,
              b.state("m." + w.name(), w.type()),
              b.state("v." + w.name(), w.type()),
              0.0625);
        });
    b.update(new Increment(1), List.of(step(b)), List.of(step(b)));
    try (ReferenceSession session = new ReferenceSession()) {
      ReferenceExecutable executable = (ReferenceExecutable) session.compile(b.build());
      session.write(images, tensor("net.images", images.shape()));
      session.write(labels, Tensor.of(Shape.of(2), 2, 0));
      session.write(factor(b), Tensor.of(Shape.scalar(), 1f));
      parameters.forEach(w -> session.write(w, tensor("net.initial." + w.name(), w.shape())));
      for (int step = 0; step < 3; step++) {
        executable.run();
        check("net.loss." + step, executable.result(loss).reals());
        for (Value w : parameters) {
          check(
              "net.gradient." + step + "." + w.name(), executable.result(gradients.get(w)).reals());
        }
      }
      parameters.forEach(w -> check("net.final." + w.name(), session.storage(w).reals()));
    }
  }

  private static Value loss(Program.Builder b, Value images, Value labels) {
    Value map =
        b.add("conv", Conv2d.PLAIN, images, b.parameter("conv.weight", shape("conv.weight")));
    map = b.add("conv", new BiasAdd(), map, b.parameter("conv.bias", shape("conv.bias")));
    map = b.add("relu", new Relu(), map);
    Pool2d window = new Pool2d(Size2d.of(2), Size2d.of(1), Padding2d.NONE);
    Value pooled = b.addAll("pool", new MaxPool2d(window), List.of(map)).get(0);
    Value flat = b.add("flat", new Reshape(Shape.of(2, 8)), pooled);
    Value w = b.parameter("dense.weight", shape("dense.weight"));
    Value logits = b.add("dense", new Dense(false), flat, w);
    logits = b.add("dense", new BiasAdd(), logits, b.parameter("dense.bias", shape("dense.bias")));
    Value p = b.add("p", new Softmax(), logits);
    return b.add("loss", new CrossEntropy(0), p, labels);
  }

  private static Shape shape(String parameter) {
    return switch (parameter) {
      case "conv.weight" -> Shape.of(2, 1, 3, 3);
      case "conv.bias" -> Shape.of(2);
      case "dense.weight" -> Shape.of(3, 8);
      default -> Shape.of(3);
    };
  }

  private static Value step(Program.Builder b) {
    return b.state("step", TensorType.scalar(DataType.INT64));
  }

  private static Value factor(Program.Builder b) {
    return b.state("factor", TensorType.scalar(DataType.FLOAT32));
  }

  private static void addUpdate(
      Program.Builder b, Value w, Value g, Value m, Value v, double rate) {
    Value lr = b.add("lr", new LearningRate(new Schedule.Constant(rate)), step(b), factor(b));
    b.update(ADAM, List.of(w, g, m, v, step(b), lr), List.of(w, m, v));
  }

  private static Tensor tensor(String name, Shape shape) {
    double[] values = GOLDEN.get(name);
    float[] floats = new float[values.length];
    for (int i = 0; i < floats.length; i++) {
      floats[i] = (float) values[i];
    }
    return Tensor.of(shape, floats);
  }

  private static void check(String name, double[] got) {
    double[] expected = GOLDEN.get(name);
    assertEquals(expected.length, got.length, name);
    for (int i = 0; i < expected.length; i++) {
      assertEquals(expected[i], got[i], ALLOWED, name + "[" + i + "]");
    }
  }
}
