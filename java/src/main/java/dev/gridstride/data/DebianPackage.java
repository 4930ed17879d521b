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
    Path work = null;
    try {
      work = Files.createTempDirectory(target.toAbsolutePath().getParent(), ".debian.");
      progress.update("apt-get download " + name, 0, -1);
      Path deb = download(aptGet, work);
      Path root = Files.createDirectory(work.resolve("root"));
      run(work, List.of(dpkgDeb.toString(), "-x", deb.toString(), root.toString()));
      Path folder = root.resolve(inPackage.getRoot().relativize(inPackage));
      if (!Files.isDirectory(folder)) {
        throw DataException.expected("Debian package " + name, "the folder " + inPackage, "none");
      }
      Archive.publish(folder, target);
    } catch (IOException e) {
      throw DataException.io("unpack Debian's package " + name + " into", target.getParent(), e);
    } finally {
      if (work != null) {
        DataFiles.deleteTree(work);
      }
    }
  }

  private Path download(Path aptGet, Path work) throws IOException {
    List<String> command = new ArrayList<>(List.of(aptGet.toString(), "-q"));
    for (String option : List.of("Acquire::Retries=1", "Acquire::http::Timeout=15")) {
      command.addAll(List.of("-o", option));
    }
    List<String> download = new ArrayList<>(command);
    download.addAll(List.of("download", name));
    try {
      run(work, download);
    } catch (DataException systemLists) {
      download = withPrivateLists(command, work);
      try {
        run(work, download);
      } catch (DataException e) {
        throw new DataException(
            systemLists.getMessage() + "; with lists of its own: " + e.getMessage(), e);
      }
    }
    try (var files = Files.newDirectoryStream(work, name + "_*.deb")) {
      for (Path file : files) {
        return file;
      }
    }
    throw DataException.expected("apt-get download " + name, "a file " + name + "_*.deb", "none");
  }

  /** Fetches package lists into {@code work}; returns the download command that uses them. */
  private List<String> withPrivateLists(List<String> command, Path work) throws IOException {
    Path lists = Files.createDirectories(work.resolve("lists").resolve("partial"));
    Path cache = Files.createDirectories(work.resolve("cache").resolve("archives/partial"));
    List<String> own = new ArrayList<>(command);
    own.addAll(List.of("-o", "Dir::State::lists=" + lists.getParent()));
    own.addAll(List.of("-o", "Dir::Cache=" + cache.getParent().getParent()));
    List<String> update = new ArrayList<>(own);
    update.add("update");
    progress.update("apt-get update (private lists)", 0, -1);
    try {
      run(work, update);
    } catch (DataException e) {
      // One of the sources may be out of reach and Debian's not: the download will tell.
      System.getLogger(getClass().getName()).log(System.Logger.Level.DEBUG, e.getMessage());
    }
    own.addAll(List.of("download", name));
    return own;
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

  /** Runs a command in {@code work}; its output is part of the error if it fails. */
  private static void run(Path work, List<String> command) throws IOException {
    Path log = work.resolve("log");
    ProcessBuilder builder = new ProcessBuilder(command).directory(work.toFile());
    builder.redirectErrorStream(true).redirectOutput(log.toFile());
    builder.redirectInput(ProcessBuilder.Redirect.from(new File("/dev/null")));
    builder.environment().put("LC_ALL", "C");
    Process process = builder.start();
    String shown = String.join(" ", command);
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
          shown + ": exit code " + process.exitValue() + ": " + lastErrors(log));
    }
  }

  private static String lastErrors(Path log) {
    List<String> lines =
        DataFiles.lines(log).stream()
            .filter(line -> line.startsWith("E:") || line.startsWith("dpkg"))
            .toList();
    return String.join("; ", lines.subList(Math.max(0, lines.size() - LINES_SHOWN), lines.size()));
  }
}
