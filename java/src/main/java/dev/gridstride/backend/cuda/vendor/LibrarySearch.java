package dev.gridstride.backend.cuda.vendor;

import dev.gridstride.backend.BackendException;
import dev.gridstride.backend.cuda.CudaDriver;
import dev.gridstride.backend.cuda.LibraryFiles;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;

/**
 * Finds NVIDIA's libraries. For a card, the first of these that has one of the right version:
 *
 * <ol>
 *   <li>the folders that {@value #PROPERTY} or {@value #VARIABLE} names
 *   <li>where the system looks for libraries
 *   <li>{@code $CUDA_HOME/lib64}, {@code $CUDA_PATH/lib64}, {@code /usr/local/cuda/lib64}
 *   <li>the jar that the Maven profile {@code vendor-libraries} brings
 *   <li>for cuBLAS, a small library that passes its calls on to that of CUDA 13
 * </ol>
 *
 * <p>On the simulated device it is the simulated library, always.
 */
final class LibrarySearch {
  /** Names folders to look into first, with {@code :} between them. */
  static final String VARIABLE = "GRIDSTRIDE_CUDA_LIBRARIES";

  /** The same as a system property, which comes before the variable. */
  static final String PROPERTY = "gridstride.cuda.libraries";

  private static final String FORWARD = "forward/";
  private static final String SIMULATED = "simulated";

  private static final Map<NvidiaLibrary, LoadedLibrary> LOADED =
      new EnumMap<>(NvidiaLibrary.class);

  private final NvidiaLibrary wanted;

  /** Whether to look into the jar and behind it. */
  private final boolean everywhere;

  /** What was tried in vain, for the message. */
  private final List<String> misses = new ArrayList<>();

  private LibrarySearch(NvidiaLibrary wanted, boolean everywhere) {
    this.wanted = wanted;
    this.everywhere = everywhere;
  }

  /**
   * Loads a library and JCuda's class for it, for the rest of the process.
   *
   * @throws BackendException if it is missing or of another version; the message names what is
   *     wanted, what was found and the cure
   */
  static synchronized LoadedLibrary load(NvidiaLibrary wanted, boolean simulated) {
    LoadedLibrary loaded = LOADED.get(wanted);
    if (loaded == null) {
      loaded = simulated ? simulated(wanted) : find(wanted);
      LibraryFiles.loadJCuda(wanted.className());
      LOADED.put(wanted, loaded);
    }
    return loaded;
  }

  /**
   * Finds a library for a card.
   *
   * @return it, loaded; to be closed if it is not to stay so
   */
  static LoadedLibrary find(NvidiaLibrary wanted) {
    return new LibrarySearch(wanted, true).find();
  }

  /** The same for a report, for which nothing is unpacked: a line. */
  static String describe(NvidiaLibrary wanted) {
    String packed = RedistJar.name(wanted);
    try {
      LoadedLibrary found = new LibrarySearch(wanted, packed == null).find();
      found.handle().close();
      return found.line();
    } catch (BackendException e) {
      return packed == null
          ? e.getMessage() + "; needed only for --impl"
          : wanted.title() + ": in " + packed + ", unpacked when it is first used";
    }
  }

  private static LoadedLibrary simulated(NvidiaLibrary wanted) {
    if (!LibraryFiles.isPackaged(wanted.soname())) {
      throw new BackendException(
          wanted.title()
              + ": the simulated "
              + wanted.soname()
              + " is left out of this build; build with g++ and CMake on the path (see"
              + " native/README.md)");
    }
    DynamicLinker.Library other = DynamicLinker.loaded(wanted.soname());
    if (other != null) {
      throw new BackendException(
          wanted.title()
              + ": this process has loaded "
              + other.file()
              + " and cannot load the simulated one too; say before it starts that it shall use the"
              + " simulated device: -D"
              + CudaDriver.PROPERTY
              + "=sim");
    }
    String file = LibraryFiles.unpack(wanted.soname()).toString();
    DynamicLinker.Library handle = DynamicLinker.open(file);
    return new LoadedLibrary(wanted, handle, wanted.version(handle), file, SIMULATED);
  }

  private LoadedLibrary find() {
    List<Supplier<LoadedLibrary>> places = new ArrayList<>();
    List<Path> told = told();
    told.forEach(this::openCompanions);
    told.forEach(folder -> places.add(() -> in(folder, "named by " + tellingName())));
    places.add(() -> opened(wanted.soname(), wanted.major(), "on the system's library path"));
    cudaFolders().forEach(folder -> places.add(() -> in(folder, "in CUDA's folder")));
    if (everywhere) {
      places.add(this::fromJar);
    }
    if (everywhere && wanted == NvidiaLibrary.CUBLAS) {
      places.add(this::forwarded);
    }
    for (Supplier<LoadedLibrary> place : places) {
      LoadedLibrary found = place.get();
      if (found != null) {
        return found;
      }
    }
    throw new BackendException(
        wanted.title()
            + ": wanted is "
            + wanted.soname()
            + " (version "
            + wanted.major()
            + "), found is none: "
            + String.join("; ", misses)
            + others()
            + "; "
            + wanted.cure());
  }

