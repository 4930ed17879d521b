package dev.gridstride.backend.cuda.program;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gridstride.backend.DeviceOptions;
import dev.gridstride.backend.Executable;
import dev.gridstride.backend.Session;
import dev.gridstride.backend.cuda.Simulated;
import dev.gridstride.nn.BatchNorm;
import dev.gridstride.nn.Conv2d;
import dev.gridstride.nn.Dense;
import dev.gridstride.nn.Flatten;
import dev.gridstride.nn.Model;
import dev.gridstride.nn.ParameterSpec;
import dev.gridstride.nn.Scope;
import dev.gridstride.nn.Sequential;
import dev.gridstride.optim.Adam;
import dev.gridstride.optim.Optimizer;
import dev.gridstride.optim.Sgd;
import dev.gridstride.program.DataType;
import dev.gridstride.program.Program;
import dev.gridstride.program.Role;
import dev.gridstride.program.Shape;
import dev.gridstride.program.Tensor;
import dev.gridstride.program.TensorType;
import dev.gridstride.program.Value;
import dev.gridstride.program.op.Increment;
import dev.gridstride.program.op.LearningRate;
import dev.gridstride.program.op.Schedule;
import dev.gridstride.program.op.SoftmaxCrossEntropy;
import dev.gridstride.program.pass.Differentiate;
import dev.gridstride.program.pass.Fuse;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * How many launches update the weights, and that the result is the same to the bit as with a launch
 * for each weight under the checker, in buffers of their own.
 */
class ParameterArenaTest {
  private static final SessionOptions CHECKED_APART = new SessionOptions(true, false, true);

  /** The checker reports what is read but was never set, padding too. */
  private static final SessionOptions CHECKED = new SessionOptions(false, false, true);

  private static final Shape SAMPLE = Shape.of(2, 5, 5);
  private static final int CLASSES = 3;
  private static final String ADAM = "adam_step_f32";

  /** Odd sizes, so that there is padding between all of them. */
  private static final Model NET =
      new Model(
          "odd",
          SAMPLE,
          Sequential.of(
              Conv2d.of(3, 3).relu(), new Flatten(), Dense.of(7).relu(), Dense.of(CLASSES)));

  private static final Model WITH_STATISTICS =
      new Model(
          "statistics",
          SAMPLE,
          Sequential.of(
              Conv2d.of(3, 3).bias(false),
              BatchNorm.of(),
              new Flatten(),
              Dense.of(5).relu(),
              Dense.of(CLASSES)));

  @BeforeEach
  void needsTheSimulatedDevice() {
    Simulated.require();
  }

  private static Session open(SessionOptions options) {
    return SimulatedBackend.open(DeviceOptions.DEFAULT, options);
  }

  /** A training step on the states {@code x} and {@code labels}, or the forward half alone. */
  private record Step(Program program) {
    /**
     * A step.
     *
     * @param rules which optimiser updates which parameter; those in no list stay as they are
     */
    static Step of(Model model, int batch, Map<Optimizer, List<String>> rules, boolean gradients) {
      Program.Builder forward = new Program.Builder();
      Value x = forward.input("x" + batch, new TensorType(DataType.FLOAT32, batch(batch)));
      Value labels =
          forward.input("labels" + batch, new TensorType(DataType.INT32, Shape.of(batch)));
      Scope scope = Scope.training(forward, 1);
      Value scores = model.build(scope, x);
      Value loss =
          forward.addAll("loss", new SoftmaxCrossEntropy(0), List.of(scores, labels)).get(0);
      forward.output(loss);
      Program.Builder b = new Program.Builder(Fuse.apply(forward.build()));
      List<Value> trainable =
          scope.parameters().stream()
              .filter(ParameterSpec::trainable)
              .map(ParameterSpec::value)
              .filter(v -> rules.values().stream().anyMatch(names -> names.contains(v.name())))
              .toList();
      Map<Value, Value> all = Differentiate.append(b, loss, trainable);
      Value step = b.state("step", TensorType.scalar(DataType.INT64));
      Value factor = b.state("factor", TensorType.scalar(DataType.FLOAT32));
      Value rate = b.add("rate", new LearningRate(new Schedule.Constant(0.05)), step, factor);
      rules.forEach(
          (rule, names) -> {
            Map<Value, Value> part = new LinkedHashMap<>(all);
            part.keySet().removeIf(weight -> !names.contains(weight.name()));
            rule.addUpdates(b, part, step, rate);
          });
      b.update(new Increment(1), List.of(step), List.of(step));
      if (gradients) {
        all.values().forEach(b::output);
      }
      return new Step(b.build());
    }

