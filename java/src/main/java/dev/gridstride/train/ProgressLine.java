package dev.gridstride.train;

import java.io.PrintStream;
import me.tongfei.progressbar.ConsoleProgressBarConsumer;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;

/** Draws a bar for the epoch in progress on a terminal, and leaves a line for each finished one. */
public final class ProgressLine implements Callback {
  private static final long REFRESH_MILLIS = 200;

  private final PrintStream terminal;
  private final PrintStream out;
  private final int columns;
  private ProgressBar bar;
  private long next;

  /**
   * A progress line.
   *
   * @param terminal where to draw
   * @param out where the lines of finished epochs go
   * @param columns its width
   */
  public ProgressLine(PrintStream terminal, PrintStream out, int columns) {
    this.terminal = terminal;
    this.out = out;
    this.columns = columns;
  }

  @Override
  public void onEpochBegin(Run run) {
    bar =
        new ProgressBarBuilder()
            .setTaskName("epoch " + run.epoch() + "/" + run.epochs())
            .setInitialMax(run.stepsInEpoch())
            .setStyle(ProgressBarStyle.ASCII)
            .setUpdateIntervalMillis((int) REFRESH_MILLIS)
            .setConsumer(new Line(terminal, columns - 1))
            .hideEta()
            .build();
    bar.stepTo(run.stepInEpoch());
    next = System.nanoTime() + REFRESH_MILLIS * 1_000_000;
  }

  @Override
  public void onStepEnd(Run run) {
    if (System.nanoTime() - next > 0) {
      bar.stepTo(run.recent().stepInEpoch());
      bar.setExtraMessage(PlainProgress.running(run));
      next = System.nanoTime() + REFRESH_MILLIS * 1_000_000;
    }
  }

  @Override
  public void onEpochEnd(Run run, History.Epoch epoch) {
    erase();
    out.println(PlainProgress.summary(epoch, run.epochs()));
  }

  @Override
  public void onTrainEnd(Run run) {
    erase();
  }

  private void erase() {
    if (bar != null) {
      bar.close();
      bar = null;
      terminal.print("\r" + " ".repeat(columns - 1) + "\r");
      terminal.flush();
    }
  }

  /** Draws over the same line to the end; the summary takes its place. */
  private static final class Line extends ConsoleProgressBarConsumer {
    Line(PrintStream terminal, int length) {
      super(terminal, length);
    }

    @Override
    public void close() {}
  }
}
