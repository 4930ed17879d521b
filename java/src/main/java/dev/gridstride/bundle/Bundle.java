package dev.gridstride.bundle;

import dev.gridstride.files.AtomicFiles;
import dev.gridstride.files.FileException;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.channels.Channels;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.jar.Attributes;
import java.util.jar.JarFile;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * Writes one compressed archive with which Gridstride runs on a Linux x86-64 machine that has glibc
 * and nothing else: no Java, no Maven, no network.
 *
 * <pre>
 * gridstride-VERSION/bin/gridstride   launcher
 *                    app/             the jars, without what that machine has no use for
 *                    runtime/         Java
 *                    fallback/        libraries for machines that lack them, a folder each
 *                    bench-gpu        measures a card with all that is at hand
 *                    peers/           what it runs in Python
 *                    LICENSE, THIRD-PARTY.txt, README.txt
 * </pre>
 */
public final class Bundle {
  private static final String RESOURCES = "/dev/gridstride/bundle/";

  /** The 2 GB of the profile vendor-libraries, which a machine has itself or does without. */
  private static final Pattern NOT_PACKED = Pattern.compile("\\bcuda-[^/]*-redist\\.jar$");

  private static final List<String> PEERS =
      List.of("peer.py", "pytorch_peer.py", "jax_peer.py", "summary.py");

  /**
   * A file of the archive.
   *
   * @param path below the archive's one folder
   * @param bytes its size, not compressed
   */
  public record Entry(String path, long bytes) {}

  /**
   * What was written.
   *
   * @param entries the files in order
   * @param bytes size of the archive
   * @param glibc the lowest version of glibc that all natives run with, such as {@code 2.34}
   */
  public record Written(List<Entry> entries, long bytes, String glibc) {
    /** Copies the list. */
    public Written {
      entries = List.copyOf(entries);
    }
  }

  private final Path jar;
  private final List<Path> libraries = new ArrayList<>();
  private final String version;
  private final long seconds;

  /**
   * A bundle of what is running.
   *
   * @param jar Gridstride's own, with the libraries that its manifest names beside it
   * @throws BundleException if it is no such jar, or the machine is not a Linux x86-64 one
   */
  public Bundle(Path jar) {
    this.jar = jar.toAbsolutePath();
    if (!System.getProperty("os.name").equals("Linux")
        || !System.getProperty("os.arch").equals("amd64")) {
      throw new BundleException(
          "bundle is for Linux x86-64 and has to be made on such a machine; this is "
              + System.getProperty("os.name")
              + " "
              + System.getProperty("os.arch"));
    }
    if (!jar.toString().endsWith(".jar") || !Files.isRegularFile(jar)) {
      throw notBuilt("it runs from " + jar);
    }
    try (JarFile file = new JarFile(jar.toFile())) {
      Attributes manifest = file.getManifest().getMainAttributes();
      String path = manifest.getValue(Attributes.Name.CLASS_PATH);
      version = manifest.getValue(Attributes.Name.IMPLEMENTATION_VERSION);
      if (path == null || version == null) {
        throw notBuilt(jar + " names no libraries");
      }
      for (String name : path.split(" ")) {
        if (NOT_PACKED.matcher(name).find()) {
          continue;
        }
        Path library = this.jar.resolveSibling(name);
        if (!Files.isRegularFile(library)) {
          throw notBuilt(library + " is missing");
        }
        libraries.add(library);
      }
      seconds = file.getEntry(JarFile.MANIFEST_NAME).getTime() / 1000;
    } catch (IOException e) {
      throw FileException.reading(jar, e);
    }
  }

  private static BundleException notBuilt(String why) {
    return new BundleException(
        "bundle is made from a built tree, but "
            + why
            + "; build it with 'mvn -q -B package -Dmaven.test.skip=true' and use"
            + " java/bin/gridstride");
  }