    static Step training(Model model, int batch, Optimizer rule) {
      return of(model, batch, Map.of(rule, names(model)), false);
    }

    static Step forward(Model model, int batch) {
      Program.Builder b = new Program.Builder();
      Value x = b.input("x" + batch, new TensorType(DataType.FLOAT32, batch(batch)));
      b.output(model.build(Scope.inference(b), x));
      return new Step(Fuse.apply(b.build()));
    }
  }

  private static Shape batch(int batch) {
    return Shape.of(batch, SAMPLE.dim(0), SAMPLE.dim(1), SAMPLE.dim(2));
  }

  private static List<String> names(Model model) {
    return model.parameters().stream()
        .filter(ParameterSpec::trainable)
        .map(ParameterSpec::name)
        .toList();
  }

  private static int count(String text, String part) {
    return text.split(part, -1).length - 1;
  }

  /** Everything that stays on the device after two runs of each program, and all outputs. */
  private static Map<String, Tensor> results(
      SessionOptions options, List<Step> steps, List<Integer> launches, String kernel) {
    Map<String, Tensor> results = new LinkedHashMap<>();
    try (Session session = open(options)) {
      List<Executable> executables = new ArrayList<>();
      List<Integer> found = new ArrayList<>();
      for (Step step : steps) {
        Executable executable = session.compile(step.program());
        executables.add(executable);
        found.add(count(executable.explain(), kernel));
      }
      if (!options.apart()) {
        assertEquals(launches, found, executables.get(executables.size() - 1).explain());
      }
      List<Value> values =
          steps.stream().flatMap(step -> step.program().values().stream()).toList();
      for (Value value : values) {
        if (value.role().persistent()) {
          session.write(value, initial(value));
        }
      }
      for (int run = 0; run < 2; run++) {
        for (int i = 0; i < steps.size(); i++) {
          executables.get(i).run();
          for (Value output : steps.get(i).program().outputs()) {
            results.put(run + "/" + i + "/" + output.name(), executables.get(i).read(output));
          }
        }
      }
      for (Value value : values) {
        if (value.role().persistent()) {
          results.put(value.name(), session.read(value));
        }
      }
    }
    return results;
  }

  private static Tensor initial(Value value) {
    if (value.name().startsWith("adam.") || value.name().startsWith("sgd.")) {
      return Tensor.zeros(value.type());
    }
    SplittableRandom random = new SplittableRandom(value.name().hashCode());
    Tensor tensor = Tensor.zeros(value.type());
    for (int i = 0; i < value.shape().elements(); i++) {
      switch (value.type().dtype()) {
        case FLOAT32 -> tensor.floats()[i] = (float) random.nextDouble(0.1, 1);
        case INT32 -> tensor.ints()[i] = random.nextInt(CLASSES);
        default -> {}
      }
    }
    return tensor;
  }

  private static void check(List<Step> steps, Integer... launches) {
    check(ADAM, steps, launches);
  }

  private static void check(String kernel, List<Step> steps, Integer... launches) {
    Map<String, Tensor> together =
        results(SessionOptions.DEFAULT, steps, List.of(launches), kernel);
    assertEquals(results(CHECKED_APART, steps, List.of(), kernel), together);
    assertEquals(results(CHECKED, steps, List.of(launches), kernel), together);
  }

  @Test
  void oneLaunchUpdatesAllWeights() {
    check(List.of(Step.training(NET, 4, Adam.defaults())), 1);
  }

  @Test
  void theRuleOfMomentumToo() {
    Optimizer sgd = Sgd.defaults().momentum(0.9f);
    check("sgd_step_f32", List.of(Step.training(NET, 4, sgd)), 1);
  }

