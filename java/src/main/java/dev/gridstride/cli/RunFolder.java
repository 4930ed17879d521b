package dev.gridstride.cli;

import dev.gridstride.files.AtomicFiles;
import dev.gridstride.files.FileException;
import dev.gridstride.nn.Model;
import dev.gridstride.nn.ModelJson;
import dev.gridstride.nn.SafeTensors;
import dev.gridstride.nn.SavedModel;
import dev.gridstride.program.Tensor;
import dev.gridstride.train.Checkpoint;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/**
 * The folder of a training run: what {@code train} writes and {@code evaluate} and {@code predict}
 * read.
 *
 * @param path of the folder
 */
record RunFolder(Path path) {
  static final String DEFAULT = "gridstride-out";

  /** Checkpoints with their optimizer state are three times the weights; two exist at once. */
  private static final int COPIES_OF_WEIGHTS = 9;

  Path weights() {
    return path.resolve("model.safetensors");
  }

  Path model() {
    return path.resolve("model.json");
  }

  Path checkpoint() {
    return path.resolve("checkpoint");
  }

  /** Whether there is a checkpoint that was saved at this time or later. */
  boolean hasCheckpointSince(long millis) {
    try {
      Path file = checkpoint().resolve(Checkpoint.FILE);
      return Files.isRegularFile(file) && Files.getLastModifiedTime(file).toMillis() >= millis;
    } catch (IOException e) {
      return false;
    }
  }

  Path history() {
    return path.resolve("history.csv");
  }

  Path best() {
    return path.resolve("best.safetensors");
  }

  /**
   * Finds out before training whether everything can be written.
   *
   * @throws FileException if not
   */
  void check() {
    for (Path file : List.of(weights(), model(), history(), checkpoint().resolve("any"))) {
      AtomicFiles.check(file);
    }
  }

  /**
   * Finds out before training whether there is room for this model.
   *
   * @throws FileException if not
   */
  void checkRoom(Model model) {
    long needed = COPIES_OF_WEIGHTS * model.parameterCount() * Float.BYTES;
    try {
      long free = Files.getFileStore(path).getUsableSpace();
      if (free < needed) {
        throw new FileException(
            String.format(
                java.util.Locale.ROOT,
                "%s: the disk is too full: %.1f MB needed, %.1f MB free",
                path,
                needed / 1e6,
                free / 1e6));
      }
    } catch (IOException e) {
      // No mount is known of this folder, as in a chroot: then writing will tell.
      return;
    }
  }

  /** Saves architecture and weights. */
  void save(SavedModel saved, Map<String, Tensor> weights) {
    SafeTensors.write(weights(), weights, Map.of("format", "pt"));
    ModelJson.write(model(), saved);
  }
}
