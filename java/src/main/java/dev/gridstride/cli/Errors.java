package dev.gridstride.cli;

import dev.gridstride.backend.BackendException;
import dev.gridstride.benchmark.BenchmarkException;
import dev.gridstride.bundle.BundleException;
import dev.gridstride.data.DataException;
import dev.gridstride.files.FileException;
import dev.gridstride.program.ProgramException;
import dev.gridstride.train.TrainingException;
import java.io.PrintWriter;
import picocli.CommandLine;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.UnmatchedArgumentException;

/** Turns exceptions into one clear message and an exit code. */
final class Errors {
  private Errors() {}

  /** Wrong usage: the message, near names of an unknown option, and where help is. */
  static int usage(ParameterException exception, String... args) {
    CommandLine command = exception.getCommandLine();
    PrintWriter err = command.getErr();
    err.println("gridstride: " + exception.getMessage());
    UnmatchedArgumentException.printSuggestions(exception, err);
    err.println("Try '" + command.getCommandSpec().qualifiedName() + " --help'.");
    return Main.USAGE;
  }

  /** A failure: the message, and the stack trace if asked for or if it is a bug of ours. */
  static int failure(Exception exception, CommandLine command, boolean stacktrace) {
    PrintWriter err = command.getErr();
    boolean known =
        exception instanceof TrainingException
            || exception instanceof DataException
            || exception instanceof BackendException
            || exception instanceof BenchmarkException
            || exception instanceof FileException
            || exception instanceof BundleException
            || exception instanceof ProgramException;
    if (known) {
      err.println("gridstride: " + exception.getMessage());
    } else {
      err.println("gridstride: unexpected " + exception);
    }
    if (stacktrace || System.getenv("GRIDSTRIDE_DEBUG") != null) {
      exception.printStackTrace(err);
    } else if (!known) {
      err.println("This is a bug; --stacktrace shows where.");
    }
    return Main.FAILED;
  }
}
