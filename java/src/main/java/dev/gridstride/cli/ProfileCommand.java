package dev.gridstride.cli;

import dev.gridstride.backend.Backends;
import dev.gridstride.backend.Executable;
import dev.gridstride.backend.Precision;
import dev.gridstride.backend.Session;
import dev.gridstride.data.Dataset;
import dev.gridstride.data.Datasets;
import dev.gridstride.data.LoadedData;
import dev.gridstride.files.AtomicFiles;
import dev.gridstride.nn.Model;
import dev.gridstride.nn.Models;
import dev.gridstride.train.Recipe;
import dev.gridstride.train.Trainer;
import java.nio.file.Path;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code gridstride profile}. */
@Command(
    name = "profile",
    mixinStandardHelpOptions = true,
    versionProvider = Version.class,
    sortOptions = false,
    description = {
      "Shows where the time of a training step goes: by op, by kernel and by phase.",
      "",
      "On a card kernels are timed by events between plain launches, since events in a graph that",
      "is replayed cannot be read; the step as training runs it, one launch of a graph, is timed",
      "as a whole beside them. On the CPU a clock is read before and after each step."
    },
    footer = {
      "",
      "Examples:",
      "  gridstride profile",
      "  gridstride profile --device cuda:1 --batch 256 --json profile.json"
    })
final class ProfileCommand implements Callable<Integer> {
  private final Terminal terminal;

  @Spec private CommandSpec spec;

  @Option(
      names = "--model",
      paramLabel = "NAME",
      defaultValue = Models.CIFAR10_CNN,
      description = "As of train. (default: ${DEFAULT-VALUE})")
  private String model;

  @Option(
      names = "--dataset",
      paramLabel = "NAME",
      defaultValue = "synthetic",
      description = "As of train. (default: ${DEFAULT-VALUE}, of CIFAR-10's shape)")
  private String dataset;

  @Option(
      names = "--data",
      paramLabel = "DIR",
      description = "The data set's folder or its parent, looked in first.")
  private Path data;

  @Option(
      names = "--recipe",
      paramLabel = "NAME",
      defaultValue = "article",
      description = "As of train. (default: ${DEFAULT-VALUE})")
  private String recipe;

  @Mixin private DeviceOptions device;

  @Option(
      names = "--batch",
      paramLabel = "N",
      defaultValue = "64",
      description = "Images a step. (default: ${DEFAULT-VALUE})")
  private int batch;

  @Option(
      names = "--steps",
      paramLabel = "N",
      defaultValue = "20",
      description = "Steps that are timed, after as many to warm up. (default: ${DEFAULT-VALUE})")
  private int steps;

  @Option(
      names = "--json",
      paramLabel = "FILE",
      description = "Write the figures as JSON; times in microseconds a step.")
  private Path json;

  ProfileCommand(Terminal terminal) {
    this.terminal = terminal;
  }

  @Override
  public Integer call() {
    Choices.check(spec, "--model", model, Models.names());
    Choices.check(spec, "--dataset", dataset, Datasets.names());
    Choices.check(spec, "--recipe", recipe, Recipe.all().stream().map(Recipe::name).toList());
    Choices.atLeastOne(spec, "--batch", batch);
    Choices.atLeastOne(spec, "--steps", steps);
    if (json != null) {
      AtomicFiles.check(json);
    }
    Backends.Choice choice = device.open();
    try (Session session = choice.session()) {
      terminal.out().println(choice.reason());
      profile(session);
    }
    return Main.OK;
  }

  private void profile(Session session) {
    Datasets.Options how = Datasets.Options.defaults().withProgress(new FetchProgress(terminal));
    LoadedData loaded = Datasets.load(dataset, data, how);
    terminal.out().println(loaded.explanation());
    Dataset train = loaded.train();
    Recipe settings = Recipe.of(recipe);
    Model net =
        Models.create(
            model, train.sampleShape(), train.classes(), new Models.Options(settings.batchNorm()));
    Trainer trainer =
        Trainer.builder(net, session)
            .loss(settings.loss())
            .optimizer(settings.optimizer(10_000))
            .augmentation(settings.augmentation(train))
            .batch(batch)
            .seed(1)
            .build();
    int samples = Math.min(batch, train.size());
    Precision precision = device.precision(Precision.FLOAT32);
    try (Executable step = trainer.trainingStep(train)) {
      step.run(steps);
      ProfileReport report = new ProfileReport(step.profile(steps), samples);
      terminal
          .out()
          .println(
              String.format(
                  Locale.ROOT,
                  "model: %s, %,d parameters; recipe %s, %s, batch %d, mean of %d steps",
                  net.name(),
                  net.parameterCount(),
                  recipe,
                  precision,
                  samples,
                  steps));
      report.print(terminal.out());
      Report file =
          new Report()
              .put("device", session.description())
              .put("model", net.name())
              .put("parameters", net.parameterCount())
              .put("dataset", train.name())
              .put("recipe", recipe)
              .put("precision", precision.toString())
              .put("batch", samples)
              .put("steps", steps);
      report.addTo(file).write(json);
    }
  }
}
