package dev.gridstride.backend.cuda.program;

import dev.gridstride.backend.cuda.CompileOptions;
import dev.gridstride.backend.cuda.CudaContext;
import dev.gridstride.backend.cuda.CudaModule;
import dev.gridstride.backend.cuda.KernelCompiler;
import dev.gridstride.backend.cuda.KernelImage;
import dev.gridstride.backend.cuda.KernelImages;
import dev.gridstride.backend.cuda.KernelSource;
import java.util.Objects;

/** Where kernels come from: a source that is compiled for the device, or a compiled image. */
public final class KernelCode {
  /** A packaged file's name, a {@link KernelSource} or a {@link KernelImage}. */
  private final Object code;

  private final CompileOptions options;

  private KernelCode(Object code, CompileOptions options) {
    this.code = Objects.requireNonNull(code);
    this.options = options;
  }

  /** One of the project's own files, by its name without ending. */
  static KernelCode packaged(String file) {
    return new KernelCode(file, CompileOptions.DEFAULT);
  }

  /**
   * CUDA C++, compiled when a program that needs it is compiled: on a card by NVRTC or {@code
   * nvcc}, on the simulated device by the C++ compiler of this machine. What was compiled is kept
   * in the cache folder.
   */
  public static KernelCode of(KernelSource source) {
    return of(source, CompileOptions.DEFAULT);
  }

  /** As {@link #of(KernelSource)}, with macros, folders of headers, or the checker. */
  public static KernelCode of(KernelSource source, CompileOptions options) {
    return new KernelCode(source, options);
  }

  /** A cubin, PTX or fat binary for a card, or a host image for the simulated device. */
  public static KernelCode of(KernelImage image) {
    return new KernelCode(image, CompileOptions.DEFAULT);
  }

  /**
   * Finds or compiles it for the context's device, and loads it.
   *
   * @param checked with the checker even if the options do not ask for it
   */
  CudaModule load(CudaContext context, boolean checked) {
    if (code instanceof String file) {
      return KernelImages.load(context, file, checked);
    }
    if (code instanceof KernelImage image) {
      return context.load(image);
    }
    CompileOptions used =
        new CompileOptions(
            checked || options.checked(), options.defines(), options.includeFolders());
    return context.load(KernelCompiler.of(context.device()).compile((KernelSource) code, used));
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof KernelCode that
        && code.equals(that.code)
        && options.equals(that.options);
  }

  @Override
  public int hashCode() {
    return Objects.hash(code, options);
  }

  /** The file's name. */
  @Override
  public String toString() {
    return code instanceof String file ? file + ".cu" : code.toString();
  }
}