  @Test
  void runningStatisticsAreNotInBetween() {
    check(List.of(Step.training(WITH_STATISTICS, 4, Adam.defaults())), 1);
  }

  @Test
  void evaluationMayBeCompiledFirst() {
    Step training = Step.training(WITH_STATISTICS, 4, Adam.defaults());
    check(List.of(Step.forward(WITH_STATISTICS, 3), training), 0, 1);
  }

  @Test
  void aSmallerLastBatchUsesTheSameMemory() {
    Optimizer adam = Adam.defaults();
    check(List.of(Step.training(NET, 4, adam), Step.training(NET, 3, adam)), 1, 1);
  }

  /** The second program brings the first layer, whose weights then lie behind the others. */
  @Test
  void aProgramThatTrainsPartOfTheWeightsFirst() {
    List<String> last = names(NET).subList(2, names(NET).size());
    Step part = Step.of(NET, 4, Map.of(Adam.defaults(), last), false);
    Step all = Step.training(NET, 3, Adam.defaults());
    try (Session session = open(SessionOptions.DEFAULT)) {
      session.compile(part.program());
      int launches = count(session.compile(all.program()).explain(), ADAM);
      assertTrue(launches > 1 && launches < names(NET).size(), launches + " launches");
      check(List.of(part, all), 1, launches);
    }
  }

  @Test
  void aFrozenWeightInBetweenStaysAsItIs() {
    List<String> some = new ArrayList<>(names(NET));
    String frozen = some.remove(2);
    Step step = Step.of(NET, 4, Map.of(Adam.defaults(), some), false);
    check(List.of(step), 1);
    Map<String, Tensor> results = results(SessionOptions.DEFAULT, List.of(step), List.of(1), ADAM);
    Value weight =
        step.program().values().stream().filter(v -> v.name().equals(frozen)).findFirst().get();
    assertEquals(initial(weight), results.get(frozen));
  }

  /** Evaluation has laid the frozen weight between the others, where it has to be left out. */
  @Test
  void aFrozenWeightThatEvaluationHasLaidInBetween() {
    List<String> some = new ArrayList<>(names(NET));
    some.remove(2);
    Step step = Step.of(NET, 4, Map.of(Adam.defaults(), some), false);
    check(List.of(Step.forward(NET, 3), step), 0, 2);
  }

  @Test
  void everyRuleIsALaunchOfItsOwn() {
    List<String> weights = names(NET).stream().filter(n -> n.endsWith("weight")).toList();
    List<String> biases = names(NET).stream().filter(n -> n.endsWith("bias")).toList();
    Map<Optimizer, List<String>> rules = new LinkedHashMap<>();
    rules.put(Adam.defaults().betas(0.8f, 0.9f), weights);
    rules.put(Adam.defaults(), biases);
    check(List.of(Step.of(NET, 4, rules, false)), 2);
  }

  /** A gradient that is read after the run is not where the next program writes its own. */
  @Test
  void gradientsThatAreOutputsHaveMemoryOfTheirOwn() {
    Map<Optimizer, List<String>> rules = Map.of(Adam.defaults(), names(NET));
    Step seen = Step.of(NET, 4, rules, true);
    check(List.of(seen), names(NET).size());
    try (Session session = open(SessionOptions.DEFAULT)) {
      Executable first = session.compile(seen.program());
      Executable second = session.compile(Step.of(NET, 3, rules, true).program());
      for (Value value : seen.program().values()) {
        if (value.role() == Role.PARAMETER || value.role() == Role.INPUT) {
          session.write(value, initial(value));
        }
      }
      first.run();
      List<Tensor> before = seen.program().outputs().stream().map(first::read).toList();
      second.run();
      assertEquals(before, seen.program().outputs().stream().map(first::read).toList());
    }
  }

  @Test
  void explanationsSayWhatIsUpdatedTogether() {
    try (Session session = open(SessionOptions.DEFAULT)) {
      Executable step = session.compile(Step.training(NET, 4, Adam.defaults()).program());
      String line =
          step.explain().lines().filter(text -> text.contains(ADAM)).findFirst().orElseThrow();
      assertTrue(line.contains("6 updates in one launch"), line);
    }
  }
}
