package dev.gridstride.backend.cuda;

import java.util.List;

/**
 * The project's own kernels by the name of their file, for example {@code conv2d}. On a card the
 * packaged cubin for it, or the packaged source compiled on first use; on the simulated device the
 * packaged host image, plain or with the checker.
 */
public final class KernelImages {
  private static final String SOURCE = ".cu";

  private KernelImages() {}

  /** Names of all files, without ending. */
  public static List<String> names() {
    return Resources.list(Resources.KERNELS).stream()
        .filter(name -> name.endsWith(SOURCE))
        .map(KernelImages::strip)
        .toList();
  }

  /**
   * The packaged source of a file.
   *
   * @throws IllegalArgumentException if there is none of this name; the message names those that
   *     there are
   */
  public static KernelSource source(String name) {
    String file = strip(name) + SOURCE;
    String text = Resources.text(Resources.KERNELS + file);
    if (text == null) {
      throw new IllegalArgumentException(
          "no kernel file " + file + "; there are " + String.join(", ", names()));
    }
    return KernelSource.of(file, text);
  }

  /**
   * Finds or compiles a file for a device.
   *
   * @param checked with the checker, on the simulated device only
   * @throws IllegalArgumentException if there is no such file, or the checker is asked for on a
   *     card
   * @throws dev.gridstride.backend.BackendException if the card is too old, or has to be compiled
   *     for and there is no compiler
   */
  public static KernelImage find(CudaDevice device, String name, boolean checked) {
    KernelSource source = source(name);
    device.requireSupported();
    String plain = strip(name);
    byte[] packaged =
        device.driver().isSimulated()
            ? Resources.bytes(
                Resources.NATIVE + "kernels/" + plain + (checked ? ".checked.so" : ".so"))
            : checked ? null : cubin(plain, device.computeCapability());
    if (packaged != null) {
      return new KernelImage(source.name(), packaged, "", KernelDeclarations.parse(source.text()));
    }
    return KernelCompiler.of(device)
        .compile(source, checked ? CompileOptions.CHECKED : CompileOptions.DEFAULT);
  }

  /** As {@link #find}, and loads it. */
  public static CudaModule load(CudaContext context, String name, boolean checked) {
    return context.load(find(context.device(), name, checked));
  }

  /** The packaged cubin of the card's own generation or the next lower that it runs, or null. */
  private static byte[] cubin(String name, ComputeCapability card) {
    for (int minor = card.minor(); minor >= 0; minor--) {
      String arch = new ComputeCapability(card.major(), minor).arch();
      byte[] bytes = Resources.bytes(Resources.KERNELS + name + "." + arch + ".cubin");
      if (bytes != null) {
        return bytes;
      }
    }
    return null;
  }

  private static String strip(String name) {
    return name.endsWith(SOURCE) ? name.substring(0, name.length() - SOURCE.length()) : name;
  }
}
