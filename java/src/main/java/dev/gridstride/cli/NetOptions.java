package dev.gridstride.cli;

import dev.gridstride.data.Datasets;
import dev.gridstride.nn.Models;
import dev.gridstride.train.Recipe;
import java.nio.file.Path;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;

/** Options that say which net is trained on what and how; null where not given. */
final class NetOptions {
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
        "or can be had, otherwise Fashion-MNIST. (default: auto; where",
        "one step is looked at: synthetic, of CIFAR-10's shape)"
      })
  private String dataset;

  @Mixin private DataOption data;

  @Option(
      names = "--recipe",
      paramLabel = "NAME",
      description = {
        "article: Adam at a constant 0.001, images scaled to [0, 1];",
        "tuned: batch normalisation, normalised and moved images,",
        "warm-up and decay. (default: article)"
      })
  private String recipe;

  @Option(names = "--batch", paramLabel = "N", description = "Images a step. (default: 64)")
  private Integer batch;

  /** Wrong usage if a name is unknown or a number too small. */
  void check(CommandSpec spec) {
    Choices.check(spec, "--model", model, Models.names());
    Choices.check(spec, "--dataset", dataset, Datasets.names());
    Choices.check(spec, "--recipe", recipe, Recipe.all().stream().map(Recipe::name).toList());
    Choices.atLeastOne(spec, "--batch", batch);
  }

  String model(String otherwise) {
    return model == null ? otherwise : model;
  }

  String dataset(String otherwise) {
    return dataset == null ? otherwise : dataset;
  }

  /** Looked in first for the data; null if not given. */
  Path data() {
    return data.folder();
  }

  String recipe(String otherwise) {
    return recipe == null ? otherwise : recipe;
  }

  int batch(int otherwise) {
    return batch == null ? otherwise : batch;
  }
}
