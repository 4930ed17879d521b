package dev.gridstride.data;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * Fetches a Debian package and takes its files, without root and without installing it: {@code
 * apt-get download} (which verifies the package's checksum against Debian's signed lists) and
 * {@code dpkg-deb -x}.
 *
 * <p>If apt knows no such package, because this machine's package lists are missing, private lists
 * are fetched with {@code apt-get update} into a temporary folder and used instead.
 */
final class DebianPackage {
  private static final long MINUTES = 10;
  private static final int LINES_SHOWN = 3;

  private final String name;
  private final Progress progress;

  DebianPackage(String name, Progress progress) {
    this.name = name;
    this.progress = progress;
  }

  /**
   * Puts the package's folder {@code inPackage} (absolute) to {@code target}, a new folder whose
   * parent is there.
   *
   * @throws DataException with the reason alone, for the caller to say what to do about it
   */
  void fetch(Path inPackage, Path target) {
    Path aptGet = tool("apt-get");
    Path dpkgDeb = tool("dpkg-deb");
    Path work = DataFiles.temporaryFolder(target);
    try {
      progress.update("apt-get download " + name, 0, -1);
      Path deb = download(aptGet, work);
      Path root = Files.createDirectory(work.resolve("root"));
      run(work, List.of(dpkgDeb.toString(), "-x", deb.toString(), root.toString()));
      Path folder = root.resolve(inPackage.getRoot().relativize(inPackage));
      if (!Files.isDirectory(folder)) {
        throw DataException.expected("Debian package " + name, "the folder " + inPackage, "none");
      }
      DataFiles.publish(folder, target);
    } catch (IOException e) {
      throw DataException.io("unpack Debian's package " + name + " to", target, e);
    } finally {
      DataFiles.deleteTree(work);
    }
  }

  private Path download(Path aptGet, Path work) throws IOException {
    List<String> command =
        List.of(
            aptGet.toString(), "-q", "-o", "Acquire::Retries=1", "-o", "Acquire::http::Timeout=15");
    try {
      run(work, join(command, "download", name));
    } catch (DataException e) {
      withPrivateLists(command, work, e);
    }
    try (var files = Files.newDirectoryStream(work, name + "_*.deb")) {
      for (Path file : files) {
        return file;
      }
    }
    throw DataException.expected("apt-get download " + name, "a file " + name + "_*.deb", "none");
  }

  /** Fetches package lists into {@code work} and downloads by them. */
  private void withPrivateLists(List<String> command, Path work, DataException failure)
      throws IOException {
    Path lists = work.resolve("lists");
    Path cache = work.resolve("cache");
    Files.createDirectories(lists.resolve("partial"));
    Files.createDirectories(cache.resolve("archives").resolve("partial"));
    List<String> own =
        join(command, "-o", "Dir::State::lists=" + lists, "-o", "Dir::Cache=" + cache);
    progress.update("apt-get update (lists of our own)", 0, -1);
    String trouble;
    try {
      trouble = run(work, join(own, "update"));
    } catch (DataException e) {
      // One of the sources may be out of reach and Debian's not: the download will tell.
      trouble = e.getMessage();
    }
    try {
      run(work, join(own, "download", name));
    } catch (DataException e) {
      throw new DataException(
          failure.getMessage() + "; with lists of its own: " + e.getMessage() + "; " + trouble, e);
    }
  }

  private static List<String> join(List<String> command, String... more) {
    List<String> joined = new ArrayList<>(command);
    joined.addAll(List.of(more));
    return joined;
  }

  private static Path tool(String tool) {
    String path = System.getenv().getOrDefault("PATH", "");
    for (String folder : path.split(File.pathSeparator, -1)) {
      if (!folder.isEmpty() && Files.isExecutable(Path.of(folder, tool))) {
        return Path.of(folder, tool);
      }
    }
    throw new DataException(tool + " is not on the PATH: this is no Debian or Ubuntu");
  }

  /** Runs a command in {@code work}; returns what it complained of. */
  private static String run(Path work, List<String> command) throws IOException {
    Path log = work.resolve("log");
    ProcessBuilder builder = new ProcessBuilder(command).directory(work.toFile());
    builder.redirectErrorStream(true).redirectOutput(log.toFile());
    builder.redirectInput(ProcessBuilder.Redirect.from(new File("/dev/null")));
    builder.environment().put("LC_ALL", "C");
    Process process = builder.start();
    int words = command.size();
    String shown =
        Path.of(command.get(0)).getFileName()
            + " "
            + String.join(" ", command.subList(Math.max(1, words - 2), words));
    try {
      if (!process.waitFor(MINUTES, TimeUnit.MINUTES)) {
        throw new DataException(shown + ": not done within " + MINUTES + " minutes");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new DataException(shown + ": interrupted", e);
    } finally {
      process.destroy();
    }
    if (process.exitValue() != 0) {
      throw new DataException(
          shown + ": exit code " + process.exitValue() + ": " + complaints(log));
    }
    return complaints(log);
  }

  private static String complaints(Path log) {
    List<String> lines =
        DataFiles.lines(log).stream()
            .filter(line -> line.matches("(E:|W: Failed|dpkg).*"))
            .distinct()
            .toList();
    return String.join("; ", lines.subList(Math.max(0, lines.size() - LINES_SHOWN), lines.size()));
  }
}
