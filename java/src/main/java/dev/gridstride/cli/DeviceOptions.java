package dev.gridstride.cli;

import dev.gridstride.backend.Backend;
import dev.gridstride.backend.BackendException;
import dev.gridstride.backend.Backends;
import dev.gridstride.backend.ImplementationChoice;
import dev.gridstride.backend.Precision;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Options that choose the device. */
final class DeviceOptions {
  @Spec(Spec.Target.MIXEE)
  private CommandSpec spec;

  @Option(
      names = "--device",
      paramLabel = "NAME",
      defaultValue = "auto",
      description = {
        "cuda (an NVIDIA card; cuda:1 is the second), cpu, sim (CUDA kernels",
        "on a simulated card), reference, or auto: cuda if there is a card,",
        "otherwise cpu. A device named is never replaced by another.",
        "(default: ${DEFAULT-VALUE}; see 'gridstride doctor')"
      })
  private String device;

  @Option(
      names = "--threads",
      paramLabel = "N",
      defaultValue = "0",
      description = "Threads of a CPU device. (default: one for each processor)")
  private int threads;

  @Option(
      names = "--precision",
      paramLabel = "NAME",
      description = {
        "Of convolutions and matrix products: float32, or on CUDA cards",
        "from compute capability 8.0 also tf32 or bf16; weights and files",
        "are float32 in each. (default: float32, or that of --resume)"
      })
  private String precision;

  @Option(
      names = "--impl",
      paramLabel = "LIST",
      description = {
        "Who computes on CUDA devices: own (our kernels), cudnn or cublas",
        "(preferred where it takes an op, else own), auto (what was",
        "measured as fastest, else own), tune (as auto, but measures what",
        "is not known and keeps it); for single ops OP=NAME, as in",
        "cudnn,dense=cublas, which is an error where NAME does not take",
        "it. With nondeterministic in the list, also algorithms whose",
        "results differ from run to run. (default: own, or that of",
        "--resume; see 'gridstride explain')"
      })
  private String impl;

  /** Whether {@code --impl} was given. */
  boolean asksForImplementations() {
    return impl != null;
  }

  /** The implementations asked for, or else these. */
  ImplementationChoice implementations(ImplementationChoice otherwise) {
    if (impl == null) {
      return otherwise;
    }
    try {
      return ImplementationChoice.parse(impl);
    } catch (BackendException e) {
      throw new ParameterException(spec.commandLine(), "--impl " + impl + ": " + e.getMessage(), e);
    }
  }

  /** The precision asked for, or else this one. */
  Precision precision(Precision otherwise) {
    if (precision == null) {
      return otherwise;
    }
    List<String> names = Stream.of(Precision.values()).map(Precision::toString).toList();
    Choices.check(spec, "--precision", precision, names);
    return Precision.of(precision);
  }

  /** Opens the device; the caller closes its session. */
  Backends.Choice open() {
    return open(precision(Precision.FLOAT32), implementations(ImplementationChoice.DEFAULT));
  }

  /** Opens the device with these; the caller closes its session. */
  Backends.Choice open(Precision wanted, ImplementationChoice implementations) {
    if (threads < 0) {
      throw new ParameterException(
          spec.commandLine(), "--threads must be at least 1, or 0 for all; got " + threads);
    }
    List<String> names = new ArrayList<>(List.of("auto"));
    Backends.all().stream().map(Backend::name).forEach(names::add);
    Choices.check(spec, "--device", device.split(":", 2)[0], names);
    if (!device.matches("\\w+(:[0-9]+)?")) {
      throw new ParameterException(
          spec.commandLine(), "--device " + device + ": expected NAME or NAME:INDEX, as in cuda:1");
    }
    return Backends.open(
        device,
        dev.gridstride.backend.DeviceOptions.DEFAULT
            .withThreads(threads)
            .withPrecision(wanted)
            .withImplementations(implementations));
  }

  /** Threads that a CPU device uses. */
  int threads() {
    return threads == 0 ? Runtime.getRuntime().availableProcessors() : threads;
  }
}
