package dev.gridstride.backend.cuda;

import dev.gridstride.backend.BackendException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** A compiler run as a process of its own. */
final class Command {
  private Command() {}

  /** Exit status and all that was printed. */
  record Result(int status, String output) {}

  /**
   * Runs it to the end.
   *
   * @throws BackendException if it cannot be started, or the thread is interrupted
   */
  static Result run(List<String> command) {
    Process process;
    try {
      process = new ProcessBuilder(command).redirectErrorStream(true).start();
      process.getOutputStream().close();
    } catch (IOException e) {
      throw new BackendException("cuda: cannot run " + command.get(0) + ": " + e.getMessage(), e);
    }
    try {
      byte[] output = process.getInputStream().readAllBytes();
      return new Result(process.waitFor(), new String(output, StandardCharsets.UTF_8));
    } catch (IOException e) {
      throw new BackendException("cuda: cannot read what " + command.get(0) + " says", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new BackendException("cuda: interrupted while running " + command.get(0), e);
    } finally {
      process.destroy();
    }
  }

  /** The program of this name on the path, or null. */
  static Path find(String name) {
    for (String folder : System.getenv().getOrDefault("PATH", "").split(":")) {
      Path file = Path.of(folder, name);
      if (!folder.isEmpty() && Files.isExecutable(file)) {
        return file;
      }
    }
    return null;
  }

  /** The first line that a program prints when asked for its version, or empty. */
  static String version(String program) {
    try {
      Result result = run(List.of(program, "--version"));
      return result.status() == 0 ? result.output().strip() : "";
    } catch (BackendException e) {
      return "";
    }
  }

  /** The source as a file: its own, or its text in the process's folder. */
  static Path file(KernelSource source) {
    if (source.file() != null) {
      return source.file();
    }
    Path folder =
        NativeFolder.get()
            .resolve("sources")
            .resolve(Integer.toHexString(source.text().hashCode()));
    Path file = folder.resolve(source.name());
    try {
      Files.createDirectories(folder);
      Files.writeString(file, source.text());
      return file;
    } catch (IOException e) {
      throw new BackendException("cuda: cannot write " + file + ": " + e, e);
    }
  }

  /** Reads and removes what a compiler wrote. */
  static byte[] take(Path file) {
    try {
      byte[] bytes = Files.readAllBytes(file);
      Files.delete(file);
      return bytes;
    } catch (IOException e) {
      throw new BackendException("cuda: cannot read " + file + ": " + e, e);
    }
  }

  /** A new file's name for a compiler to write to. */
  static Path output(String ending) {
    try {
      return Files.createTempFile(NativeFolder.get(), "image", ending);
    } catch (IOException e) {
      throw new BackendException("cuda: cannot write to " + NativeFolder.get() + ": " + e, e);
    }
  }
}
