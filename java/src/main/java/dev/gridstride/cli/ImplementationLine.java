package dev.gridstride.cli;

import dev.gridstride.backend.ImplementationChoice;
import dev.gridstride.backend.ImplementationUse;
import dev.gridstride.backend.Session;
import dev.gridstride.train.Callback;
import dev.gridstride.train.CheckpointInfo;
import dev.gridstride.train.History;
import dev.gridstride.train.Run;
import java.io.PrintStream;
import java.util.Map;

/**
 * Says in one line who computes the nodes of a session's programs, and again when others do; after
 * a resume, what is different from before.
 */
final class ImplementationLine implements Callback {
  private final Session session;
  private final ImplementationChoice asked;
  private final CheckpointInfo.Computed before;
  private final PrintStream out;
  private ImplementationUse said = ImplementationUse.NONE;

  /** For a command that goes on with nothing. */
  ImplementationLine(Session session, ImplementationChoice asked, PrintStream out) {
    this(session, asked, CheckpointInfo.Computed.UNKNOWN, out);
  }

  /**
   * For a run.
   *
   * @param before how the checkpoint was computed that it goes on from
   */
  ImplementationLine(
      Session session,
      ImplementationChoice asked,
      CheckpointInfo.Computed before,
      PrintStream out) {
    this.session = session;
    this.asked = asked;
    this.before = before;
    this.out = out;
  }

  /** Prints the line if there is something new to say. */
  void say() {
    ImplementationUse use = session.implementationUse();
    if (!use.nodes().keySet().equals(said.nodes().keySet())) {
      String option = asked.equals(ImplementationChoice.DEFAULT) ? "" : " (--impl " + asked + ")";
      out.println("implementations: " + use + option);
      said = use;
    }
  }

  /** What was said last. */
  ImplementationUse said() {
    return said;
  }

  private void sayDifferences() {
    Map<String, String> now = session.implementationUse().byNode();
    before
        .implementations()
        .forEach(
            (node, name) -> {
              String other = now.getOrDefault(node, name);
              if (!other.equals(name)) {
                out.println(
                    "note: the checkpoint's run computed "
                        + node
                        + " by "
                        + name
                        + "; from here on it is "
                        + other);
              }
            });
    session
        .implementationUse()
        .libraries()
        .forEach(
            (library, version) -> {
              String other = before.libraries().getOrDefault(library, version);
              if (!other.equals(version)) {
                out.println(
                    "note: the checkpoint's run used "
                        + library
                        + " "
                        + other
                        + "; this is "
                        + version
                        + ", whose last bits may differ");
              }
            });
  }

  @Override
  public void onTrainBegin(Run run) {
    say();
    sayDifferences();
  }

  @Override
  public void onEpochEnd(Run run, History.Epoch epoch) {
    say();
  }
}
