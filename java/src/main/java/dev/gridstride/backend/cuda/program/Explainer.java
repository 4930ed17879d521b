package dev.gridstride.backend.cuda.program;

import dev.gridstride.backend.Explanation;
import dev.gridstride.backend.Precision;
import dev.gridstride.program.Node;
import dev.gridstride.program.pass.Fuse;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import java.util.stream.Collectors;

/** Says how a recording computes its nodes. */
final class Explainer {
  private Explainer() {}

  /** How a step is computed, in one line. */
  static String line(Recording recording, Recording.Step step) {
    String how =
        step.commands().isEmpty() ? "view, nothing moves" : Command.describe(step.commands());
    String scratch =
        step.scratches().isEmpty() ? "" : ", " + step.scratchBytes() + " bytes of scratch";
    StringBuilder refused = new StringBuilder();
    step.refusals()
        .forEach((name, why) -> refused.append("; not ").append(name).append(": ").append(why));
    String notes = step.notes().isEmpty() ? "" : "; " + String.join("; ", step.notes());
    String who = step.implementation().isEmpty() ? "" : step.implementation() + " ";
    String fused = fused(step);
    return step.node()
        + ": "
        + who
        + how
        + "; "
        + layouts(recording, step)
        + scratch
        + (fused.isEmpty() ? "" : "; " + fused)
        + refused
        + notes;
  }

  private static String layouts(Recording recording, Recording.Step step) {
    return step.node().outputs().stream()
        .map(value -> Layout.describe(value.shape(), recording.stored(value)))
        .distinct()
        .collect(Collectors.joining(", "));
  }

  private static String fused(Recording.Step step) {
    if (step.members().size() > 1) {
      return step.members().size() + " updates in one launch";
    }
    String parts = Fuse.describe(step.node());
    return parts.isEmpty() ? "" : "fused: " + parts;
  }

  /**
   * All steps with all candidates.
   *
   * @param selection knows their times
   * @param data says how a node gets its data, or nothing
   */
  static Explanation explain(
      Recording recording, Precision precision, Selection selection, Function<Node, String> data) {
    List<Explanation.Row> rows = new ArrayList<>();
    for (Recording.Step step : recording.steps()) {
      List<String> notes = new ArrayList<>(List.of(layouts(recording, step), fused(step)));
      notes.add(data.apply(step.node()).replaceFirst("^; ", ""));
      notes.addAll(step.notes());
      notes.removeIf(String::isEmpty);
      rows.add(
          Explanation.Row.of(
              step.node(),
              step.members(),
              precision,
              step.implementation(),
              selection.timed(step.node(), recording.program(), recording.candidates(step)),
              notes));
    }
    return new Explanation(rows, recording.workspace().bytes());
  }
}
