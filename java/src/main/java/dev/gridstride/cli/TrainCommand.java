package dev.gridstride.cli;

import dev.gridstride.backend.BackendException;
import dev.gridstride.backend.Backends;
import dev.gridstride.backend.ImplementationChoice;
import dev.gridstride.backend.Session;
import dev.gridstride.data.Dataset;
import dev.gridstride.data.Datasets;
import dev.gridstride.data.LoadedData;
import dev.gridstride.data.Split;
import dev.gridstride.nn.Model;
import dev.gridstride.nn.Models;
import dev.gridstride.nn.Preprocessing;
import dev.gridstride.nn.SavedModel;
import dev.gridstride.program.Size2d;
import dev.gridstride.program.op.Augmentation;
import dev.gridstride.train.BestModel;
import dev.gridstride.train.Callback;
import dev.gridstride.train.Checkpoint;
import dev.gridstride.train.CheckpointInfo;
import dev.gridstride.train.CsvLog;
import dev.gridstride.train.EarlyStopping;
import dev.gridstride.train.Evaluation;
import dev.gridstride.train.History;
import dev.gridstride.train.Monitor;
import dev.gridstride.train.PlainProgress;
import dev.gridstride.train.ProgressLine;
import dev.gridstride.train.Recipe;
import dev.gridstride.train.SaveCheckpoint;
import dev.gridstride.train.Trainer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code gridstride train}. */
@Command(
    name = "train",
    mixinStandardHelpOptions = true,
    versionProvider = Version.class,
    sortOptions = false,
    description = {
      "Trains a net on images, tests it, and saves it.",
      "",
      "Without options: the reference CNN, 10 epochs of the article's recipe."
    },
    footer = {
      "",
      "DIR of --out receives model.safetensors (weights), model.json (architecture, class names,",
      "normalisation), checkpoint/ (for --resume) and history.csv; with --validation-split also",
      "best.safetensors. Ctrl-C finishes the step, saves everything and exits with 130; a second",
      "Ctrl-C exits at once.",
      "",
      "Examples:",
      "  gridstride train --epochs 1 --limit 5000",
      "  gridstride train --dataset fashion-mnist --model mlp",
      "  gridstride train --dataset folder --data photos/ --image-size 64 --validation-split 0.1",
      "  gridstride train --resume gridstride-out --epochs 20"
    })
final class TrainCommand implements Callable<Integer> {
  private static final int SECONDS_BETWEEN_LINES = 10;

  private final Terminal terminal;

  @Spec private CommandSpec spec;
  @Mixin private TrainOptions options;
  @Mixin private DeviceOptions device;

  @Option(
      names = "--out",
      paramLabel = "DIR",
      description = {
        "Where results go; made if need be, older results in it are",
        "replaced. (default: " + RunFolder.DEFAULT + ", or where --resume is)"
      })
  private Path out;

  @Option(
      names = "--resume",
      paramLabel = "CHECKPOINT",
      description = {
        "Go on from OUT/checkpoint of an earlier run, bit for bit (if on",
        "the same device in the same --precision, by the same --impl).",
        "Its options hold where none are given."
      })
  private Path resume;

  @Mixin private JsonOption json;

  @Option(
      names = "--patience",
      paramLabel = "N",
      description = {
        "Stop when the validation loss has not improved for N epochs,",
        "and take the best epoch's weights."
      })
  private Integer patience;

  @Option(
      names = "--no-progress",
      description = "Plain lines instead of a progress line (also if no terminal).")
  private boolean noProgress;

  TrainCommand(Terminal terminal) {
    this.terminal = terminal;
  }

  /** Training, validation and test data of a run. */
  private record Data(Dataset train, Dataset validation, Dataset test, String name) {}

