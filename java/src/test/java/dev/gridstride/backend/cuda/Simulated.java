package dev.gridstride.backend.cuda;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;

/** What tests on the simulated device share. */
public final class Simulated {
  private Simulated() {}

  /** Skips the test, with the reason, where there is no simulated device. */
  public static void require() {
    String problem = Simulator.unavailableReason();
    assumeTrue(problem == null, "skipped, no simulated device: " + problem);
  }

  /** As {@link #require}, where there is no C++ compiler either. */
  public static void requireCompiler() {
    require();
    String cxx = System.getenv().getOrDefault("CXX", "g++");
    assumeTrue(!Command.version(cxx).isEmpty(), "skipped, no C++ compiler: " + cxx);
  }

  static CudaDevice device() {
    require();
    return CudaDriver.simulated().device(0);
  }

  static CudaContext open() {
    return device().createContext();
  }

  /** A source among the test resources. */
  static KernelSource source(String name) {
    try (InputStream in = Simulated.class.getResourceAsStream("/cuda/" + name)) {
      return KernelSource.of(name, new String(in.readAllBytes(), StandardCharsets.UTF_8));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The kernels of {@code launches.cu}. */
  static CudaModule launches(CudaContext context) {
    requireCompiler();
    return context.load(
        KernelCompiler.of(context.device()).compile(source("launches.cu"), CompileOptions.DEFAULT));
  }
}
