package dev.gridstride.cli;

import dev.gridstride.backend.Backends;
import dev.gridstride.backend.Executable;
import dev.gridstride.backend.Session;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code gridstride profile}. */
@Command(
    name = "profile",
    mixinStandardHelpOptions = true,
    versionProvider = Version.class,
    sortOptions = false,
    description = {
      "Shows where the time of a training step goes: by op, by kernel and by phase.",
      "",
      "On a card kernels are timed by events between plain launches, since events in a graph that",
      "is replayed cannot be read; the step as training runs it, one launch of a graph, is timed",
      "as a whole beside them. On the CPU a clock is read before and after each step."
    },
    footer = {
      "",
      "Examples:",
      "  gridstride profile",
      "  gridstride profile --device cuda:1 --batch 256 --json profile.json"
    })
final class ProfileCommand implements Callable<Integer> {
  private final Terminal terminal;

  @Spec private CommandSpec spec;

  @Mixin private StepOptions options;
  @Mixin private DeviceOptions device;

  @Option(
      names = "--steps",
      paramLabel = "N",
      defaultValue = "20",
      description = "Steps that are timed, after as many to warm up. (default: ${DEFAULT-VALUE})")
  private int steps;

  @Mixin private JsonOption json;

  ProfileCommand(Terminal terminal) {
    this.terminal = terminal;
  }

  @Override
  public Integer call() {
    options.check();
    Choices.atLeastOne(spec, "--steps", steps);
    json.check();
    Backends.Choice choice = device.open();
    try (Session session = choice.session()) {
      terminal.out().println(choice.reason());
      profile(choice, session);
    }
    return Main.OK;
  }

  private void profile(Backends.Choice choice, Session session) {
    StepOptions.Training training = options.training(choice, terminal);
    ImplementationLine implementations =
        new ImplementationLine(session, choice.options().implementations(), terminal.out());
    try (Executable step = training.compile()) {
      implementations.say();
      step.run(steps);
      ProfileReport report = new ProfileReport(step.profile(steps), training.batch());
      terminal.out().println(training + ", mean of " + steps + " steps");
      report.print(terminal.out());
      Report file =
          new Report()
              .put("device", session.description())
              .implementations(choice.options().implementations(), implementations.said())
              .put("steps", steps);
      training.addTo(file);
      report.addTo(file).write(json.file());
    }
  }
}
