package dev.gridstride.train;

import java.nio.file.Path;

/**
 * Saves a {@link Checkpoint} after every epoch, and where a run was interrupted; each in place of
 * the one before.
 */
public final class SaveCheckpoint implements Callback {
  private final Path folder;

  /** Checkpoints in {@code folder}. */
  public SaveCheckpoint(Path folder) {
    this.folder = folder;
  }

  @Override
  public void onEpochEnd(Run run, History.Epoch epoch) {
    run.saveCheckpoint(folder);
  }

  @Override
  public void onTrainEnd(Run run) {
    if (run.trainer().interrupted()
        && run.history().stopReason() != History.StopReason.NOT_FINITE) {
      run.saveCheckpoint(folder);
    }
  }
}
