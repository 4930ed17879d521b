package dev.gridstride.data;

import dev.gridstride.files.CacheFolder;
import dev.gridstride.program.Shape;
import dev.gridstride.program.Size2d;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Finds, fetches and loads data sets by name.
 *
 * <p>A known set is looked for in the folder that the user names (that folder itself or a folder in
 * it by the set's usual name, or the home's archive in it), then in the {@linkplain #cacheFolder
 * cache}, then where the system's packages put it; else it is fetched into the cache, as Debian's
 * package where there is one, or from its home. What is fetched has its checksum verified. Data
 * that are found but damaged are an error; nothing else is taken in their place.
 */
public final class Datasets {
  /** The set that {@link #load} chooses by itself. */
  public static final String AUTO = "auto";

  private static final String CIFAR10 = "cifar10";
  private static final String FASHION_MNIST = "fashion-mnist";
  private static final Shape SYNTHETIC_SHAPE = Shape.of(3, 32, 32);
  private static final int SYNTHETIC_CLASSES = 10;
  private static final int SYNTHETIC_TRAIN = 5_000;
  private static final int SYNTHETIC_TEST = 1_000;

  private Datasets() {}

  /**
   * How to load.
   *
   * @param cache the cache folder; see {@link #cacheFolder}
   * @param fetch whether what is not on this machine may be fetched
   * @param imageSize the size that images of a folder get, or empty to demand that they share one
   * @param seed of the synthetic set
   * @param progress hears of downloads and decoding
   */
  public record Options(
      Path cache, boolean fetch, Optional<Size2d> imageSize, long seed, Progress progress) {
    /** The user's cache folder, fetching allowed, images as they are, seed 0, no progress. */
    public static Options defaults() {
      return new Options(cacheFolder(), true, Optional.empty(), 0, Progress.NONE);
    }

    /** These options with another cache folder. */
    public Options withCache(Path folder) {
      return new Options(folder, fetch, imageSize, seed, progress);
    }

    /** These options with fetching allowed or not. */
    public Options withFetch(boolean allowed) {
      return new Options(cache, allowed, imageSize, seed, progress);
    }

    /** These options with images brought to this size. */
    public Options withImageSize(Size2d size) {
      return new Options(cache, fetch, Optional.of(size), seed, progress);
    }

    /** These options with another seed of the synthetic set. */
    public Options withSeed(long newSeed) {
      return new Options(cache, fetch, imageSize, newSeed, progress);
    }

    /** These options with another listener. */
    public Options withProgress(Progress listener) {
      return new Options(cache, fetch, imageSize, seed, listener);
    }
  }

  /** All names that {@link #load} takes. */
  public static List<String> names() {
    List<String> names = new ArrayList<>(List.of(AUTO));
    list().forEach(known -> names.add(known.name()));
    names.addAll(List.of("folder", "npy", "synthetic"));
    return List.copyOf(names);
  }

  /** The known public data sets. */
  public static List<KnownDataset> list() {
    return Catalog.sources().stream().map(Source::about).toList();
  }

  /**
   * The user's cache folder: {@code $GRIDSTRIDE_CACHE}, or else {@code $XDG_CACHE_HOME/gridstride},
   * or else {@code ~/.cache/gridstride}. It need not be there yet.
   */
  public static Path cacheFolder() {
    return CacheFolder.get();
  }

  /**
   * Where a known data set is on this machine: its folder, or the archive that holds it; nothing is
   * fetched or read.
   *
   * @param dataFolder a folder to look in first, or null
   * @throws DataException if there is no such data set or folder
   */
  public static Optional<Path> locate(String name, Path dataFolder, Options options) {
    return finder(dataFolder, options).find(source(name)).map(Finder.Found::path);
  }

  /**
   * Sees to it that a known data set is on this machine, fetching it into the cache if it is not
   * yet; returns its folder.
   *
   * @throws DataException if it cannot be had; the message says which file to put where
   */
  public static Path fetch(String name, Options options) {
    Source source = source(name);
    Finder finder = finder(null, options);
    Optional<Finder.Found> found = finder.find(source);
    return finder.folder(source, found.isPresent() ? found.get() : finder.fetch(source));
  }

