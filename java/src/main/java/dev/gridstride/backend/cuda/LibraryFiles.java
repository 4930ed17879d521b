package dev.gridstride.backend.cuda;

import dev.gridstride.backend.BackendException;
import java.nio.file.Path;

/** Packaged native libraries, and JCuda's own: unpacked into a folder of this process. */
public final class LibraryFiles {
  private LibraryFiles() {}

  /**
   * Whether a file is packaged for this machine's kind.
   *
   * @param name with its folder in front, if it has one
   */
  public static boolean isPackaged(String name) {
    return Resources.exists(Resources.NATIVE + name);
  }

  /**
   * Unpacks a packaged file, once a process, and says where.
   *
   * @param name with its folder in front, if it has one
   * @throws BackendException if it is not packaged, or cannot be written
   */
  public static Path unpack(String name) {
    int end = name.lastIndexOf('/') + 1;
    String folder = name.substring(0, end);
    return NativeFolder.unpack(Resources.NATIVE + folder, name.substring(end), folder);
  }

  /**
   * Loads a class of JCuda with its native library, if the program has not done so. Whether JCuda
   * throws or returns its codes is left as the program has it. JCuda unpacks natives to fixed names
   * in {@code java.io.tmpdir} if there are none, which other processes may be doing too, so it is
   * shown a folder of this process.
   *
   * @throws BackendException if it cannot be loaded
   */
  public static synchronized void loadJCuda(String className) {
    Path folder = NativeFolder.get();
    String before = System.setProperty("java.io.tmpdir", folder.toString());
    try {
      Class.forName(className);
    } catch (LinkageError | ClassNotFoundException e) {
      // JCuda's messages go on with the traces of all that it has tried.
      String reason = String.valueOf(e.getMessage()).lines().findFirst().orElse("");
      throw new BackendException("cuda: JCuda cannot be loaded: " + reason, e);
    } finally {
      System.setProperty("java.io.tmpdir", before);
    }
  }
}