  /**
   * Writes the archive, whole or not at all.
   *
   * @param jdk where the runtime comes from
   * @throws BundleException if jlink fails or this machine lacks a library
   * @throws FileException if the file cannot be written
   */
  public Written write(Jdk jdk, Path out) throws InterruptedException {
    AtomicFiles.check(out);
    List<Native> natives = new ArrayList<>();
    List<Entry> entries = new ArrayList<>();
    try (WorkFolder work = new WorkFolder()) {
      Path runtime = work.path().resolve("runtime");
      RuntimeImage.make(jdk, runtime);
      Path app = Files.createDirectories(work.path().resolve("app/lib")).getParent();
      ThinJar.copy(jar, app.resolve(jar.getFileName()), natives);
      for (Path library : libraries) {
        ThinJar.copy(library, app.resolve(jar.getParent().relativize(library)), natives);
      }
      AtomicFiles.write(
          out,
          channel -> {
            OutputStream stream =
                new BufferedOutputStream(Channels.newOutputStream(channel), 1 << 16);
            Archive archive = new Archive(stream, "gridstride-" + version, seconds);
            texts(archive, jdk);
            tree(archive, app, "app", natives);
            tree(archive, runtime, "runtime", natives);
            fallback(archive, natives);
            entries.addAll(archive.entries());
            archive.finish();
          });
      return new Written(entries, Files.size(out), glibc(natives));
    } catch (IOException e) {
      throw FileException.writing(out, e);
    }
  }

  private void texts(Archive archive, Jdk jdk) throws IOException {
    byte[] launcher = resource(RESOURCES + "gridstride");
    String options = jdk.major() < 24 ? "" : "--sun-misc-unsafe-memory-access=allow";
    String text = new String(launcher, StandardCharsets.UTF_8).replace("@OPTIONS@", options);
    archive.file("bin/gridstride", text.getBytes(StandardCharsets.UTF_8), true);
    archive.file("bench-gpu", resource(RESOURCES + "gpu/bench-gpu"), true);
    for (String name : PEERS) {
      archive.file("peers/" + name, resource(RESOURCES + "gpu/" + name), false);
    }
    archive.file("README.txt", resource(RESOURCES + "README.txt"), false);
    archive.file("THIRD-PARTY.txt", resource(RESOURCES + "THIRD-PARTY.txt"), false);
    archive.file("LICENSE", resource("/META-INF/LICENSE"), false);
  }

  private static byte[] resource(String name) throws IOException {
    try (InputStream in = Bundle.class.getResourceAsStream(name)) {
      if (in == null) {
        throw notBuilt(name + " is not packaged");
      }
      return in.readAllBytes();
    }
  }

  private static void tree(Archive archive, Path folder, String name, List<Native> natives)
      throws IOException {
    List<Path> files;
    try (Stream<Path> all = Files.walk(folder)) {
      files = all.filter(f -> !Files.isDirectory(f)).sorted().toList();
    }
    for (Path file : files) {
      String path = name + "/" + folder.relativize(file);
      if (Files.isSymbolicLink(file)) {
        archive.link(path, Files.readSymbolicLink(file).toString());
        continue;
      }
      byte[] content = Files.readAllBytes(file);
      if (Elf.is(content)) {
        natives.add(new Native(path, Elf.of(content)));
        content = Elf.strip(content);
      }
      archive.file(path, content, Files.isExecutable(file));
    }
  }

  /** A folder for each library, so that the launcher can offer just those that a machine lacks. */
  private static void fallback(Archive archive, List<Native> natives) throws IOException {
    for (Map.Entry<String, Path> library : SharedLibraries.missing(natives).entrySet()) {
      byte[] content = Elf.strip(Files.readAllBytes(library.getValue()));
      archive.file("fallback/" + library.getKey() + "/" + library.getKey(), content, false);
    }
  }

  private static String glibc(List<Native> natives) {
    return natives.stream()
        .flatMap(file -> file.elf().versions().stream())
        .filter(name -> name.matches("GLIBC_[0-9.]+"))
        .map(name -> name.substring("GLIBC_".length()))
        .max(Comparator.comparing(Bundle::number))
        .orElse("any");
  }

  /** Orders 2.4 before 2.34. */
  private static int number(String dotted) {
    String[] parts = dotted.split("\\.");
    return 1000 * Integer.parseInt(parts[0]) + Integer.parseInt(parts[1]);
  }
}
