package dev.gridstride.cli;

import dev.gridstride.bundle.Bundle;
import dev.gridstride.bundle.Jdk;
import java.net.URISyntaxException;
import java.nio.file.Path;
import java.security.CodeSource;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code gridstride bundle}. */
@Command(
    name = "bundle",
    mixinStandardHelpOptions = true,
    versionProvider = Version.class,
    sortOptions = false,
    description = {
      "Writes one .tar.gz with which Gridstride runs on a Linux x86-64 machine that has",
      "glibc and nothing else: no Java, no Maven, no network. It has a trimmed Java",
      "runtime, the jars with their natives, the kernels compiled for all cards, the",
      "simulated device, and a launcher. Prints the files with their sizes.",
      "",
      "It is made from a built tree, and needs a JDK with jlink."
    },
    footer = {
      "",
      "Examples:",
      "  gridstride bundle --out gridstride.tar.gz",
      "  tar xzf gridstride.tar.gz && gridstride-*/bin/gridstride doctor     there"
    })
final class BundleCommand implements Callable<Integer> {
  private final Terminal terminal;

  @Option(
      names = "--out",
      paramLabel = "FILE",
      required = true,
      description = "The archive to write, for example gridstride.tar.gz.")
  private Path out;

  @Option(
      names = "--jdk",
      paramLabel = "DIR",
      description = {
        "The JDK, 17 or later, whose runtime is packed. One built for an older glibc,",
        "such as Eclipse Temurin, runs on more machines. (default: the one that runs this)"
      })
  private Path jdk;

  BundleCommand(Terminal terminal) {
    this.terminal = terminal;
  }

  @Override
  public Integer call() throws InterruptedException {
    Bundle bundle = new Bundle(ownJar());
    Jdk source = jdk == null ? Jdk.running() : Jdk.of(jdk);
    Bundle.Written written = bundle.write(source, out);
    for (Bundle.Entry entry : written.entries()) {
      terminal.out().println(String.format(Locale.ROOT, "%,12d %s", entry.bytes(), entry.path()));
    }
    terminal
        .out()
        .println(
            String.format(
                Locale.ROOT,
                "%s: %.1f MB, %d files, Java %s; needs Linux x86-64 with glibc %s or later",
                out,
                written.bytes() / 1e6,
                written.entries().size(),
                source.version(),
                written.glibc()));
    return Main.OK;
  }

  private static Path ownJar() {
    CodeSource source = Main.class.getProtectionDomain().getCodeSource();
    try {
      return Path.of(source.getLocation().toURI());
    } catch (URISyntaxException e) {
      throw new IllegalStateException("not a place of classes: " + source.getLocation(), e);
    }
  }
}
