package dev.gridstride.cli;

import dev.gridstride.data.Datasets;
import dev.gridstride.nn.Models;
import dev.gridstride.optim.Optimizers;
import dev.gridstride.optim.Schedules;
import dev.gridstride.train.Recipe;
import java.nio.file.Path;
import java.util.List;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Options that decide the course of a training run; null where not given. */
final class TrainOptions {
  @Spec(Spec.Target.MIXEE)
  private CommandSpec spec;

  @Option(
      names = "--model",
      paramLabel = "NAME",
      description = {
        "cifar10-cnn: the reference net, shaped to the data set;",
        "mlp: the article's dense net; resnet8: a small residual net.",
        "(default: cifar10-cnn)"
      })
  private String model;

  @Option(
      names = "--dataset",
      paramLabel = "NAME",
      description = {
        "auto, cifar10, cifar100, mnist, fashion-mnist, synthetic,",
        "folder or npy (in --data). auto is CIFAR-10 if it is found",
        "or can be had, otherwise Fashion-MNIST. (default: auto)"
      })
  private String dataset;

  @Option(
      names = "--data",
      paramLabel = "DIR",
      description = "The data set's folder or its parent, looked in first.")
  private Path data;

  @Option(
      names = "--image-size",
      paramLabel = "N",
      description = "Bring images of a folder to N x N pixels. (default: as they are)")
  private Integer imageSize;

  @Option(
      names = "--recipe",
      paramLabel = "NAME",
      description = {
        "article: Adam at a constant 0.001, images scaled to [0, 1];",
        "tuned: batch normalisation, normalised and moved images,",
        "warm-up and decay. (default: article)"
      })
  private String recipe;

  @Option(
      names = "--epochs",
      paramLabel = "N",
      description = {"Epochs in all, those before a resume included.", "(default: 10)"})
  private Integer epochs;

  @Option(names = "--batch", paramLabel = "N", description = "Images a step. (default: 64)")
  private Integer batch;

  @Option(
      names = "--steps-per-launch",
      paramLabel = "N",
      description = {
        "Hand N steps to the device at once: faster where steps are",
        "short, with the same results. (default: 1)"
      })
  private Integer stepsPerLaunch;

  @Option(
      names = "--seed",
      paramLabel = "N",
      description = "Of weights, shuffle and everything random. (default: 1)")
  private Long seed;

  @Option(
      names = "--limit",
      paramLabel = "N",
      description = "Only the first N training images, after the split.")
  private Integer limit;

  @Option(
      names = "--validation-split",
      paramLabel = "F",
      description = {
        "Keep this share of the training images for validation after",
        "each epoch. Without it, the test images are used, as the",
        "article does."
      })
  private Double validationSplit;

  @Option(
      names = "--optimizer",
      paramLabel = "NAME",
      description = "adam, adamw, sgd or nesterov. (default: the recipe's)")
  private String optimizer;

  @Option(
      names = "--schedule",
      paramLabel = "NAME",
      description = {
        "Learning rate: constant, step, cosine or linear, with",
        "warmup- before it for a warm-up. (default: the recipe's)"
      })
  private String schedule;

  @Option(
      names = "--learning-rate",
      paramLabel = "X",
      description = "Highest learning rate. (default: the recipe's)")
  private Double learningRate;

  /** The options that were given, and for the others the settings of {@code base}. */
  TrainSettings over(TrainSettings base, DeviceOptions device) {
    check();
    return new TrainSettings(
        model == null ? base.model() : model,
        dataset == null ? base.dataset() : dataset,
        data == null ? base.data() : data.toAbsolutePath().normalize().toString(),
        imageSize == null ? base.imageSize() : imageSize,
        recipe == null ? base.recipe() : recipe,
        epochs == null ? base.epochs() : epochs,
        batch == null ? base.batch() : batch,
        stepsPerLaunch == null ? base.stepsPerLaunch() : stepsPerLaunch,
        device.precision(base.precision()),
        device.implementations(base.implementations()),
        seed == null ? base.seed() : seed,
        limit == null ? base.limit() : limit,
        validationSplit == null ? base.validationSplit() : validationSplit,
        optimizer == null ? base.optimizer() : optimizer,
        schedule == null ? base.schedule() : schedule,
        learningRate == null ? base.learningRate() : learningRate);
  }

  private void check() {
    choice("--model", model, Models.names());
    choice("--dataset", dataset, Datasets.names());
    choice("--recipe", recipe, Recipe.all().stream().map(Recipe::name).toList());
    choice("--optimizer", optimizer, Optimizers.names());
    choice("--schedule", schedule, Schedules.names());
    Choices.atLeastOne(spec, "--epochs", epochs);
    Choices.atLeastOne(spec, "--batch", batch);
    Choices.atLeastOne(spec, "--steps-per-launch", stepsPerLaunch);
    Choices.atLeastOne(spec, "--limit", limit);
    Choices.atLeastOne(spec, "--image-size", imageSize);
    if (validationSplit != null && !(validationSplit > 0 && validationSplit < 1)) {
      throw new ParameterException(
          spec.commandLine(),
          "--validation-split must be above 0 and below 1, got " + validationSplit);
    }
    if (learningRate != null && !(learningRate > 0 && Double.isFinite(learningRate))) {
      throw new ParameterException(
          spec.commandLine(), "--learning-rate must be above 0, got " + learningRate);
    }
  }

  private void choice(String option, String value, List<String> known) {
    if (value != null) {
      Choices.check(spec, option, value, known);
    }
  }
}
