package dev.gridstride.backend.cuda;

import dev.gridstride.backend.BackendException;

/**
 * Makes JCuda's {@code JNvrtc} work for programs that call it. Its native library asks for {@code
 * libnvrtc.so.12}, exactly. On a machine that has CUDA 13 alone, a small library of that name
 * passes the calls on to {@code libnvrtc.so.13}. Gridstride itself takes either version as it is.
 */
public final class JCudaNvrtc {
  private static final int WANTED = 12;
  private static final int NEWER = 13;
  private static final String FORWARDING = "forward/libnvrtc.so.12";

  private JCudaNvrtc() {}

  /**
   * Loads what {@code JNvrtc} needs, and it, for the rest of the process; to be called before it is
   * first used. CUDA 12's library is taken where there is one.
   *
   * @return version and file of the compiler that calls go to
   * @throws BackendException if this machine has neither version; how to get one
   */
  public static synchronized String load() {
    Nvrtc nvrtc = Nvrtc.ofMajor(WANTED);
    String note = "";
    if (nvrtc == null) {
      nvrtc = Nvrtc.ofMajor(NEWER);
      if (nvrtc == null) {
        throw new BackendException("cuda: NVRTC for JNvrtc: " + Nvrtc.missing());
      }
      if (!LibraryFiles.isPackaged(FORWARDING)) {
        throw new BackendException(
            "cuda: JNvrtc wants libnvrtc.so.12, found is "
                + nvrtc.library()
                + ", and this build has no library that passes calls on to it; build with g++ and"
                + " CMake on the path (see native/README.md)");
      }
      // It asks the linker for the newer one by name, which is loaded now.
      System.load(LibraryFiles.unpack(FORWARDING).toString());
      note = ", through Gridstride's own libnvrtc.so.12";
    }
    LibraryFiles.loadJCuda("jcuda.nvrtc.JNvrtc");
    return "NVRTC " + nvrtc.version() + " (" + nvrtc.library() + ")" + note;
  }
}
