package dev.gridstride.backend.cuda.program;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.gridstride.backend.Backends;
import dev.gridstride.backend.DeviceOptions;
import dev.gridstride.backend.Executable;
import dev.gridstride.backend.Session;
import dev.gridstride.backend.cuda.Simulated;
import dev.gridstride.program.DataType;
import dev.gridstride.program.Program;
import dev.gridstride.program.Shape;
import dev.gridstride.program.Tensor;
import dev.gridstride.program.TensorType;
import dev.gridstride.program.Value;
import dev.gridstride.program.op.Add;
import dev.gridstride.program.op.Dense;
import dev.gridstride.program.op.Matmul;
import dev.gridstride.program.op.MeanSquaredError;
import dev.gridstride.program.op.Relu;
import dev.gridstride.program.op.Sgd;
import dev.gridstride.program.op.WeightPenalty;
import dev.gridstride.program.pass.Differentiate;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.function.BiFunction;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * Weights of dense layers that read images: how many permutations a program needs, and that every
 * program of a session sees the same weight, with small integers and so exactly.
 */
class FlattenedWeightTest {
  private static final Shape IMAGES = Shape.of(4, 3, 2, 5);

  /** A power of two, as are batches, so that a mean of their errors is exact. */
  private static final int ROWS = 8;

  private static final int COLUMNS = 30;
  private static final SessionOptions CHECKED = new SessionOptions(true, false, true);

  @BeforeEach
  void needsTheSimulatedDevice() {
    Simulated.require();
  }

  /** A program whose result is {@code use} of the weight. */
  private static Program program(BiFunction<Program.Builder, Value, Value> use) {
    Program.Builder b = new Program.Builder();
    b.output(use.apply(b, b.parameter("w", Shape.of(ROWS, COLUMNS))));
    return b.build();
  }

  private static Value ofImages(Program.Builder b, Value w) {
    return b.add("y", new Dense(false), b.input("images", float32(IMAGES)), w);
  }

  private static Value ofOtherImages(Program.Builder b, Value w) {
    Value x = b.input("others", TensorType.float32(2, 5, 3, 2));
    return b.add("y2", new Dense(false), x, w);
  }

  private static Value ofRows(Program.Builder b, Value w) {
    return b.add("y3", new Dense(false), b.input("rows", TensorType.float32(4, COLUMNS)), w);
  }

  private static Value ofProduct(Program.Builder b, Value w) {
    Value x = b.input("left", TensorType.float32(3, ROWS));
    return b.add("y4", new Matmul(false, false), x, w);
  }

  private static Value itself(Program.Builder b, Value w) {
    return b.add("y5", new Relu(), w);
  }

  /** A whole step with momentum, a penalty, and the gradient to be read. */
  private static Program training(Shape images) {
    Program.Builder b = new Program.Builder();
    Value w = b.parameter("w", Shape.of(ROWS, COLUMNS));
    Value x = b.input("x" + images.dim(0), float32(images));
    Value hidden = b.add("hidden", new Relu(), x);
    Value y = b.add("y", new Dense(false), hidden, w);
    Value target = b.input("target" + images.dim(0), TensorType.float32(images.dim(0), ROWS));
    Value loss = b.add("loss", new MeanSquaredError(), y, target);
    loss = b.add("all", new Add(), loss, b.add("penalty", new WeightPenalty(0, 0.5f), w));
    Value gradient = Differentiate.append(b, loss, List.of(w)).get(w);
    b.output(gradient);
    Value u = b.state("u", w.type());
    Value rate = b.state("rate", TensorType.scalar(DataType.FLOAT32));
    b.update(new Sgd(0.5f, false, 0), List.of(w, gradient, u, rate), List.of(w, u));
    return b.build();
  }

  private static TensorType float32(Shape shape) {
    return TensorType.float32(shape.dims());
  }

