package dev.gridstride.cli;

import dev.gridstride.backend.Backends;
import dev.gridstride.backend.Precision;
import dev.gridstride.backend.Session;
import dev.gridstride.data.Dataset;
import dev.gridstride.data.Datasets;
import dev.gridstride.data.LoadedData;
import dev.gridstride.nn.SavedModel;
import dev.gridstride.program.Shape;
import dev.gridstride.program.Size2d;
import dev.gridstride.train.Checkpoint;
import dev.gridstride.train.Evaluation;
import dev.gridstride.train.TrainingException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code gridstride evaluate}. */
@Command(
    name = "evaluate",
    mixinStandardHelpOptions = true,
    versionProvider = Version.class,
    sortOptions = false,
    description = "Tests a trained model on the test images of a data set.",
    footer = {
      "",
      "Examples:",
      "  gridstride evaluate",
      "  gridstride evaluate --model-dir run3 --dataset cifar10 --json test.json"
    })
final class EvaluateCommand implements Callable<Integer> {
  private final Terminal terminal;

  @Spec private CommandSpec spec;
  @Mixin private SavedRun run;

  @Option(
      names = "--dataset",
      paramLabel = "NAME",
      description = "As of train. (default: the one the model was trained on)")
  private String dataset;

  @Mixin private DataOption data;
  @Mixin private DeviceOptions device;

  @Option(
      names = "--batch",
      paramLabel = "N",
      defaultValue = "64",
      description = "Images at a time; no influence on the result. (default: ${DEFAULT-VALUE})")
  private int batch;

  @Option(names = "--limit", paramLabel = "N", description = "Only the first N test images.")
  private Integer limit;

  @Mixin private JsonOption json;

  EvaluateCommand(Terminal terminal) {
    this.terminal = terminal;
  }

  @Override
  public Integer call() {
    Choices.atLeastOne(spec, "--batch", batch);
    Choices.atLeastOne(spec, "--limit", limit);
    Choices.check(spec, "--dataset", dataset, Datasets.names());
    json.check();
    SavedModel saved = run.model();
    Backends.Choice choice = device.open();
    try (Session session = choice.session()) {
      terminal.out().println(choice.reason());
      Dataset test = load(saved);
      checkFits(saved, test);
      Evaluation result = run.trainer(saved, session, batch).evaluate(test);
      new DataLine(session, terminal.out()).say();
      ImplementationLine implementations =
          new ImplementationLine(session, choice.options().implementations(), terminal.out());
      implementations.say();
      terminal.out().print(result.confusion().table(saved.classNames()));
      terminal.out().println(Results.line(result));
      new Report()
          .put("device", session.description())
          .put("precision", device.precision(Precision.FLOAT32).toString())
          .implementations(choice.options().implementations(), implementations.said())
          .put("dataset", test.name())
          .put("model", saved.model().name())
          .put("parameters", saved.model().parameterCount())
          .test(result, saved.classNames())
          .write(json.file());
    }
    return Main.OK;
  }

  private Dataset load(SavedModel saved) {
    TrainSettings trained = TrainSettings.DEFAULT;
    if (dataset == null && Files.exists(run.folder().checkpoint())) {
      trained = TrainSettings.of(Checkpoint.info(run.folder().checkpoint()).settings());
    }
    String name = dataset == null ? trained.dataset() : dataset;
    Path folder = trained.data().isEmpty() ? null : Path.of(trained.data());
    Datasets.Options how =
        Datasets.Options.defaults()
            .withSeed(trained.seed())
            .withProgress(new FetchProgress(terminal));
    Shape shape = saved.model().inputShape();
    if (shape.rank() == 3) {
      how = how.withImageSize(new Size2d(shape.dim(1), shape.dim(2)));
    }
    LoadedData loaded = Datasets.load(name, data.folder() == null ? folder : data.folder(), how);
    terminal.out().println(loaded.explanation());
    return limit == null ? loaded.test() : loaded.test().limit(limit);
  }

  private static void checkFits(SavedModel saved, Dataset test) {
    Shape shape = saved.model().inputShape();
    if (!test.sampleShape().equals(shape) || test.classes() != saved.model().classes()) {
      throw new TrainingException(
          "the model does not fit the data: "
              + saved.model().name()
              + " was trained on samples "
              + shape
              + " of "
              + saved.model().classes()
              + " classes, "
              + test.name()
              + " has "
              + test.sampleShape()
              + " of "
              + test.classes()
              + "; name another --dataset or --model-dir");
    }
  }
}
