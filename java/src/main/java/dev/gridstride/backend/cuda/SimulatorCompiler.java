package dev.gridstride.backend.cuda;

import dev.gridstride.backend.BackendException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;

/**
 * Compiles for the simulated device: the packaged {@code simcc}, which hands over to the C++
 * compiler named by {@code CXX}, or {@code g++}.
 */
final class SimulatorCompiler extends KernelCompiler {
  private static final String PROGRAM = "simcc";

  private static SimulatorCompiler instance;

  private final Path program;
  private final Path header;
  private final String identity;

  private SimulatorCompiler() {
    String cxx = System.getenv().getOrDefault("CXX", "g++");
    String version = Command.version(cxx);
    if (version.isEmpty()) {
      throw new BackendException(
          "cuda: no C++ compiler for the simulated device: "
              + cxx
              + " does not run; install g++, or name another in the environment variable CXX");
    }
    program = NativeFolder.unpack(Resources.NATIVE, PROGRAM, "");
    if (!program.toFile().setExecutable(true)) {
      throw new BackendException("cuda: cannot make " + program + " executable");
    }
    StringBuilder parts = new StringBuilder();
    parts.append(version.lines().findFirst().orElse("")).append('\n').append(hash(PROGRAM));
    for (String name : Resources.list(Resources.NATIVE + "include/")) {
      NativeFolder.unpack(Resources.NATIVE + "include/", name, "include");
      parts.append('\n').append(hash("include/" + name));
    }
    header = NativeFolder.unpack(Resources.KERNELS + "include/", HEADER, "kernels").getParent();
    identity = parts.toString();
  }

  /** Finds the compiler and unpacks what it needs, once. */
  static synchronized SimulatorCompiler get() {
    if (instance == null) {
      instance = new SimulatorCompiler();
    }
    return instance;
  }

  private static String hash(String name) {
    byte[] bytes = Resources.bytes(Resources.NATIVE + name);
    return name + " " + HexFormat.of().formatHex(CacheKey.sha256().digest(bytes));
  }

  @Override
  void requirePossible(KernelSource source, CompileOptions options) {
    // Everything is.
  }

  @Override
  String identity() {
    return identity;
  }

  @Override
  String target() {
    return "the simulated device";
  }

  @Override
  Output run(KernelSource source, CompileOptions options) {
    Path output = Command.output(".so");
    List<String> command = new ArrayList<>(List.of(program.toString(), "-O2"));
    if (options.checked()) {
      command.add("--checked");
    }
    for (Path folder : folders(source, options)) {
      command.addAll(List.of("-I", folder.toString()));
    }
    command.addAll(List.of("-I", header.toString()));
    options.defines().forEach((name, value) -> command.addAll(List.of("-D", name + "=" + value)));
    command.addAll(List.of("-o", output.toString(), Command.file(source).toString()));
    Command.Result result = Command.run(command);
    if (result.status() != 0) {
      throw new CompileException(
          source.name(), identity.lines().findFirst().orElse(""), result.output());
    }
    return new Output(Command.take(output), result.output());
  }
}
