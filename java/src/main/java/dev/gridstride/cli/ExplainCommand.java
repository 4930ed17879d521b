package dev.gridstride.cli;

import dev.gridstride.backend.Backends;
import dev.gridstride.backend.Executable;
import dev.gridstride.backend.Explanation;
import dev.gridstride.backend.ImplementationChoice;
import dev.gridstride.backend.Session;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** {@code gridstride explain}. */
@Command(
    name = "explain",
    mixinStandardHelpOptions = true,
    versionProvider = Version.class,
    sortOptions = false,
    description = {
      "Shows how a training step is computed, without running it: for each op who computes it,",
      "who else could and why others do not, operations, bytes, what bounds it, and workspace.",
      "",
      "On CUDA devices cuDNN and cuBLAS are asked too, if they are found, whoever --impl names."
    },
    footer = {
      "",
      "Examples:",
      "  gridstride explain --device cuda --batch 256",
      "  gridstride explain --device cuda --impl cudnn --precision bf16 --json explain.json",
      "  gridstride explain --device cuda --impl tune      measures what auto then knows"
    })
final class ExplainCommand implements Callable<Integer> {
  private final Terminal terminal;

  @Mixin private StepOptions options;
  @Mixin private DeviceOptions device;

  @Mixin private JsonOption json;

  ExplainCommand(Terminal terminal) {
    this.terminal = terminal;
  }

  @Override
  public Integer call() {
    options.check();
    json.check();
    Backends.Choice choice = device.open();
    try (Session session = choice.session()) {
      terminal.out().println(choice.reason());
      explain(choice, session);
    }
    return Main.OK;
  }

  private void explain(Backends.Choice choice, Session session) {
    StepOptions.Training training = options.training(choice, terminal);
    ImplementationLine implementations =
        new ImplementationLine(session, choice.options().implementations(), terminal.out());
    try (Executable step = training.compile()) {
      terminal.out().println(training);
      implementations.say();
      Explanation explanation = step.explanation();
      sayUnused(choice.options().implementations(), explanation);
      ExplainReport report = new ExplainReport(explanation, session.rates());
      report.print(terminal.out());
      Report file =
          new Report()
              .put("device", session.description())
              .facts(session.facts())
              .implementations(choice.options().implementations(), implementations.said());
      training.addTo(file);
      report.addTo(file).write(json.file());
    }
  }

  private void sayUnused(ImplementationChoice asked, Explanation explanation) {
    Set<String> ops =
        explanation.rows().stream().map(Explanation.Row::op).collect(Collectors.toSet());
    asked
        .byOp()
        .forEach(
            (op, name) -> {
              if (!ops.contains(op)) {
                terminal
                    .out()
                    .println(
                        "note: no op of this step is a "
                            + op
                            + ", so "
                            + op
                            + "="
                            + name
                            + " says nothing");
              }
            });
  }
}
