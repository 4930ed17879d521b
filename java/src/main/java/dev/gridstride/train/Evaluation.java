package dev.gridstride.train;

import dev.gridstride.metrics.ConfusionMatrix;

/**
 * How a model did on a data set.
 *
 * @param samples how many
 * @param loss mean over the samples, penalties included, without label smoothing
 * @param accuracy share of samples whose highest score is the label; NaN unless classification
 * @param topK the k of {@code topAccuracy}: 5, or the number of classes if that is less
 * @param topAccuracy share of samples whose label is among the k highest scores; NaN unless
 *     classification
 * @param confusion counts of true and predicted classes; null unless classification
 */
public record Evaluation(
    int samples,
    double loss,
    double accuracy,
    int topK,
    double topAccuracy,
    ConfusionMatrix confusion) {}
