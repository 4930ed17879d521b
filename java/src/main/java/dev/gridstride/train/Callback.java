package dev.gridstride.train;

/**
 * Watches a training run and may change its course. Methods are called on the training thread, in
 * the order in which the callbacks were given. An exception ends the run after {@link #onTrainEnd}
 * of all callbacks.
 */
public interface Callback {
  /** Before the first step of {@link Trainer#fit}, also after a resume. */
  default void onTrainBegin(Run run) {}

  /** Before the first step of an epoch, or where a resumed run goes on within it. */
  default void onEpochBegin(Run run) {}

  /**
   * After each launch of steps, which is each step unless {@link Trainer.Builder#stepsPerLaunch}
   * says otherwise. The device may still be at work on them. Must not allocate if steps are to stay
   * free of garbage.
   */
  default void onStepEnd(Run run) {}

  /** After an epoch and its validation; the epoch is in {@link Run#history()}. */
  default void onEpochEnd(Run run, History.Epoch epoch) {}

  /** When the run ends for whatever reason, also by an exception. */
  default void onTrainEnd(Run run) {}
}
