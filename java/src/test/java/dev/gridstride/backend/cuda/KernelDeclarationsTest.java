package dev.gridstride.backend.cuda;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Kernels and their parameters as read from a source. */
class KernelDeclarationsTest {
  private static String parse(String source) {
    StringBuilder text = new StringBuilder();
    for (Map.Entry<String, List<KernelParameter>> kernel :
        KernelDeclarations.parse(source).kernels().entrySet()) {
      text.append(kernel.getKey()).append(kernel.getValue());
    }
    return text.toString();
  }

  private static String sizes(String source) {
    StringBuilder text = new StringBuilder();
    for (KernelParameter p :
        KernelDeclarations.parse(source).kernels().values().iterator().next()) {
      text.append(p.kind().name().charAt(0)).append(p.bytes()).append(' ');
    }
    return text.toString().strip();
  }

  @Test
  void theOrdinaryForm() {
    assertEquals(
        "saxpy[float* y, float* x, float a, int n]",
        parse(
            """
            #include "gridstride.cuh"
            // y = a x + y
            extern "C" __global__ void __launch_bounds__(256)
            saxpy(float* __restrict__ y, const float* x, const float a, int n) {
              int i = blockIdx.x * blockDim.x + threadIdx.x;
              if (i < n) y[i] += a * x[i];
            }
            """));
  }

  @Test
  void sizesOfAllTypes() {
    assertEquals(
        "P8 I1 I1 B1 I2 I4 I4 I8 I8 I8 I8 F4 F8 F2",
        sizes(
            "extern \"C\" __global__ void k(void *p, char a, std::uint8_t b, bool c, unsigned short"
                + " d, unsigned e, int32_t f, long g, unsigned long long h, size_t i, i64 j, float"
                + " k, double l, __half m);"));
    assertEquals(
        "S16 S12 S8",
        sizes("extern \"C\" __global__ void k(float4 a, int3 b, const __grid_constant__ uint2 c)"));
  }

  @Test
  void parametersWithoutNames() {
    assertEquals(
        "k[float*, unsigned int, long long, float]",
        parse("extern \"C\" __global__ void k(float*, unsigned int, long long, const float);"));
    assertEquals("none[]", parse("extern \"C\" __global__ void none(void) {}"));
    assertEquals("none[]", parse("extern \"C\" __global__ void none() {}"));
  }

  @Test
  void pointersInAllForms() {
    assertEquals(
        "k[float** a, float* b, float* c, uint4* d]",
        parse(
            "extern \"C\" __global__ void k(float* const* __restrict__ a, float b[], float c[16],"
                + " uint4 const * __restrict__ d) {}"));
  }

  @Test
  void commentsStringsAndDirectivesAreNotCode() {
    assertEquals(
        "real[int n]",
        parse(
            """
            // __global__ void a(int n);
            /* __global__ void b(int n); */
            #define KERNEL __global__ \\
              void c(int n)
            const char* text = "__global__ void d(int n);";
            const char quote = '"';
            extern "C" __global__ void real(int n /* elements, (many) */) {}
            """));
  }

  @Test
  void aliasesOfScalarsAreKnown() {
    assertEquals(
        "I4 F4 I8 I8",
        sizes(
            """
            typedef unsigned int word;
            using real = float;
            typedef long long index;
            using count = index;
            extern "C" __global__ void k(word a, real b, index c, count d);
            """));
  }

  @Test
  void otherTypesHaveNoSize() {
    List<KernelParameter> parameters =
        KernelDeclarations.parse(
                "struct Window { int h, w; }; extern \"C\" __global__ void k(Window a,"
                    + " my::Type<int, 2> b, int c);")
            .kernels()
            .get("k");
    assertEquals(3, parameters.size());
    assertEquals(KernelParameter.Kind.STRUCTURE, parameters.get(0).kind());
    assertEquals(0, parameters.get(0).bytes());
    assertEquals("b", parameters.get(1).name());
    assertEquals("int c", parameters.get(2).toString());
  }

  @Test
  void templatesAndMacrosAreLeftOut() {
    assertEquals(
        "plain[int n]",
        parse(
            """
            template <int N> __global__ void generic(float* x) { x[0] = N; }
            template <typename T> __device__ T twice(T x) { return x + x; }
            extern "C" __global__ void plain(int n) {}
            #define MAKE(name) __global__ void name(float* x) {}
            MAKE(made)
            """));
  }

  @Test
  void onlyKernelsWithCLinkageAreFoundByName() {
    KernelDeclarations declarations =
        KernelDeclarations.parse(
            """
            extern "C" {
            #define N 4
            namespace inner { __global__ void a(int n) { if (n) { n = 0; } } }
            __global__ void b(int n) {}
            }
            __global__ void c(int n) {}
            extern "C" int other(int n);
            static __global__ void d(int n) {}
            extern "C" static __global__ void e(int n) {}
            """);
    assertEquals("[a, b, e]", declarations.kernels().keySet().toString());
    assertEquals(java.util.Set.of("c", "d"), declarations.mangled());
  }

  @Test
  void whatIsCutOffIsNoKernel() {
    assertEquals("", parse("extern \"C\" __global__ void k(float* x, int"));
    assertEquals("", parse("__global__"));
    assertEquals("", parse("__global__ int = 3;"));
    assertEquals("", parse(""));
  }

  @Test
  void everyPackagedKernelIsFound() {
    for (String name : KernelImages.names()) {
      String text = KernelImages.source(name).text();
      Map<String, List<KernelParameter>> kernels = KernelDeclarations.parse(text).kernels();
      assertTrue(!kernels.isEmpty(), name + " declares no kernel that is found");
      kernels.forEach(
          (kernel, parameters) ->
              parameters.forEach(
                  p -> assertTrue(p.bytes() > 0, name + ": " + kernel + ": size of " + p)));
    }
  }
}
