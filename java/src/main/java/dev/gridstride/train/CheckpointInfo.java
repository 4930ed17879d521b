package dev.gridstride.train;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;

/**
 * What a checkpoint says of the run it was taken from.
 *
 * @param format version of the checkpoint's layout
 * @param tensors name of the file beside it that holds weights and states
 * @param epoch finished epochs
 * @param step optimizer updates done
 * @param cursor samples consumed; the place within the epoch follows from it
 * @param epochSeconds training time already spent on the epoch in progress
 * @param setup what the run was set up with; a resumed run must have the same
 * @param computed who computed it; nothing is known of checkpoints of earlier versions
 * @param settings what the caller wants to find again, such as command line options
 * @param history the finished epochs
 */
public record CheckpointInfo(
    int format,
    String tensors,
    int epoch,
    long step,
    long cursor,
    double epochSeconds,
    Setup setup,
    Computed computed,
    Map<String, String> settings,
    List<History.Epoch> history) {
  /** The layout that this version reads and writes. */
  public static final int FORMAT = 1;

  /** Copies and checks for missing parts. */
  public CheckpointInfo {
    Objects.requireNonNull(tensors, "tensors");
    Objects.requireNonNull(setup, "setup");
    computed = computed == null ? Computed.UNKNOWN : computed;
    settings = Map.copyOf(Objects.requireNonNull(settings, "settings"));
    history = List.copyOf(Objects.requireNonNull(history, "history"));
  }

  /**
   * What may change the last bits of a run's results.
   *
   * @param device its description
   * @param libraries versions of the libraries that were loaded, by name
   * @param implementations who computed which node, where the device had a choice, as {@link
   *     dev.gridstride.backend.ImplementationUse#byNode} says
   */
  public record Computed(
      String device, Map<String, String> libraries, Map<String, String> implementations) {
    /** Nothing is known. */
    public static final Computed UNKNOWN = new Computed("", Map.of(), Map.of());

    /** Copies and checks for missing parts. */
    public Computed {
      Objects.requireNonNull(device, "device");
      libraries = sorted(Objects.requireNonNull(libraries, "libraries"));
      implementations = sorted(Objects.requireNonNull(implementations, "implementations"));
    }

    private static Map<String, String> sorted(Map<String, String> map) {
      return Collections.unmodifiableMap(new TreeMap<>(map));
    }
  }

  /**
   * All that decides what a run computes.
   *
   * @param model its name
   * @param architecture CRC-32C of the names and shapes of its parameters and of its layers
   * @param dataset name of the training data
   * @param samples how many there are
   * @param dataChecksum CRC-32C of samples and labels
   * @param batch samples a step
   * @param seed of initial weights, shuffle, augmentation and dropout
   * @param loss what is minimised
   * @param optimizer the update rule with its options
   * @param schedule the learning rate
   * @param augmentation of training samples
   */
  public record Setup(
      String model,
      String architecture,
      String dataset,
      int samples,
      String dataChecksum,
      int batch,
      long seed,
      String loss,
      String optimizer,
      String schedule,
      String augmentation) {
    /** What differs from {@code run}, a phrase each: {@code batch is 64, this run's is 32}. */
    List<String> differences(Setup run) {
      List<String> found = new ArrayList<>();
      compare(found, "model", model, run.model);
      compare(found, "architecture", architecture, run.architecture);
      compare(found, "data set", dataset, run.dataset);
      compare(found, "number of samples", samples, run.samples);
      compare(found, "checksum of the data", dataChecksum, run.dataChecksum);
      compare(found, "batch", batch, run.batch);
      compare(found, "seed", seed, run.seed);
      compare(found, "loss", loss, run.loss);
      compare(found, "optimizer", optimizer, run.optimizer);
      compare(found, "learning rate schedule", schedule, run.schedule);
      compare(found, "augmentation", augmentation, run.augmentation);
      return found;
    }

    private static void compare(List<String> found, String what, Object saved, Object asked) {
      if (!saved.equals(asked)) {
        found.add(what + " is " + saved + ", this run's is " + asked);
      }
    }
  }
}
