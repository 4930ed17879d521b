package dev.gridstride.backend.cuda;

import dev.gridstride.backend.BackendException;
import java.util.function.Function;
import java.util.function.Supplier;

/**
 * Which image of a kernel file a device loads.
 *
 * @param description for the user, for example {@code packaged cubin sm_90}
 * @param note why not the packaged cubin, if the user should know; else empty
 * @param image finds or compiles it
 */
record ImageChoice(String description, String note, Supplier<KernelImage> image) {
  /**
   * A card as far as it decides about images.
   *
   * @param name for messages
   * @param driver the CUDA version that its driver supports
   */
  record Card(String name, ComputeCapability capability, int driver) {}

  /**
   * The choice for a card: the packaged cubin if there is one that it and its driver take, or else
   * what a compiler makes of the packaged source.
   *
   * @param compiler finds a compiler whose code card and driver take, or null
   * @throws BackendException if there is neither; the message says how to get one
   */
  static ImageChoice of(
      String name, Card card, PackagedCubins cubins, Function<Card, KernelCompiler> compiler) {
    ComputeCapability target = cubins.best(name, card.capability());
    boolean tooNew = target != null && !cubins.fit(card.driver());
    if (target != null && !tooNew) {
      return new ImageChoice(
          "packaged cubin " + target.arch() + ", by " + cubins.toolkitText(),
          "",
          () -> KernelImages.packaged(name, PackagedCubins.resource(name, target)));
    }
    KernelCompiler found = compiler.apply(card);
    if (found == null) {
      throw new BackendException(tooNew ? driver(card, cubins) : none(card, cubins));
    }
    KernelSource source = KernelImages.source(name);
    boolean kept = found.isKept(source, CompileOptions.DEFAULT);
    return new ImageChoice(
        found.name()
            + (kept ? ", compiled before, in the cache: " : " compiles on first use: ")
            + found.target(),
        tooNew
            ? "the packaged cubins need a driver of CUDA "
                + cubins.toolkit() / 1000
                + ".0 or later, this one supports "
                + CudaDriver.text(card.driver())
                + "; "
                + found.name()
                + " compiles the sources instead"
            : "",
        () -> found.compile(source, CompileOptions.DEFAULT));
  }

  /** The choice for the simulated device. */
  static ImageChoice simulated(String name, boolean checked, Supplier<KernelCompiler> compiler) {
    String image = Resources.NATIVE + "kernels/" + name + (checked ? ".checked.so" : ".so");
    if (Resources.exists(image)) {
      return new ImageChoice("packaged host image", "", () -> KernelImages.packaged(name, image));
    }
    CompileOptions options = checked ? CompileOptions.CHECKED : CompileOptions.DEFAULT;
    return new ImageChoice(
        "the C++ compiler of this machine compiles on first use",
        "",
        () -> compiler.get().compile(KernelImages.source(name), options));
  }

  private static String driver(Card card, PackagedCubins cubins) {
    int major = cubins.toolkit() / 1000;
    return "the driver of "
        + card.name()
        + " is too old for the packaged kernels: it supports CUDA "
        + CudaDriver.text(card.driver())
        + ", they were built by "
        + cubins.toolkitText()
        + " and need CUDA "
        + major
        + ".0"
        + driverNumber(major)
        + " or later; update NVIDIA's driver, or install NVRTC of CUDA "
        + card.driver() / 1000
        + " (package cuda-nvrtc), which compiles the sources instead, or build with -Dnvcc=FILE of"
        + " such a toolkit"
        + tooNewCompiler();
  }

  private static String none(Card card, PackagedCubins cubins) {
    String have =
        cubins.targets().isEmpty()
            ? "this build has no cubins (it had no nvcc)"
            : "this build has no cubin for "
                + card.capability().arch()
                + ", only for "
                + String.join(
                    ", ",
                    cubins.targets().values().iterator().next().stream()
                        .map(ComputeCapability::arch)
                        .toList());
    return "no image of the kernels for "
        + card.name()
        + ": "
        + have
        + ", and no compiler: "
        + Nvrtc.howToGet()
        + ", or build with nvcc on the path"
        + tooNewCompiler();
  }

  private static String tooNewCompiler() {
    Nvrtc any = Nvrtc.find();
    return any == null
        ? ""
        : "; NVRTC " + any.version() + " is here, but does not fit card and driver";
  }

  /** The driver's own number, as people know it. */
  private static String driverNumber(int cudaMajor) {
    return switch (cudaMajor) {
      case 12 -> " (driver 525)";
      case 13 -> " (driver 580)";
      default -> "";
    };
  }
}