  @Override
  public Integer call() {
    Choices.atLeastOne(spec, "--patience", patience);
    Checkpoint checkpoint = resume == null ? null : Checkpoint.load(resume);
    TrainSettings before =
        checkpoint == null ? TrainSettings.DEFAULT : TrainSettings.of(checkpoint.info().settings());
    TrainSettings settings = options.over(before, device);
    RunFolder folder = new RunFolder(outFolder());
    folder.check();
    json.check();
    ImplementationChoice implementations = settings.implementations();
    if (checkpoint != null && !device.asksForImplementations()) {
      implementations = implementations.following(checkpoint.info().computed().implementations());
    }
    Backends.Choice choice = device.open(settings.precision(), implementations);
    try (Session session = choice.session()) {
      terminal.out().println(choice.reason());
      if (checkpoint != null && settings.precision() != before.precision()) {
        terminal
            .out()
            .println(
                "note: the checkpoint was trained in "
                    + before.precision()
                    + "; from here on it goes in "
                    + settings.precision());
      }
      if (checkpoint != null && !settings.implementations().equals(before.implementations())) {
        terminal
            .out()
            .println(
                "note: the checkpoint was trained with --impl "
                    + before.implementations()
                    + "; from here on it goes with "
                    + settings.implementations());
      }
      Data data = load(settings);
      long start = System.currentTimeMillis();
      try {
        return train(settings, checkpoint, folder, session, data);
      } catch (BackendException e) {
        boolean ours = folder.hasCheckpointSince(resume == null ? start : 0);
        throw ours ? withTheWayOn(e, folder) : e;
      }
    }
  }

  /** What a failed device leaves. */
  private static BackendException withTheWayOn(BackendException e, RunFolder folder) {
    Path checkpoint = folder.checkpoint();
    return new BackendException(
        e.getMessage()
            + "\nThe last checkpoint is whole, after epoch "
            + Checkpoint.info(checkpoint).epoch()
            + "; go on with: gridstride train --resume "
            + checkpoint,
        e);
  }

  private Path outFolder() {
    if (out != null) {
      return out;
    }
    return resume == null ? Path.of(RunFolder.DEFAULT) : Checkpoint.locate(resume).getParent();
  }

  private Data load(TrainSettings settings) {
    Datasets.Options how =
        Datasets.Options.defaults()
            .withSeed(settings.seed())
            .withProgress(new FetchProgress(terminal));
    if (settings.imageSize() > 0) {
      how = how.withImageSize(Size2d.of(settings.imageSize()));
    }
    Path folder = settings.data().isEmpty() ? null : Path.of(settings.data());
    LoadedData loaded = Datasets.load(settings.dataset(), folder, how);
    terminal.out().println(loaded.explanation());
    Dataset train = loaded.train();
    Dataset validation = loaded.test();
    if (settings.validationSplit() > 0) {
      Split.TrainValidation parts = Split.split(train, settings.validationSplit(), settings.seed());
      train = parts.train();
      validation = parts.validation();
    }
    if (settings.limit() > 0) {
      train = train.limit(settings.limit());
    }
    String name = loaded.train().name().replaceFirst(" train$", "");
    return new Data(train, validation, loaded.test(), name);
  }

  private int train(
      TrainSettings settings, Checkpoint checkpoint, RunFolder folder, Session session, Data data) {
    Recipe recipe = settings.fullRecipe();
    Model model =
        Models.create(
            settings.model(),
            data.train.sampleShape(),
            data.train.classes(),
            new Models.Options(recipe.batchNorm()));
    folder.checkRoom(model);
    Augmentation augmentation = recipe.augmentation(data.train);
    int n = data.train.size();
    long steps = (long) settings.epochs() * ((n + settings.batch() - 1) / settings.batch());
    FirstStep firstStep = new FirstStep();
    ImplementationLine implementations =
        new ImplementationLine(
            session,
            settings.implementations(),
            checkpoint == null ? CheckpointInfo.Computed.UNKNOWN : checkpoint.info().computed(),
            terminal.out());
    Trainer.Builder builder =
        Trainer.builder(model, session)
            .loss(recipe.loss())
            .optimizer(recipe.optimizer(steps))
            .augmentation(augmentation)
            .batch(settings.batch())
            .stepsPerLaunch(settings.stepsPerLaunch())
            .seed(settings.seed())
            .resume(checkpoint)
            .callback(firstStep)
            .callback(progress())
            .callback(new DataLine(session, terminal.out()))
            .callback(implementations);
    settings.toMap().forEach(builder::setting);
    if (patience != null) {
      builder.callback(new EarlyStopping(Monitor.VAL_LOSS, patience, 0, true));
    }
    if (settings.validationSplit() > 0) {
      builder.callback(new BestModel(folder.best(), Monitor.VAL_LOSS));
    }
    builder.callback(new CsvLog(folder.history()));
    builder.callback(new SaveCheckpoint(folder.checkpoint()));
    Trainer trainer = builder.build();
    announce(settings, model, n);
    if (checkpoint != null && checkpoint.info().epoch() >= settings.epochs()) {
      terminal
          .out()
          .println(
              "nothing left to train: "
                  + checkpoint.info().epoch()
                  + " of "
                  + settings.epochs()
                  + " epochs are done; ask for more with --epochs");
    }
    History history = fit(trainer, data, settings.epochs());

    Report report =
        new Report()
            .put("device", session.description())
            .put("data_placement", session.dataPlacement())
            .put("threads", device.threads())
            .put("dataset", data.name)
            .put("training_samples", n)
            .put("model", model.name())
            .put("parameters", model.parameterCount())
            .put("recipe", recipe.name())
            .put("optimizer", recipe.optimizer(steps).toString())
            .put("seed", settings.seed())
            .put("batch", settings.batch())
            .put("steps_per_launch", settings.stepsPerLaunch())
            .put("precision", settings.precision().toString())
            .implementations(settings.implementations(), implementations.said())
            .put("validation", settings.validationSplit() > 0 ? "split" : "test images")
            .put("first_step_seconds", firstStep.seconds())
            .put("stop_reason", history.stopReason().name().toLowerCase(Locale.ROOT))
            .epochs(history.epochs());
    Preprocessing preprocessing = new Preprocessing(augmentation.mean(), augmentation.std());
    SavedModel saved = new SavedModel(model, preprocessing, data.train.classNames());
    return switch (history.stopReason()) {
      case NOT_FINITE -> notFinite(folder, report, history);
      case INTERRUPTED -> interrupted(folder, report, history, saved, trainer);
      case CALLBACK, FINISHED -> finished(folder, report, history, saved, trainer, data.test);
    };
  }