  /** Whole numbers from -2 to 2, and a power of two as a rate. */
  private static Tensor initial(Value value) {
    SplittableRandom random = new SplittableRandom(value.name().hashCode());
    Tensor tensor = Tensor.zeros(value.type());
    for (int i = 0; i < tensor.floats().length; i++) {
      tensor.floats()[i] = value.name().equals("rate") ? 1 : random.nextInt(-2, 3);
    }
    return tensor;
  }

  private static Map<String, Tensor> run(
      Session session, List<Program> programs, List<Integer> permuted) {
    Map<String, Tensor> results = new LinkedHashMap<>();
    List<Integer> found = new ArrayList<>();
    for (Program program : programs) {
      try (Executable executable = session.compile(program)) {
        found.add(executable.explain().split("transpose_b32", -1).length - 1);
        for (Value value : program.values()) {
          boolean first = results.putIfAbsent("written " + value.name(), initial(value)) == null;
          if (value.role().persistent() && first) {
            session.write(value, initial(value));
            assertEquals(initial(value), session.read(value));
          }
        }
        executable.run();
        for (Value value : program.values()) {
          if (value.role().persistent()) {
            results.put(programs.indexOf(program) + value.name(), session.read(value));
          }
        }
        program.outputs().forEach(v -> results.put(v.name(), executable.read(v)));
      }
    }
    if (!permuted.isEmpty()) {
      assertEquals(permuted, found, "permutations of each program");
    }
    return results;
  }

  /** The same numbers as the reference's, exactly, and so many permutations in each program. */
  private static void check(List<Program> programs, Integer... permuted) {
    Map<String, Tensor> expected;
    try (Session reference = Backends.open("reference", 1).session()) {
      expected = run(reference, programs, List.of());
    }
    for (SessionOptions options : List.of(SessionOptions.DEFAULT, CHECKED)) {
      try (Session session = SimulatedBackend.open(DeviceOptions.DEFAULT, options)) {
        assertEquals(expected, run(session, programs, List.of(permuted)));
      }
    }
  }

  @Test
  void nothingIsPermutedForImages() {
    check(List.of(program(FlattenedWeightTest::ofImages)), 0);
  }

  @Test
  void norInAStepWithMomentumAndPenalty() {
    check(List.of(training(IMAGES)), 0);
  }

  @Test
  void otherBatchesAgree() {
    check(List.of(training(IMAGES), training(IMAGES.withRows(2))), 0, 0);
  }

  @Test
  void programsThatWantItRowByRowPermuteIt() {
    check(
        List.of(
            program(FlattenedWeightTest::ofImages),
            program(FlattenedWeightTest::ofRows),
            program(FlattenedWeightTest::ofProduct),
            program(FlattenedWeightTest::itself)),
        0,
        1,
        1,
        1);
  }

  @Test
  void onceItIsRowByRowImagesArePermuted() {
    check(
        List.of(
            program(FlattenedWeightTest::ofRows),
            program(FlattenedWeightTest::ofImages),
            training(IMAGES)),
        0,
        1,
        2);
  }

  /** The second program permutes its images and the weight. */
  @Test
  void imagesOfTwoShapes() {
    check(
        List.of(
            program(FlattenedWeightTest::ofImages), program(FlattenedWeightTest::ofOtherImages)),
        0,
        2);
  }

  /** A step on other images has its gradient in the order of the weight, by permutations. */
  @Test
  void trainingOnImagesOfAnotherShape() {
    check(List.of(training(IMAGES), training(Shape.of(2, 5, 3, 2))), 0, 4);
  }

  /** Both in one program: neither order is right for both, so the ordinary one is kept. */
  @Test
  void imagesAndRowsInOneProgram() {
    check(
        List.of(
            program(
                (b, w) -> {
                  Value left = ofImages(b, w);
                  return b.add("sum", new Add(), left, ofRows(b, w));
                })),
        1);
  }

  @Test
  void imagesOfTwoShapesInOneProgram() {
    check(
        List.of(
            program(
                (b, w) -> {
                  b.output(ofImages(b, w));
                  return ofOtherImages(b, w);
                })),
        2);
  }
}
