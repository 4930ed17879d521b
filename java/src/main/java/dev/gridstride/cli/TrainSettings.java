package dev.gridstride.cli;

import dev.gridstride.backend.ImplementationChoice;
import dev.gridstride.backend.Precision;
import dev.gridstride.nn.Models;
import dev.gridstride.train.Recipe;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * What decides the course of a training run. Kept in its checkpoints, so that a resumed run needs
 * none of these options again.
 *
 * @param model name of the net
 * @param dataset name of the data set
 * @param data folder of the data, or empty
 * @param imageSize side of the images of a folder, or 0 for their own
 * @param recipe name of the recipe
 * @param epochs in all
 * @param batch samples a step
 * @param stepsPerLaunch steps handed to the device at once
 * @param precision of convolutions and matrix products
 * @param implementations who computes which op
 * @param seed of everything random
 * @param limit most training samples; 0 for all
 * @param validationSplit share of the training samples used for validation; 0 for the test images
 * @param optimizer name, or empty for the recipe's
 * @param schedule name, or empty for the recipe's
 * @param learningRate or 0 for the recipe's
 */
record TrainSettings(
    String model,
    String dataset,
    String data,
    int imageSize,
    String recipe,
    int epochs,
    int batch,
    int stepsPerLaunch,
    Precision precision,
    ImplementationChoice implementations,
    long seed,
    int limit,
    double validationSplit,
    String optimizer,
    String schedule,
    double learningRate) {
  static final TrainSettings DEFAULT =
      new TrainSettings(
          Models.CIFAR10_CNN,
          "auto",
          "",
          0,
          Recipe.ARTICLE.name(),
          10,
          64,
          1,
          Precision.FLOAT32,
          ImplementationChoice.DEFAULT,
          1,
          0,
          0,
          "",
          "",
          0);

  /** What {@link #toMap} gave. */
  static TrainSettings of(Map<String, String> map) {
    return new TrainSettings(
        map.getOrDefault("model", DEFAULT.model),
        map.getOrDefault("dataset", DEFAULT.dataset),
        map.getOrDefault("data", DEFAULT.data),
        Integer.parseInt(map.getOrDefault("image_size", "" + DEFAULT.imageSize)),
        map.getOrDefault("recipe", DEFAULT.recipe),
        Integer.parseInt(map.getOrDefault("epochs", "" + DEFAULT.epochs)),
        Integer.parseInt(map.getOrDefault("batch", "" + DEFAULT.batch)),
        Integer.parseInt(map.getOrDefault("steps_per_launch", "" + DEFAULT.stepsPerLaunch)),
        Precision.of(map.getOrDefault("precision", "" + DEFAULT.precision)),
        ImplementationChoice.parse(
            map.getOrDefault("implementations", "" + DEFAULT.implementations)),
        Long.parseLong(map.getOrDefault("seed", "" + DEFAULT.seed)),
        Integer.parseInt(map.getOrDefault("limit", "" + DEFAULT.limit)),
        Double.parseDouble(map.getOrDefault("validation_split", "" + DEFAULT.validationSplit)),
        map.getOrDefault("optimizer", DEFAULT.optimizer),
        map.getOrDefault("schedule", DEFAULT.schedule),
        Double.parseDouble(map.getOrDefault("learning_rate", "" + DEFAULT.learningRate)));
  }

  Map<String, String> toMap() {
    Map<String, String> map = new LinkedHashMap<>();
    map.put("model", model);
    map.put("dataset", dataset);
    map.put("data", data);
    map.put("image_size", "" + imageSize);
    map.put("recipe", recipe);
    map.put("epochs", "" + epochs);
    map.put("batch", "" + batch);
    map.put("steps_per_launch", "" + stepsPerLaunch);
    map.put("precision", "" + precision);
    map.put("implementations", "" + implementations);
    map.put("seed", "" + seed);
    map.put("limit", "" + limit);
    map.put("validation_split", "" + validationSplit);
    map.put("optimizer", optimizer);
    map.put("schedule", schedule);
    map.put("learning_rate", "" + learningRate);
    return map;
  }

  /** The recipe with what these settings change of it. */
  Recipe fullRecipe() {
    return Recipe.of(recipe)
        .with(
            optimizer.isEmpty() ? null : optimizer,
            schedule.isEmpty() ? null : schedule,
            learningRate == 0 ? null : learningRate);
  }
}
