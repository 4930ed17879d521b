package dev.gridstride.backend.cuda;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Compiles for a card by NVIDIA's {@code nvcc}, where there is no NVRTC. */
final class NvccCompiler extends KernelCompiler {
  private static final Pattern RELEASE = Pattern.compile("nvcc (\\d+)\\.");

  private final Path nvcc;
  private final ComputeCapability target;
  private final String identity;

  NvccCompiler(Path nvcc, ComputeCapability target) {
    this.nvcc = nvcc;
    this.target = target;
    // The line in the middle has the release: "Cuda compilation tools, release 13.0, V13.0.48".
    String version = Command.version(nvcc.toString());
    this.identity =
        "nvcc "
            + version
                .lines()
                .filter(line -> line.contains("release"))
                .map(line -> line.substring(line.indexOf("release") + "release ".length()))
                .findFirst()
                .orElse(version);
  }

  /** The compiler on the path, or null. */
  static Path find() {
    return Command.find("nvcc");
  }

  /** Whether a card's driver takes machine code of this toolkit. */
  boolean fits(ImageChoice.Card card) {
    Matcher release = RELEASE.matcher(identity);
    return release.lookingAt() && Integer.parseInt(release.group(1)) <= card.driver() / 1000;
  }

  @Override
  String identity() {
    return identity;
  }

  @Override
  String target() {
    return target.arch();
  }

  @Override
  Output run(KernelSource source, CompileOptions options) {
    Path header =
        NativeFolder.unpack(Resources.KERNELS + "include/", HEADER, "kernels").getParent();
    Path output = Command.output(".cubin");
    List<String> command = new ArrayList<>();
    command.addAll(List.of(nvcc.toString(), "-std=c++17", "-cubin", "-arch=" + target.arch()));
    command.addAll(List.of("-lineinfo", "-Xptxas", "-v"));
    for (Path folder : folders(source, options)) {
      command.addAll(List.of("-I", folder.toString()));
    }
    command.addAll(List.of("-I", header.toString()));
    options.defines().forEach((name, value) -> command.add("-D" + name + "=" + value));
    command.addAll(List.of("-o", output.toString(), Command.file(source).toString()));
    Command.Result result = Command.run(command);
    if (result.status() != 0) {
      throw new CompileException(
          source.name() + " for " + target.arch(), identity, result.output());
    }
    return new Output(Command.take(output), result.output());
  }
}
