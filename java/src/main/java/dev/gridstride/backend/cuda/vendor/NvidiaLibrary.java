package dev.gridstride.backend.cuda.vendor;

import com.sun.jna.Function;
import com.sun.jna.ptr.IntByReference;
import dev.gridstride.backend.BackendException;
import java.util.List;

/** A library of NVIDIA that JCuda's natives ask the dynamic linker for by name. */
enum NvidiaLibrary {
  /** Matrix products. */
  CUBLAS(
      "cuBLAS",
      "libcublas.so.12",
      12,
      "libcublas.so.11",
      "libcublas.so.13",
      "libcublas(Lt)?\\.so\\.12",
      "jcuda.jcublas.JCublas2"),
  /** Convolutions and what else networks are made of. */
  CUDNN(
      "cuDNN",
      "libcudnn.so.9",
      9,
      "libcudnn.so.8",
      "libcudnn.so.10",
      "lib(cudnn(_\\w+)?\\.so\\.9|cublasLt\\.so\\.12|nvrtc.*\\.so\\.12(\\.\\d+)?)",
      "jcuda.jcudnn.JCudnn");

  /** What the libraries themselves look for by name, in an order in which each finds the next. */
  static final List<String> COMPANIONS =
      List.of(
          "libcublasLt.so.12",
          "libcublasLt.so.13",
          "libnvrtc-builtins.so.12.6",
          "libnvrtc.so.12",
          "libnvrtc.so.13");

  private final String title;
  private final String soname;
  private final int major;
  private final String older;
  private final String newer;
  private final String files;
  private final String className;

  NvidiaLibrary(
      String title,
      String soname,
      int major,
      String older,
      String newer,
      String files,
      String className) {
    this.title = title;
    this.soname = soname;
    this.major = major;
    this.older = older;
    this.newer = newer;
    this.files = files;
    this.className = className;
  }

  /** Its name for people. */
  String title() {
    return title;
  }

  /** The name that the linker is asked for. */
  String soname() {
    return soname;
  }

  /** The version that JCuda is made for. */
  int major() {
    return major;
  }

  /** Other versions that people have. */
  List<String> others() {
    return List.of(older, newer);
  }

  /** Pattern of the names of all its files. */
  String files() {
    return files;
  }

  /** JCuda's class for it. */
  String className() {
    return className;
  }

  /**
   * The version that a loaded library says it is.
   *
   * @throws BackendException if it does not say
   */
  LibraryVersion version(DynamicLinker.Library library) {
    if (this == CUDNN) {
      long number = function(library, "cudnnGetVersion").invokeLong(new Object[0]);
      // 9.5.1 is 90501; up to version 8 it was 1000 for the major number.
      int unit = number >= 10_000 ? 10_000 : 1000;
      return new LibraryVersion(
          (int) (number / unit), (int) (number % unit / 100), (int) (number % 100));
    }
    return new LibraryVersion(property(library, 0), property(library, 1), property(library, 2));
  }

  private static int property(DynamicLinker.Library library, int which) {
    IntByReference value = new IntByReference(-1);
    int status = function(library, "cublasGetProperty").invokeInt(new Object[] {which, value});
    if (status != 0) {
      throw new BackendException("cublasGetProperty failed with status " + status);
    }
    return value.getValue();
  }

  private static Function function(DynamicLinker.Library library, String name) {
    Function function = library.function(name);
    if (function == null) {
      throw new BackendException("it has no function " + name);
    }
    return function;
  }

  /** How to get it. */
  String cure() {
    String debian = this == CUBLAS ? "libcublas-12-6" : "cudnn9-cuda-12";
    return "install it (NVIDIA's package repository: "
        + debian
        + "), name the folder that has it with "
        + LibrarySearch.VARIABLE
        + ", or build with -Pvendor-libraries, which brings it along";
  }
}