  /**
   * Loads a data set.
   *
   * <ul>
   *   <li>{@code auto}: CIFAR-10 if it is found or can be downloaded, otherwise Fashion-MNIST
   *   <li>the name of a {@linkplain #list known set}: that set or an error
   *   <li>{@code folder}: images in {@code dataFolder}, a folder a class; see {@link Images}
   *   <li>{@code npy}: NumPy arrays in {@code dataFolder}, {@code x_train}, {@code y_train}, {@code
   *       x_test} and {@code y_test} as {@code .npy} or together in one {@code .npz}
   *   <li>{@code synthetic}: {@link Synthetic}, 5,000 and 1,000 images [3,32,32] of 10 classes
   * </ul>
   *
   * @param dataFolder where to look first, or null
   * @throws DataException if it is not to be had, is damaged or does not fit
   */
  public static LoadedData load(String name, Path dataFolder, Options options) {
    return switch (name) {
      case AUTO -> auto(dataFolder, options, source(CIFAR10), source(FASHION_MNIST));
      case "folder" -> files(ImageFolderReader.read(needed(name, dataFolder), options), dataFolder);
      case "npy" -> files(NpySetReader.read(needed(name, dataFolder)), dataFolder);
      case "synthetic" -> synthetic(options.seed());
      default -> known(source(name), finder(dataFolder, options), options);
    };
  }

  /** CIFAR-10 or else Fashion-MNIST, from wherever their sources say. */
  static LoadedData auto(Path dataFolder, Options options, Source first, Source second) {
    Finder finder = finder(dataFolder, options);
    Optional<Finder.Found> found = finder.find(first);
    String why = "not in " + finder.places(first);
    if (found.isEmpty() && options.fetch()) {
      try {
        found = Optional.of(finder.fetch(first));
      } catch (DataException e) {
        why += ", and " + reason(e);
      }
    }
    if (found.isPresent()) {
      return read(first, finder, found.get(), "auto");
    }
    String note = "auto; " + first.about().name() + " not used: " + why;
    Finder.Found other;
    try {
      other = found(second, finder, options);
    } catch (DataException e) {
      throw new DataException(note + ". " + e.getMessage(), e);
    }
    return read(second, finder, other, note);
  }

  private static String reason(DataException failure) {
    Throwable cause = failure.getCause();
    return cause == null ? failure.getMessage() : cause.getMessage();
  }

  private static LoadedData known(Source source, Finder finder, Options options) {
    return read(source, finder, found(source, finder, options), "");
  }

  private static Finder.Found found(Source source, Finder finder, Options options) {
    Optional<Finder.Found> found = finder.find(source);
    if (found.isPresent()) {
      return found.get();
    }
    if (!options.fetch()) {
      throw new DataException(
          source.about().name()
              + ": not in "
              + finder.places(source)
              + ", and fetching is off. "
              + finder.cure(source));
    }
    return finder.fetch(source);
  }

  private static LoadedData read(Source source, Finder finder, Finder.Found found, String note) {
    Parts parts = source.reader().apply(finder.folder(source, found));
    String why = note.isEmpty() ? found.how() : found.how() + "; " + note;
    return new LoadedData(
        parts.train(),
        parts.test(),
        "data set: " + source.about().name() + " from " + found.path() + " (" + why + ")");
  }

  private static LoadedData files(Parts parts, Path dataFolder) {
    String what = parts.train() + ", test " + parts.test().size();
    return new LoadedData(
        parts.train(), parts.test(), "data set: " + what + ", from " + dataFolder + " (--data)");
  }

  private static LoadedData synthetic(long seed) {
    Dataset train =
        Synthetic.of(
            "synthetic train", SYNTHETIC_SHAPE, SYNTHETIC_CLASSES, SYNTHETIC_TRAIN, seed, 0);
    Dataset test =
        Synthetic.of("synthetic test", SYNTHETIC_SHAPE, SYNTHETIC_CLASSES, SYNTHETIC_TEST, seed, 1);
    return new LoadedData(train, test, "data set: synthetic, drawn from seed " + seed);
  }

  private static Path needed(String name, Path dataFolder) {
    if (dataFolder == null) {
      throw DataException.expected(
          "--dataset " + name, "the folder of the data with --data DIR", "none");
    }
    return dataFolder;
  }

  private static Finder finder(Path dataFolder, Options options) {
    Download download = Download.patient(options.progress());
    return new Finder(dataFolder, options.cache(), download, options.progress());
  }

  private static Source source(String name) {
    return Catalog.sources().stream()
        .filter(source -> source.about().name().equals(name))
        .findFirst()
        .orElseThrow(
            () -> DataException.expected("data set", "one of " + String.join(", ", names()), name));
  }
}
