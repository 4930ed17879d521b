package dev.gridstride.backend.cuda;

import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * The project's own kernels by the name of their file, for example {@code conv2d}. On a card the
 * packaged cubin for it, or the packaged source compiled on first use; on the simulated device the
 * packaged host image, plain or with the checker.
 */
public final class KernelImages {
  private static final String SOURCE = ".cu";

  /** Packaged images that were read, by the name of their file. */
  private static final Map<String, KernelImage> PACKAGED = new ConcurrentHashMap<>();

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
    device.requireSupported();
    String packaged = packaged(device, strip(name), checked);
    return packaged != null
        ? PACKAGED.computeIfAbsent(packaged, resource -> read(source(name), resource))
        : KernelCompiler.of(device)
            .compile(source(name), checked ? CompileOptions.CHECKED : CompileOptions.DEFAULT);
  }

  private static KernelImage read(KernelSource source, String resource) {
    byte[] bytes = Resources.bytes(resource);
    return new KernelImage(source.name(), bytes, "", KernelDeclarations.parse(source.text()));
  }

  /** As {@link #find}, and loads it. */
  public static CudaModule load(CudaContext context, String name, boolean checked) {
    return context.load(find(context.device(), name, checked));
  }

  /**
   * The packaged image for a device, or null: on the simulated one its host image, on a card the
   * cubin of its own generation or the next lower that it runs.
   */
  private static String packaged(CudaDevice device, String name, boolean checked) {
    if (device.driver().isSimulated()) {
      String image = Resources.NATIVE + "kernels/" + name + (checked ? ".checked.so" : ".so");
      return Resources.exists(image) ? image : null;
    }
    if (checked) {
      return null;
    }
    ComputeCapability card = device.computeCapability();
    for (int minor = card.minor(); minor >= 0; minor--) {
      String arch = new ComputeCapability(card.major(), minor).arch();
      String cubin = Resources.KERNELS + name + "." + arch + ".cubin";
      if (Resources.exists(cubin)) {
        return cubin;
      }
    }
    return null;
  }

  private static String strip(String name) {
    return name.endsWith(SOURCE) ? name.substring(0, name.length() - SOURCE.length()) : name;
  }
}
