package dev.gridstride.backend.cuda;

import com.sun.jna.Pointer;
import com.sun.jna.ptr.LongByReference;
import com.sun.jna.ptr.PointerByReference;
import dev.gridstride.backend.BackendException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/** Compiles for a card by NVRTC, in this process. */
final class NvrtcCompiler extends KernelCompiler {
  private final Nvrtc nvrtc;

  /** What the code is for, at most the card's own generation. */
  private final ComputeCapability target;

  /** Machine code; else PTX, which the driver of a card newer than NVRTC compiles further. */
  private final boolean machineCode;

  NvrtcCompiler(Nvrtc nvrtc, ComputeCapability card) {
    this.nvrtc = nvrtc;
    List<ComputeCapability> known = nvrtc.targets();
    target =
        known.stream()
            .filter(t -> t.compareTo(card) <= 0)
            .max(Comparator.naturalOrder())
            .orElseThrow(
                () ->
                    new BackendException(
                        "cuda: NVRTC "
                            + nvrtc.version()
                            + " compiles for "
                            + known.get(0).arch()
                            + " and later; the card is "
                            + card.arch()));
    machineCode = card.runs(target);
  }

  @Override
  String identity() {
    return "NVRTC " + nvrtc.version();
  }

  @Override
  String target() {
    return machineCode ? target.arch() : target.arch().replace("sm_", "compute_");
  }

  @Override
  Output run(KernelSource source, CompileOptions options) {
    List<String> flags = new ArrayList<>();
    flags.add("--gpu-architecture=" + target());
    flags.add("--std=c++17");
    flags.add("--generate-line-info");
    if (machineCode) {
      flags.add("--ptxas-options=-v");
    }
    for (Path folder : folders(source, options)) {
      flags.add("--include-path=" + folder);
    }
    options.defines().forEach((name, value) -> flags.add("--define-macro=" + name + "=" + value));

    Nvrtc.Functions functions = nvrtc.functions();
    PointerByReference program = new PointerByReference();
    check(
        functions.nvrtcCreateProgram(
            program,
            source.text(),
            source.name(),
            1,
            new String[] {header()},
            new String[] {HEADER}),
        "nvrtcCreateProgram",
        source);
    try {
      Pointer handle = program.getValue();
      int status =
          functions.nvrtcCompileProgram(handle, flags.size(), flags.toArray(new String[0]));
      String log = log(handle, source);
      if (status != 0) {
        throw new CompileException(
            source.name() + " for " + target(),
            identity(),
            log.isBlank() ? functions.nvrtcGetErrorString(status) : log);
      }
      return new Output(code(handle, source), log);
    } finally {
      functions.nvrtcDestroyProgram(program);
    }
  }

  private String log(Pointer program, KernelSource source) {
    LongByReference size = new LongByReference();
    check(
        nvrtc.functions().nvrtcGetProgramLogSize(program, size), "nvrtcGetProgramLogSize", source);
    byte[] log = new byte[Math.toIntExact(size.getValue())];
    check(nvrtc.functions().nvrtcGetProgramLog(program, log), "nvrtcGetProgramLog", source);
    return new String(log, 0, Math.max(0, log.length - 1), StandardCharsets.UTF_8);
  }

  private byte[] code(Pointer program, KernelSource source) {
    Nvrtc.Functions functions = nvrtc.functions();
    LongByReference size = new LongByReference();
    String call = machineCode ? "nvrtcGetCUBINSize" : "nvrtcGetPTXSize";
    check(
        machineCode
            ? functions.nvrtcGetCUBINSize(program, size)
            : functions.nvrtcGetPTXSize(program, size),
        call,
        source);
    byte[] code = new byte[Math.toIntExact(size.getValue())];
    check(
        machineCode ? functions.nvrtcGetCUBIN(program, code) : functions.nvrtcGetPTX(program, code),
        call,
        source);
    return code;
  }

  private void check(int status, String call, KernelSource source) {
    if (status != 0) {
      throw new BackendException(
          "cuda: "
              + call
              + " failed, compiling "
              + source
              + ": "
              + nvrtc.functions().nvrtcGetErrorString(status)
              + " ("
              + status
              + ")");
    }
  }
}
