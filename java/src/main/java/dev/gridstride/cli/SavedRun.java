package dev.gridstride.cli;

import dev.gridstride.backend.Session;
import dev.gridstride.files.FileException;
import dev.gridstride.nn.ModelJson;
import dev.gridstride.nn.Preprocessing;
import dev.gridstride.nn.SafeTensors;
import dev.gridstride.nn.SavedModel;
import dev.gridstride.program.Tensor;
import dev.gridstride.program.op.Augmentation;
import dev.gridstride.train.Trainer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import picocli.CommandLine.Option;

/** Options that say which trained model to use, and that model. */
final class SavedRun {
  @Option(
      names = "--model-dir",
      paramLabel = "DIR",
      defaultValue = RunFolder.DEFAULT,
      description = "The --out of the training. (default: ${DEFAULT-VALUE})")
  private Path modelDir;

  @Option(
      names = "--weights",
      paramLabel = "FILE",
      description = "Other weights than DIR/model.safetensors, such as DIR/best.safetensors.")
  private Path weights;

  RunFolder folder() {
    return new RunFolder(modelDir);
  }

  SavedModel model() {
    if (!Files.isRegularFile(folder().model())) {
      throw new FileException(
          "no trained model at "
              + modelDir
              + ": expected "
              + folder().model()
              + "; name the --out of a training with --model-dir");
    }
    return ModelJson.read(folder().model());
  }

  /** A trainer with the saved weights, for evaluation and prediction. */
  Trainer trainer(SavedModel saved, Session session, int batch) {
    Path file = weights == null ? folder().weights() : weights;
    Map<String, Tensor> tensors = SafeTensors.read(file).tensors();
    saved.model().requireFits(tensors, file.toString());
    Preprocessing normalise = saved.preprocessing();
    Trainer trainer =
        Trainer.builder(saved.model(), session)
            .batch(batch)
            .augmentation(
                new Augmentation(normalise.mean(), normalise.std(), Augmentation.Flip.NONE, 0, 0))
            .build();
    trainer.setWeights(tensors);
    return trainer;
  }
}
