package dev.gridstride.backend.cuda;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The compilers for cards; they need no card. */
class CardCompilersTest {
  private static final ComputeCapability TARGET = ComputeCapability.parse("9.0");
  private static final String SAXPY =
      """
      #include "gridstride.cuh"
      extern "C" __global__ void saxpy(float* y, const float* x, float a, int n) {
        int i = blockIdx.x * blockDim.x + threadIdx.x;
        if (i < n) y[i] += a * x[i] * SCALE;
      }
      """;

  private final List<String> told = new ArrayList<>();

  static Stream<String> compilers() {
    return Stream.of("nvrtc", "nvcc");
  }

  private static KernelCompiler compiler(String name) {
    if (name.equals("nvcc")) {
      assumeTrue(NvccCompiler.find() != null, "skipped: no nvcc on the path");
      return new NvccCompiler(NvccCompiler.find(), TARGET);
    }
    Nvrtc nvrtc = Nvrtc.find();
    assumeTrue(nvrtc != null, "skipped: " + Nvrtc.howToGet());
    return new NvrtcCompiler(nvrtc, TARGET);
  }

  @BeforeEach
  void listen() {
    KernelCompiler.tellTo(told::add);
  }

  @AfterEach
  void stopListening() {
    KernelCompiler.tellTo(System.err::println);
  }

  @ParameterizedTest
  @MethodSource("compilers")
  void compilesOnceAndTellsTheUser(String name) {
    KernelCompiler compiler = compiler(name);
    KernelSource source = KernelSource.of("saxpy.cu", SAXPY + "// " + System.nanoTime() + "\n");
    CompileOptions options = CompileOptions.DEFAULT.define("SCALE", "2.0f");
    KernelImage image = compiler.compile(source, options);
    ImageFormat format = ImageFormat.of(image.bytes());
    assertEquals(ImageFormat.Kind.CUBIN, format.kind());
    assertEquals(TARGET, format.target());
    assertTrue(image.log().contains("registers"), image.log());
    assertEquals(List.of("saxpy"), image.kernelNames());
    assertEquals(1, told.size(), told.toString());
    assertTrue(
        told.get(0).matches("compiled saxpy.cu for sm_90 with NV.* in [0-9.]+ s, kept in .*")
            || told.get(0)
                .matches("compiled saxpy.cu for sm_90 with nvcc .* in [0-9.]+ s, kept in .*"),
        told.get(0));

    KernelImage again = compiler.compile(source, options);
    assertEquals(1, told.size(), "compiled twice: " + told);
    assertEquals(image.log(), again.log());
    assertTrue(java.util.Arrays.equals(image.bytes(), again.bytes()));
  }

  @ParameterizedTest
  @MethodSource("compilers")
  void errorsAreTheCompilersOwnWords(String name) {
    KernelCompiler compiler = compiler(name);
    KernelSource source = KernelSource.of("saxpy.cu", SAXPY);
    CompileException error =
        assertThrows(
            CompileException.class, () -> compiler.compile(source, CompileOptions.DEFAULT));
    assertTrue(
        error.getMessage().startsWith("saxpy.cu for sm_90 does not compile ("), error.getMessage());
    assertTrue(
        error.log().contains("saxpy.cu(4): error: identifier \"SCALE\" is undefined"), error.log());
    assertTrue(told.isEmpty(), told.toString());
  }

  @ParameterizedTest
  @MethodSource("compilers")
  void theCheckerIsNotForCards(String name) {
    KernelCompiler compiler = compiler(name);
    IllegalArgumentException error =
        assertThrows(
            IllegalArgumentException.class,
            () -> compiler.compile(KernelSource.of("k.cu", SAXPY), CompileOptions.CHECKED));
    assertTrue(error.getMessage().contains("compute-sanitizer"), error.getMessage());
  }

  @Test
  void nvrtcCompilesEveryPackagedKernel() {
    Nvrtc nvrtc = Nvrtc.find();
    assumeTrue(nvrtc != null, "skipped: " + Nvrtc.howToGet());
    for (String file : KernelImages.names()) {
      KernelImage image =
          new NvrtcCompiler(nvrtc, TARGET)
              .compile(KernelImages.source(file), CompileOptions.DEFAULT);
      assertEquals(ImageFormat.Kind.CUBIN, ImageFormat.of(image.bytes()).kind(), file);
    }
  }

  @Test
  void nvrtcMakesPtxForCardsThatAreNewerThanItself() {
    Nvrtc nvrtc = Nvrtc.find();
    assumeTrue(nvrtc != null, "skipped: " + Nvrtc.howToGet());
    KernelCompiler compiler = new NvrtcCompiler(nvrtc, ComputeCapability.parse("19.0"));
    KernelImage image =
        compiler.compile(
            KernelSource.of("saxpy.cu", SAXPY), CompileOptions.DEFAULT.define("SCALE", "1"));
    assertEquals(ImageFormat.Kind.PTX, ImageFormat.of(image.bytes()).kind());
    assertTrue(compiler.target().startsWith("compute_"), compiler.target());
  }

  @Test
  void aMissingNvrtcSaysHowToGetIt() {
    String text = Nvrtc.howToGet();
    assertTrue(text.contains("libnvrtc.so.12"), text);
    assertTrue(text.contains("CUDA toolkit 12.0 or later"), text);
    assertTrue(text.contains("-Dgridstride.nvrtc="), text);
  }
}
