package dev.gridstride.cli;

import dev.gridstride.optim.Optimizers;
import dev.gridstride.optim.Schedules;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Options that decide the course of a training run; null where not given. */
final class TrainOptions {
  @Spec(Spec.Target.MIXEE)
  private CommandSpec spec;

  @Mixin private NetOptions net;

  @Option(
      names = "--image-size",
      paramLabel = "N",
      description = "Bring images of a folder to N x N pixels. (default: as they are)")
  private Integer imageSize;

  @Option(
      names = "--epochs",
      paramLabel = "N",
      description = {"Epochs in all, those before a resume included.", "(default: 10)"})
  private Integer epochs;

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
        net.model(base.model()),
        net.dataset(base.dataset()),
        net.data() == null ? base.data() : net.data().toAbsolutePath().normalize().toString(),
        imageSize == null ? base.imageSize() : imageSize,
        net.recipe(base.recipe()),
        epochs == null ? base.epochs() : epochs,
        net.batch(base.batch()),
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
    net.check(spec);
    Choices.check(spec, "--optimizer", optimizer, Optimizers.names());
    Choices.check(spec, "--schedule", schedule, Schedules.names());
    Choices.atLeastOne(spec, "--epochs", epochs);
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
}
