package dev.gridstride.cli;

import dev.gridstride.backend.Backends;
import dev.gridstride.backend.Precision;
import dev.gridstride.backend.Session;
import dev.gridstride.data.DataException;
import dev.gridstride.data.Images;
import dev.gridstride.metrics.TopK;
import dev.gridstride.nn.SavedModel;
import dev.gridstride.program.Shape;
import dev.gridstride.program.Tensor;
import dev.gridstride.train.Trainer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code gridstride predict}. */
@Command(
    name = "predict",
    mixinStandardHelpOptions = true,
    versionProvider = Version.class,
    sortOptions = false,
    description = {
      "Says what a trained model sees in images: the most likely classes with probabilities.",
      "",
      "Images are brought to the model's size: the shorter side resized, the rest cut off evenly."
    },
    footer = {
      "",
      "Examples:",
      "  gridstride predict cat.jpg",
      "  gridstride predict --model-dir run3 --top 3 photos/ dog.png"
    })
final class PredictCommand implements Callable<Integer> {
  private static final int BATCH = 64;

  private final Terminal terminal;

  @Spec private CommandSpec spec;
  @Mixin private SavedRun run;

  @Parameters(
      paramLabel = "IMAGE",
      arity = "1..*",
      description = "A JPEG or PNG file, or a folder of them.")
  private List<Path> images;

  @Option(
      names = "--top",
      paramLabel = "K",
      defaultValue = "5",
      description = "How many classes to print. (default: ${DEFAULT-VALUE})")
  private int top;

  @Mixin private DeviceOptions device;

  @Mixin private JsonOption json;

  private int unreadable;

  PredictCommand(Terminal terminal) {
    this.terminal = terminal;
  }

  @Override
  public Integer call() {
    Choices.atLeastOne(spec, "--top", top);
    json.check();
    SavedModel saved = run.model();
    List<Path> files = new ArrayList<>();
    images.forEach(image -> files.addAll(Images.files(image)));
    Report report = new Report().put("model", saved.model().name());
    Backends.Choice choice = device.open();
    try (Session session = choice.session()) {
      terminal.out().println(choice.reason());
      report
          .put("device", session.description())
          .put("precision", device.precision(Precision.FLOAT32).toString());
      Trainer trainer = run.trainer(saved, session, BATCH);
      ImplementationLine implementations =
          new ImplementationLine(session, choice.options().implementations(), terminal.out());
      for (int from = 0; from < files.size(); from += BATCH) {
        predict(saved, trainer, files.subList(from, Math.min(from + BATCH, files.size())), report);
        implementations.say();
      }
      report.implementations(choice.options().implementations(), implementations.said());
    }
    report.write(json.file());
    return unreadable == 0 ? Main.OK : Main.FAILED;
  }

  private void predict(SavedModel saved, Trainer trainer, List<Path> files, Report report) {
    Shape shape = saved.model().inputShape();
    int bytes = Math.toIntExact(shape.elements());
    byte[] batch = new byte[files.size() * bytes];
    List<Path> readable = new ArrayList<>();
    for (Path file : files) {
      try {
        byte[] image = Images.read(file, shape).bytes();
        System.arraycopy(image, 0, batch, readable.size() * bytes, bytes);
        readable.add(file);
      } catch (DataException e) {
        unreadable++;
        terminal.err().println("gridstride: " + e.getMessage());
      }
    }
    if (readable.isEmpty()) {
      return;
    }
    int[] dims = shape.dims();
    Tensor samples =
        Tensor.of(
            Shape.of(readable.size(), dims[0], dims[1], dims[2]),
            Arrays.copyOf(batch, readable.size() * bytes));
    Tensor scores = trainer.predict(samples);
    for (int row = 0; row < readable.size(); row++) {
      print(saved, readable.get(row), scores, row, report);
    }
  }

  private void print(SavedModel saved, Path file, Tensor scores, int row, Report report) {
    int classes = saved.classNames().size();
    List<String> names = new ArrayList<>();
    List<Double> probabilities = new ArrayList<>();
    StringBuilder line = new StringBuilder(file + ":");
    for (int c : TopK.best(scores, row, Math.min(top, classes))) {
      double probability = scores.floats()[row * classes + c];
      names.add(saved.classNames().get(c));
      probabilities.add(probability);
      line.append(names.size() == 1 ? " " : ", ").append(saved.classNames().get(c));
      line.append(String.format(Locale.ROOT, " %.1f %%", 100 * probability));
    }
    terminal.out().println(line);
    report.prediction(file, names, probabilities);
  }
}
