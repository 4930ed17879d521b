package dev.gridstride.cli;

import dev.gridstride.backend.Backends;
import dev.gridstride.backend.Executable;
import dev.gridstride.backend.Precision;
import dev.gridstride.data.Dataset;
import dev.gridstride.data.Datasets;
import dev.gridstride.data.LoadedData;
import dev.gridstride.nn.Model;
import dev.gridstride.nn.Models;
import dev.gridstride.train.Recipe;
import dev.gridstride.train.Trainer;
import java.nio.file.Path;
import java.util.Locale;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Options that say which training step to look at. */
final class StepOptions {
  /** What schedules of the learning rate are laid out for; it is not looked at here. */
  private static final long STEPS_OF_A_RUN = 10_000;

  @Spec(Spec.Target.MIXEE)
  private CommandSpec spec;

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

  @Option(
      names = "--batch",
      paramLabel = "N",
      defaultValue = "64",
      description = "Images a step. (default: ${DEFAULT-VALUE})")
  private int batch;

  /** A net with its data, ready to be compiled. */
  record Training(Trainer trainer, Dataset data, String recipe, Precision precision, int batch) {
    /** The step; the caller closes it. */
    Executable compile() {
      return trainer.trainingStep(data);
    }

    void addTo(Report report) {
      report
          .put("model", trainer.model().name())
          .put("parameters", trainer.model().parameterCount())
          .put("dataset", data.name())
          .put("recipe", recipe)
          .put("precision", precision.toString())
          .put("batch", batch);
    }

    /** For example {@code model: mlp, 1,234 parameters; recipe article, float32, batch 64}. */
    @Override
    public String toString() {
      return String.format(
          Locale.ROOT,
          "model: %s, %,d parameters; recipe %s, %s, batch %d",
          trainer.model().name(),
          trainer.model().parameterCount(),
          recipe,
          precision,
          batch);
    }
  }

  /** Wrong usage if a name is unknown or a number too small. */
  void check() {
    Choices.check(spec, "--model", model, Models.names());
    Choices.check(spec, "--dataset", dataset, Datasets.names());
    Choices.check(spec, "--recipe", recipe, Recipe.all().stream().map(Recipe::name).toList());
    Choices.atLeastOne(spec, "--batch", batch);
  }

  /** Loads the data and sets the net up. */
  Training training(Backends.Choice choice, Terminal terminal) {
    Datasets.Options how = Datasets.Options.defaults().withProgress(new FetchProgress(terminal));
    LoadedData loaded = Datasets.load(dataset, data, how);
    terminal.out().println(loaded.explanation());
    Dataset train = loaded.train();
    Recipe settings = Recipe.of(recipe);
    Model net =
        Models.create(
            model, train.sampleShape(), train.classes(), new Models.Options(settings.batchNorm()));
    Trainer trainer =
        Trainer.builder(net, choice.session())
            .loss(settings.loss())
            .optimizer(settings.optimizer(STEPS_OF_A_RUN))
            .augmentation(settings.augmentation(train))
            .batch(batch)
            .seed(1)
            .build();
    Precision precision = choice.options().precision();
    return new Training(trainer, train, recipe, precision, Math.min(batch, train.size()));
  }
}
