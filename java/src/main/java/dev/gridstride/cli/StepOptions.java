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
import java.util.Locale;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** Options that say which training step to look at. */
final class StepOptions {
  /** What schedules of the learning rate are laid out for; it is not looked at here. */
  private static final long STEPS_OF_A_RUN = 10_000;

  @Spec(Spec.Target.MIXEE)
  private CommandSpec spec;

  @Mixin private NetOptions net;

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
    net.check(spec);
  }

  /** Loads the data and sets the net up. */
  Training training(Backends.Choice choice, Terminal terminal) {
    Datasets.Options how = Datasets.Options.defaults().withProgress(new FetchProgress(terminal));
    LoadedData loaded = Datasets.load(net.dataset("synthetic"), net.data(), how);
    terminal.out().println(loaded.explanation());
    Dataset train = loaded.train();
    Recipe recipe = Recipe.of(net.recipe(TrainSettings.DEFAULT.recipe()));
    int batch = net.batch(TrainSettings.DEFAULT.batch());
    Model model =
        Models.create(
            net.model(TrainSettings.DEFAULT.model()),
            train.sampleShape(),
            train.classes(),
            new Models.Options(recipe.batchNorm()));
    Trainer trainer =
        Trainer.builder(model, choice.session())
            .loss(recipe.loss())
            .optimizer(recipe.optimizer(STEPS_OF_A_RUN))
            .augmentation(recipe.augmentation(train))
            .batch(batch)
            .seed(1)
            .build();
    Precision precision = choice.options().precision();
    return new Training(trainer, train, recipe.name(), precision, Math.min(batch, train.size()));
  }
}
