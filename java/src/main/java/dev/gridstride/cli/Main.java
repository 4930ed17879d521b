package dev.gridstride.cli;

import java.io.OutputStreamWriter;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.nio.charset.Charset;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ScopeType;
import picocli.CommandLine.Spec;

/** The command {@code gridstride}. */
@Command(
    name = "gridstride",
    description = "Trains convolutional neural networks from Java.",
    mixinStandardHelpOptions = true,
    versionProvider = Version.class,
    synopsisSubcommandLabel = "COMMAND",
    footer = {
      "",
      "Examples:",
      "  gridstride train                      the reference CNN on CIFAR-10 or Fashion-MNIST",
      "  gridstride train --recipe tuned --seed 3 --out run3 --json run3.json",
      "  gridstride train --resume run3/checkpoint",
      "  gridstride evaluate --model-dir run3 --dataset cifar10",
      "  gridstride predict --model-dir run3 photos/",
      "  gridstride profile --device cuda      where the time of a training step goes",
      "  gridstride bench --suite smoke        ops by every implementation, checked and timed",
      "  gridstride explain --device cuda      who computes which op, and why",
      "  gridstride doctor                     what works on this machine and what is missing",
      "  gridstride selftest --device cuda     every op on the card against the reference",
      "  gridstride bundle --out FILE          one archive for a machine without Java",
      "",
      "Exit codes: 0 done, 1 failed, 2 wrong usage, 130 interrupted (what was trained is saved).",
      "'gridstride COMMAND --help' says more about each command."
    })
public final class Main implements Runnable {
  static final int OK = 0;
  static final int FAILED = 1;
  static final int USAGE = 2;
  static final int INTERRUPTED = 130;

  @Spec private CommandSpec spec;

  @Option(
      names = "--stacktrace",
      scope = ScopeType.INHERIT,
      description = "Print the stack trace of an error (also if GRIDSTRIDE_DEBUG is set).")
  private boolean stacktrace;

  private Main() {}

  /** Runs a command and ends the process with its exit code. */
  public static void main(String[] args) {
    System.exit(run(Terminal.system(), args));
  }

  /** Runs a command; returns its exit code. */
  static int run(Terminal terminal, String... args) {
    Main main = new Main();
    CommandLine line =
        new CommandLine(main)
            .addSubcommand(new TrainCommand(terminal))
            .addSubcommand(new EvaluateCommand(terminal))
            .addSubcommand(new PredictCommand(terminal))
            .addSubcommand(new DatasetsCommand(terminal))
            .addSubcommand(new ProfileCommand(terminal))
            .addSubcommand(new BenchCommand(terminal))
            .addSubcommand(new ExplainCommand(terminal))
            .addSubcommand(new DoctorCommand(terminal))
            .addSubcommand(new SelftestCommand(terminal))
            .addSubcommand(new BundleCommand(terminal));
    line.setOut(writer(terminal.out())).setErr(writer(terminal.err()));
    line.setUsageHelpAutoWidth(false).setUsageHelpWidth(100);
    line.setAbbreviatedOptionsAllowed(false);
    line.setParameterExceptionHandler(Errors::usage);
    line.setExecutionExceptionHandler(
        (exception, command, parsed) -> Errors.failure(exception, command, main.stacktrace));
    return line.execute(args);
  }

  private static PrintWriter writer(PrintStream stream) {
    return new PrintWriter(new OutputStreamWriter(stream, Charset.defaultCharset()), true);
  }

  @Override
  public void run() {
    throw new ParameterException(
        spec.commandLine(),
        "a command is missing: train, evaluate, predict, profile, explain, bench, datasets, doctor,"
            + " selftest or bundle");
  }
}
