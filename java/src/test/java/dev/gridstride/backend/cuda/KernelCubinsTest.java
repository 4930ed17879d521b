package dev.gridstride.backend.cuda;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Every kernel compiles for every architecture that the compiler at hand knows, and all forms of a
 * kernel (source, cubins, host image) have the same entry points and parameters.
 */
class KernelCubinsTest {
  private static final Pattern ARCHITECTURE = Pattern.compile("sm_\\d+");

  static List<String> files() {
    return KernelImages.names();
  }

  /** What nvcc compiled for when the jar was built; empty without nvcc. */
  private static List<String> architectures() {
    List<String> found = new ArrayList<>();
    String report = Resources.text(Resources.KERNELS + "kernels.txt");
    if (report != null) {
      String heading = report.lines().filter(l -> l.startsWith("kernel ")).findFirst().orElse("");
      Matcher matcher = ARCHITECTURE.matcher(heading);
      while (matcher.find()) {
        found.add(matcher.group());
      }
    }
    return found;
  }

  @Test
  void thereAreKernels() {
    assertFalse(files().isEmpty(), "no packaged kernels");
  }

  @ParameterizedTest
  @MethodSource("files")
  void cubinsDeclareWhatTheSourceDoes(String file) {
    assumeTrue(!architectures().isEmpty(), "skipped: the kernels were built without nvcc");
    for (String architecture : architectures()) {
      byte[] cubin = Resources.bytes(Resources.KERNELS + file + "." + architecture + ".cubin");
      assertNotNull(cubin, file + " has no cubin for " + architecture);
      assertAgree(file + " for " + architecture, declared(file), Cubin.kernels(cubin));
    }
  }

  @ParameterizedTest
  @MethodSource("files")
  void hostImagesDeclareWhatTheSourceDoes(String file) {
    Simulated.require();
    try (CudaContext context = CudaDriver.simulated().device(0).createContext()) {
      for (boolean checked : new boolean[] {false, true}) {
        try (CudaModule module = KernelImages.load(context, file, checked)) {
          Map<String, Map<Integer, Cubin.Parameter>> image = new TreeMap<>();
          for (String kernel : declared(file).keySet()) {
            image.put(kernel, parameters(module.kernel(kernel).layout()));
          }
          assertAgree(file + " for the simulated device", declared(file), image);
        }
      }
    }
  }

  /** Where nvcc was not there to do it; CardCompilersTest has NVRTC compile for one in any case. */
  @ParameterizedTest
  @MethodSource("files")
  void nvrtcCompilesForAllThatItKnows(String file) {
    Nvrtc nvrtc = Nvrtc.find();
    assumeTrue(architectures().isEmpty(), "skipped: nvcc has compiled for all that it knows");
    assumeTrue(nvrtc != null, "skipped: " + Nvrtc.howToGet());
    ComputeCapability least = new ComputeCapability(7, 5);
    int compiled = 0;
    for (ComputeCapability target : nvrtc.targets()) {
      if (target.compareTo(least) >= 0) {
        KernelImage image =
            new NvrtcCompiler(nvrtc, target)
                .compile(KernelImages.source(file), CompileOptions.DEFAULT);
        assertAgree(file + " for " + target, declared(file), Cubin.kernels(image.code()));
        compiled++;
      }
    }
    assertTrue(compiled > 0, "NVRTC " + nvrtc.version() + " knows nothing from sm_75 on");
  }

  private static Map<String, List<KernelParameter>> declared(String file) {
    Map<String, List<KernelParameter>> declared =
        KernelDeclarations.parse(KernelImages.source(file).text()).kernels();
    assertFalse(declared.isEmpty(), file + ".cu declares no kernel");
    return declared;
  }

  private static Map<Integer, Cubin.Parameter> parameters(ParameterLayout layout) {
    Map<Integer, Cubin.Parameter> parameters = new TreeMap<>();
    for (int i = 0; i < layout.parameters().size(); i++) {
      parameters.put(
          i, new Cubin.Parameter(layout.offsets().get(i), layout.parameters().get(i).bytes()));
    }
    return parameters;
  }

  /** By the rules of C: each parameter at the next multiple of its size. */
  private static Map<Integer, Cubin.Parameter> parameters(List<KernelParameter> declared) {
    Map<Integer, Cubin.Parameter> parameters = new TreeMap<>();
    int end = 0;
    for (KernelParameter parameter : declared) {
      int offset = ParameterLayout.align(end, parameter.alignment());
      parameters.put(parameters.size(), new Cubin.Parameter(offset, parameter.bytes()));
      end = offset + parameter.bytes();
    }
    return parameters;
  }

  private static void assertAgree(
      String what,
      Map<String, List<KernelParameter>> declared,
      Map<String, Map<Integer, Cubin.Parameter>> compiled) {
    assertEquals(
        new TreeMap<>(declared).keySet(),
        new TreeMap<>(compiled).keySet(),
        what + ": entry points");
    declared.forEach(
        (kernel, parameters) ->
            assertEquals(
                parameters(parameters), compiled.get(kernel), what + ": parameters of " + kernel));
  }
}
