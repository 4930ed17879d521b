package dev.gridstride.bench;

import dev.gridstride.backend.Backends;
import dev.gridstride.backend.Executable;
import dev.gridstride.backend.Session;
import dev.gridstride.data.Dataset;
import dev.gridstride.data.Datasets;
import dev.gridstride.nn.Model;
import dev.gridstride.nn.Models;
import dev.gridstride.program.Shape;
import dev.gridstride.train.Recipe;
import dev.gridstride.train.Trainer;

/** The training step of the reference job on synthetic images of CIFAR-10's shape. */
final class ReferenceJob implements AutoCloseable {
  private final Session session;
  private final Dataset data;
  private final Trainer trainer;
  private final Executable step;

  ReferenceJob(String device, int threads, int batch, String recipeName) {
    Recipe recipe = Recipe.of(recipeName);
    data = Datasets.load("synthetic", null, Datasets.Options.defaults()).train();
    Model model =
        Models.create(
            "cifar10-cnn", Shape.of(3, 32, 32), 10, new Models.Options(recipe.batchNorm()));
    session = Backends.open(device, threads).session();
    trainer =
        Trainer.builder(model, session)
            .optimizer(recipe.optimizer(10_000))
            .augmentation(recipe.augmentation(data))
            .batch(batch)
            .seed(1)
            .build();
    step = compile();
  }

  /** The step once more. */
  Executable compile() {
    return trainer.trainingStep(data);
  }

  Executable step() {
    return step;
  }

  String device() {
    return session.description();
  }

  @Override
  public void close() {
    session.close();
  }
}
