package dev.gridstride.backend.cuda;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.gridstride.backend.BackendException;
import jcuda.nvrtc.JNvrtc;
import jcuda.nvrtc.nvrtcProgram;
import org.junit.jupiter.api.Test;

/**
 * With CUDA 12's or 13's compiler on this machine, or in the folder that GRIDSTRIDE_CUDA_LIBRARIES
 * names, JNvrtc compiles a kernel; without, loading says what is missing.
 */
class JCudaNvrtcTest {
  private static final String SOURCE =
      "extern \"C\" __global__ void set(float* y, float a, int n) {"
          + " int i = blockIdx.x * blockDim.x + threadIdx.x; if (i < n) y[i] = a; }";

  @Test
  void compilesOrSaysWhatIsMissing() {
    if (Nvrtc.ofMajor(12) == null && Nvrtc.ofMajor(13) == null) {
      String message = assertThrows(BackendException.class, JCudaNvrtc::load).getMessage();
      assertTrue(message.contains("libnvrtc.so.12 or .13") && message.contains("install"), message);
      return;
    }
    assumeTrue(
        Nvrtc.ofMajor(12) != null || LibraryFiles.isPackaged("forward/libnvrtc.so.12"),
        "skipped, libnvrtc.so.12 is missing: this machine has CUDA 13 alone, and the build left out the"
            + " native library that forwards to it (libnvrtc.so.12 of native/forward)");
    String loaded = JCudaNvrtc.load();
    assertEquals(loaded, JCudaNvrtc.load());
    int[] major = new int[1];
    int[] minor = new int[1];
    assertEquals(0, JNvrtc.nvrtcVersion(major, minor));
    assertTrue(loaded.startsWith("NVRTC " + major[0] + "." + minor[0] + " ("), loaded);
    nvrtcProgram program = new nvrtcProgram();
    assertEquals(0, JNvrtc.nvrtcCreateProgram(program, SOURCE, "set.cu", 0, null, null));
    String[] options = {"--gpu-architecture=compute_80"};
    assertEquals(0, JNvrtc.nvrtcCompileProgram(program, options.length, options));
    String[] ptx = new String[1];
    assertEquals(0, JNvrtc.nvrtcGetPTX(program, ptx));
    assertTrue(ptx[0].contains(".entry set("), ptx[0]);
    assertEquals(0, JNvrtc.nvrtcDestroyProgram(program));
  }
}