  private static String tellingName() {
    return System.getProperty(PROPERTY, "").isEmpty() ? VARIABLE : "-D" + PROPERTY;
  }

  /** The folders that the user names. */
  static List<Path> told() {
    String text = System.getProperty(PROPERTY, "");
    if (text.isEmpty()) {
      text = System.getenv().getOrDefault(VARIABLE, "");
    }
    List<Path> folders = new ArrayList<>();
    for (String part : text.split(":")) {
      if (!part.isBlank()) {
        folders.add(Path.of(part.strip()));
      }
    }
    return folders;
  }

  private static List<Path> cudaFolders() {
    List<Path> folders = new ArrayList<>();
    for (String variable : List.of("CUDA_HOME", "CUDA_PATH")) {
      String home = System.getenv(variable);
      if (home != null && !home.isBlank()) {
        folders.add(Path.of(home, "lib64"));
      }
    }
    folders.add(Path.of("/usr/local/cuda/lib64"));
    folders.add(Path.of("/usr/local/cuda-12/lib64"));
    return folders;
  }

  /** The library in a folder, or null. */
  private LoadedLibrary in(Path folder, String source) {
    Path file = folder.resolve(wanted.soname());
    if (!Files.exists(file)) {
      misses.add("not in " + folder);
      return null;
    }
    return opened(file.toAbsolutePath().toString(), wanted.major(), source);
  }

  private LoadedLibrary fromJar() {
    try {
      Path folder = RedistJar.unpack(wanted);
      if (folder == null) {
        misses.add("no jar of -Pvendor-libraries on the class path");
        return null;
      }
      return in(folder, "unpacked from the jar of -Pvendor-libraries");
    } catch (BackendException e) {
      misses.add(e.getMessage());
      return null;
    }
  }

  /** The library that passes calls on to CUDA 13's, if that is there; else null. */
  private LoadedLibrary forwarded() {
    String packaged = FORWARD + wanted.soname();
    if (!LibraryFiles.isPackaged(packaged)) {
      misses.add("no " + wanted.soname() + " for CUDA 13 in this build");
      return null;
    }
    for (Path folder : told()) {
      // The forwarding library asks for it by name, and gets what is loaded.
      openQuietly(folder.resolve("libcublas.so.13"));
    }
    DynamicLinker.Library forward = DynamicLinker.open(LibraryFiles.unpack(packaged).toString());
    String problem = text(forward, "gridstride_forward_problem");
    if (problem != null) {
      misses.add(problem);
      forward.close();
      return null;
    }
    return checked(
        forward,
        text(forward, "gridstride_forward_target"),
        wanted.major() + 1,
        "through Gridstride's own " + wanted.soname());
  }

  private static String text(DynamicLinker.Library library, String function) {
    return library.function(function).invokeString(new Object[0], false);
  }

  /** The library of this file or name if it is one of the version; else null. */
  private LoadedLibrary opened(String name, int major, String source) {
    DynamicLinker.Library library;
    try {
      library = DynamicLinker.open(name);
    } catch (BackendException e) {
      misses.add(e.getMessage());
      return null;
    }
    return checked(library, library.file(), major, source);
  }

  private LoadedLibrary checked(
      DynamicLinker.Library library, String file, int major, String source) {
    String problem;
    try {
      LibraryVersion version = wanted.version(library);
      if (library.function("gridstride_simulated_library") != null) {
        problem = file + " is the simulated one, for no card";
      } else if (version.major() == major) {
        return new LoadedLibrary(wanted, library, version, file, source);
      } else {
        problem = file + " is version " + version + ", wanted is " + major;
      }
    } catch (BackendException e) {
      problem = file + ": " + e.getMessage();
    }
    misses.add(problem);
    library.close();
    return null;
  }

  /** What the library itself will look for by name: found, if it is loaded already. */
  private void openCompanions(Path folder) {
    NvidiaLibrary.COMPANIONS.forEach(name -> openQuietly(folder.resolve(name)));
  }

  private static void openQuietly(Path file) {
    if (Files.exists(file)) {
      try {
        DynamicLinker.open(file.toAbsolutePath().toString());
      } catch (BackendException e) {
        // The library that needs it will say so.
        System.getLogger(LibrarySearch.class.getName())
            .log(System.Logger.Level.DEBUG, "not loaded: " + file, e);
      }
    }
  }

  /** Other versions that are here, in the words of a message's end. */
  private String others() {
    List<String> found = new ArrayList<>();
    List<Path> folders = new ArrayList<>(told());
    folders.addAll(cudaFolders());
    for (String name : wanted.others()) {
      folders.stream()
          .map(folder -> folder.resolve(name))
          .filter(Files::exists)
          .map(Path::toString)
          .forEach(found::add);
      String onPath = onLibraryPath(name);
      if (onPath != null) {
        found.add(onPath);
      }
    }
    return found.isEmpty() ? "" : "; there is " + String.join(", ", found);
  }

  /** The file of a library that the system finds, or null. */
  private static String onLibraryPath(String name) {
    try {
      DynamicLinker.Library library = DynamicLinker.open(name);
      String file = library.file();
      library.close();
      return file;
    } catch (BackendException e) {
      return null;
    }
  }
}
