package dev.gridstride.cli;

import dev.gridstride.data.Datasets;
import dev.gridstride.data.KnownDataset;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code gridstride datasets}. */
@Command(
    name = "datasets",
    mixinStandardHelpOptions = true,
    versionProvider = Version.class,
    synopsisSubcommandLabel = "(list | locate | fetch)",
    description = {
      "Lists, locates and fetches data sets.",
      "",
      "A set is looked for in --data, in the cache folder, and where the system's packages put it."
    },
    footer = {
      "",
      "The cache folder is $GRIDSTRIDE_CACHE, or $XDG_CACHE_HOME/gridstride, or"
          + " ~/.cache/gridstride.",
      "",
      "Examples:",
      "  gridstride datasets list",
      "  gridstride datasets fetch fashion-mnist"
    })
final class DatasetsCommand implements Runnable {
  private final Terminal terminal;

  @Spec private CommandSpec spec;

  DatasetsCommand(Terminal terminal) {
    this.terminal = terminal;
  }

  @Override
  public void run() {
    throw new ParameterException(spec.commandLine(), "say list, locate or fetch");
  }

  @Command(
      name = "list",
      mixinStandardHelpOptions = true,
      description = "Lists the known data sets and where they are.")
  int list(
      @Option(names = "--data", paramLabel = "DIR", description = "A folder to look in first.")
          Path data) {
    for (KnownDataset set : Datasets.list()) {
      Optional<Path> found = Datasets.locate(set.name(), data, Datasets.Options.defaults());
      terminal
          .out()
          .println(
              String.format(
                  Locale.ROOT,
                  "%-14s %-26s %,7d + %,6d images %-10s %3d classes  %s",
                  set.name(),
                  set.title(),
                  set.trainSize(),
                  set.testSize(),
                  set.sampleShape(),
                  set.classes(),
                  found.map(Path::toString).orElse("not here")));
    }
    terminal.out().println("Also: folder and npy (your own data, in --data), synthetic.");
    return Main.OK;
  }

  @Command(
      name = "locate",
      mixinStandardHelpOptions = true,
      description = "Prints where a data set is; exit code 1 if it is not on this machine.")
  int locate(
      @Parameters(paramLabel = "NAME", description = "As 'datasets list' names it.") String name,
      @Option(names = "--data", paramLabel = "DIR", description = "A folder to look in first.")
          Path data) {
    check(name);
    Optional<Path> found = Datasets.locate(name, data, Datasets.Options.defaults());
    if (found.isPresent()) {
      terminal.out().println(found.get());
      return Main.OK;
    }
    terminal
        .err()
        .println(
            "gridstride: "
                + name
                + " is not on this machine; get it: gridstride datasets fetch "
                + name);
    return Main.FAILED;
  }

  @Command(
      name = "fetch",
      mixinStandardHelpOptions = true,
      description = "Fetches a data set into the cache folder, unless it is on this machine.")
  int fetch(
      @Parameters(paramLabel = "NAME", description = "As 'datasets list' names it.") String name) {
    check(name);
    Datasets.Options options =
        Datasets.Options.defaults().withProgress(new FetchProgress(terminal));
    terminal.out().println(Datasets.fetch(name, options));
    return Main.OK;
  }

  private void check(String name) {
    List<String> known = Datasets.list().stream().map(KnownDataset::name).toList();
    Choices.check(spec, "data set", name, known);
  }
}
