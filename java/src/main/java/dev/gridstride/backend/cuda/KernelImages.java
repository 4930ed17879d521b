package dev.gridstride.backend.cuda;

import dev.gridstride.backend.BackendException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Function;

/**
 * The project's own kernels by the name of their file, for example {@code conv2d}. On a card the
 * packaged cubin for it, or the packaged source compiled on first use; on the simulated device the
 * packaged host image, plain or with the checker.
 */
public final class KernelImages {
  private static final String SOURCE = ".cu";

  /** Packaged images that were read, by the name of their file. */
  private static final Map<String, KernelImage> PACKAGED = new ConcurrentHashMap<>();

  /** What the user was told already. */
  private static final Set<String> TOLD = ConcurrentHashMap.newKeySet();

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
   * @throws dev.gridstride.backend.BackendException if the card or its driver is too old, or the
   *     card has to be compiled for and there is no compiler
   */
  public static KernelImage find(CudaDevice device, String name, boolean checked) {
    device.requireSupported();
    ImageChoice choice = choose(device, name, checked);
    if (!choice.note().isEmpty() && TOLD.add(choice.note())) {
      KernelCompiler.tell("cuda: " + choice.note());
    }
    return choice.image().get();
  }

  private static ImageChoice choose(CudaDevice device, String name, boolean checked) {
    KernelSource source = source(name);
    if (device.driver().isSimulated()) {
      return ImageChoice.simulated(strip(name), checked, () -> KernelCompiler.of(device));
    }
    if (checked) {
      throw KernelCompiler.noChecker(source);
    }
    return ImageChoice.of(strip(name), device.asCard(), PackagedCubins.get(), KernelCompiler::find);
  }

  /**
   * What {@link #find} would give for each file, as text by name; an error's message where it would
   * fail.
   */
  public static Map<String, String> describe(CudaDevice device) {
    return describe(name -> choose(device, name, false));
  }

  /** As {@link #describe(CudaDevice)}, for a card that is not open. */
  static Map<String, String> describe(ImageChoice.Card card) {
    PackagedCubins cubins = PackagedCubins.get();
    Function<ImageChoice.Card, KernelCompiler> compiler = findOnce();
    return describe(name -> ImageChoice.of(name, card, cubins, compiler));
  }

  /** Why a card gets no image of some file, or null. */
  static String problem(ImageChoice.Card card) {
    PackagedCubins cubins = PackagedCubins.get();
    Function<ImageChoice.Card, KernelCompiler> compiler = findOnce();
    try {
      names().forEach(name -> ImageChoice.of(name, card, cubins, compiler));
      return null;
    } catch (BackendException e) {
      return e.getMessage();
    }
  }

  /** Looks for a card's compiler when first asked; nvcc is a process that tells its version. */
  private static Function<ImageChoice.Card, KernelCompiler> findOnce() {
    Map<ImageChoice.Card, Optional<KernelCompiler>> found = new HashMap<>();
    return card ->
        found.computeIfAbsent(card, c -> Optional.ofNullable(KernelCompiler.find(c))).orElse(null);
  }

  private static Map<String, String> describe(Function<String, ImageChoice> choose) {
    Map<String, String> all = new TreeMap<>();
    for (String name : names()) {
      try {
        ImageChoice choice = choose.apply(name);
        String note = choice.note().isEmpty() ? "" : " (" + choice.note() + ")";
        all.put(name, choice.description() + note);
      } catch (BackendException e) {
        all.put(name, "missing: " + e.getMessage());
      }
    }
    return all;
  }

  /** As {@link #find}, and loads it. */
  public static CudaModule load(CudaContext context, String name, boolean checked) {
    return context.load(find(context.device(), name, checked));
  }

  /** A packaged image, read once. */
  static KernelImage packaged(String name, String resource) {
    return PACKAGED.computeIfAbsent(resource, r -> read(source(name), r));
  }

  private static KernelImage read(KernelSource source, String resource) {
    byte[] bytes = Resources.bytes(resource);
    return new KernelImage(source.name(), bytes, "", KernelDeclarations.parse(source.text()));
  }

  private static String strip(String name) {
    return name.endsWith(SOURCE) ? name.substring(0, name.length() - SOURCE.length()) : name;
  }
}
