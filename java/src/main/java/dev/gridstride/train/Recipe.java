package dev.gridstride.train;

import dev.gridstride.data.ChannelStatistics;
import dev.gridstride.data.Dataset;
import dev.gridstride.optim.Optimizer;
import dev.gridstride.optim.Optimizers;
import dev.gridstride.optim.Schedules;
import dev.gridstride.program.op.Augmentation;
import java.util.List;
import java.util.stream.Collectors;

/**
 * A way to train an image classifier: what is added to the net, what happens to the images, and how
 * the learning rate goes. The loss is categorical cross-entropy.
 *
 * @param name what users call it
 * @param summary one line for the help
 * @param batchNorm whether each convolution is followed by batch normalisation
 * @param normalise whether channels are brought to mean 0 and standard deviation 1 of the training
 *     set; otherwise bytes are only scaled to [0, 1]
 * @param flip horizontal mirroring of training images
 * @param shift most pixels of a random translation of training images
 * @param cutout side of the square cut out of training images
 * @param labelSmoothing share of a label spread over all classes
 * @param optimizer the update rule by name, see {@link Optimizers}
 * @param schedule of the learning rate by name, see {@link Schedules}
 * @param learningRate highest learning rate
 */
public record Recipe(
    String name,
    String summary,
    boolean batchNorm,
    boolean normalise,
    Augmentation.Flip flip,
    int shift,
    int cutout,
    float labelSmoothing,
    String optimizer,
    String schedule,
    double learningRate) {

  /** The article's: Adam at a constant 0.001, images scaled to [0, 1], nothing else. */
  public static final Recipe ARTICLE =
      new Recipe(
          "article",
          "the article's: Adam at a constant 0.001, images scaled to [0, 1]",
          false,
          false,
          Augmentation.Flip.NONE,
          0,
          0,
          0f,
          "adam",
          "constant",
          0.001);

  /** Our own: the same layers with batch normalisation, moved images, and a schedule. */
  public static final Recipe TUNED =
      new Recipe(
          "tuned",
          "batch normalisation, normalised, mirrored and shifted images, warm-up and linear decay",
          true,
          true,
          Augmentation.Flip.ALTERNATING,
          2,
          0,
          0f,
          "adam",
          "warmup-linear",
          0.003);

  /** All recipes. */
  public static List<Recipe> all() {
    return List.of(ARTICLE, TUNED);
  }

  /**
   * The recipe of this name.
   *
   * @throws TrainingException if there is none
   */
  public static Recipe of(String name) {
    return all().stream()
        .filter(recipe -> recipe.name.equals(name))
        .findFirst()
        .orElseThrow(
            () ->
                new TrainingException(
                    "unknown recipe "
                        + name
                        + "; known: "
                        + all().stream().map(Recipe::name).collect(Collectors.joining(", "))));
  }

  /**
   * This with another optimizer, schedule or learning rate.
   *
   * @param otherOptimizer by name, or null for this one's
   * @param otherSchedule by name, or null for this one's
   * @param rate highest learning rate, or null for this one's
   */
  public Recipe with(String otherOptimizer, String otherSchedule, Double rate) {
    return new Recipe(
        name,
        summary,
        batchNorm,
        normalise,
        flip,
        shift,
        cutout,
        labelSmoothing,
        otherOptimizer == null ? optimizer : otherOptimizer,
        otherSchedule == null ? schedule : otherSchedule,
        rate == null ? learningRate : rate);
  }

  /** The loss. */
  public Loss loss() {
    return new Loss.CategoricalCrossEntropy(labelSmoothing);
  }

  /** What happens to images of this training set. */
  public Augmentation augmentation(Dataset train) {
    if (!normalise) {
      return new Augmentation(List.of(), List.of(), flip, shift, cutout);
    }
    ChannelStatistics statistics = ChannelStatistics.of(train);
    return new Augmentation(statistics.mean(), statistics.std(), flip, shift, cutout);
  }

  /**
   * The optimizer with its schedule.
   *
   * @param steps of the whole training
   */
  public Optimizer optimizer(long steps) {
    return Optimizers.create(optimizer).schedule(Schedules.create(schedule, learningRate, steps));
  }
}
