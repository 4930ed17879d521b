package dev.gridstride.cli;

import dev.gridstride.backend.Session;
import dev.gridstride.train.Callback;
import dev.gridstride.train.History;
import dev.gridstride.train.Run;
import java.io.PrintStream;

/** Says in one line where the data sets are kept, and again when another one is. */
final class DataLine implements Callback {
  private final Session session;
  private final PrintStream out;
  private String said = "";

  DataLine(Session session, PrintStream out) {
    this.session = session;
    this.out = out;
  }

  /** Prints the line if there is something new to say. */
  void say() {
    String line = session.dataPlacement();
    if (!line.equals(said)) {
      said = line;
      out.println(line);
    }
  }

  @Override
  public void onTrainBegin(Run run) {
    say();
  }

  @Override
  public void onEpochEnd(Run run, History.Epoch epoch) {
    say();
  }
}