  private Callback progress() {
    return terminal.interactive() && !noProgress
        ? new ProgressLine(terminal.err(), terminal.out(), terminal.columns())
        : new PlainProgress(terminal.out(), SECONDS_BETWEEN_LINES);
  }

  private void announce(TrainSettings settings, Model model, int samples) {
    terminal
        .out()
        .println(
            String.format(
                Locale.ROOT,
                "model: %s, %,d parameters; recipe %s, batch %d, seed %d, %,d training images",
                model.name(),
                model.parameterCount(),
                settings.recipe(),
                settings.batch(),
                settings.seed(),
                samples));
    if (settings.batch() > samples) {
      terminal
          .out()
          .println(
              "note: batch "
                  + settings.batch()
                  + " is larger than the data set: every epoch is one step of "
                  + samples);
    }
  }

  private History fit(Trainer trainer, Data data, int epochs) {
    Runnable stop =
        () -> {
          terminal.err().println("interrupted: finishing the step and saving; again to exit now");
          trainer.interrupt();
        };
    Interrupts interrupts = Interrupts.handle(stop);
    try {
      return trainer.fit(data.train, data.validation, epochs);
    } finally {
      interrupts.release();
    }
  }

  private int finished(
      RunFolder folder,
      Report report,
      History history,
      SavedModel saved,
      Trainer trainer,
      Dataset test) {
    if (!history.stopMessage().isEmpty()) {
      terminal.out().println(history.stopMessage());
    }
    folder.save(saved, trainer.weights());
    Evaluation result = trainer.evaluate(test);
    terminal.out().println();
    terminal.out().print(result.confusion().table(saved.classNames()));
    terminal.out().println(Results.line(result));
    terminal.out().println("saved: " + folder.weights() + " and " + folder.model());
    report.test(result, saved.classNames()).write(json.file());
    return Main.OK;
  }

  private int interrupted(
      RunFolder folder, Report report, History history, SavedModel saved, Trainer trainer) {
    folder.save(saved, trainer.weights());
    report.test(null, saved.classNames()).write(json.file());
    terminal
        .err()
        .println(
            "interrupted in epoch "
                + (history.epochs().size() + 1)
                + ": saved "
                + folder.weights()
                + " and "
                + folder.checkpoint()
                + "; go on with: gridstride train --resume "
                + folder.checkpoint());
    return Main.INTERRUPTED;
  }

  private int notFinite(RunFolder folder, Report report, History history) {
    report.put("error", history.stopMessage()).test(null, null).write(json.file());
    boolean kept = Files.exists(folder.checkpoint().resolve(Checkpoint.FILE));
    terminal
        .err()
        .println(
            "gridstride: "
                + history.stopMessage()
                + "; "
                + (kept
                    ? "the last good checkpoint is kept: " + folder.checkpoint()
                    : "there is no checkpoint yet")
                + "; try a lower --learning-rate");
    return Main.FAILED;
  }
}
