package dev.gridstride.bundle;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gridstride.backend.cuda.Simulator;
import dev.gridstride.cli.Main;
import dev.gridstride.files.FileException;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.jar.Attributes;
import java.util.jar.JarEntry;
import java.util.jar.JarOutputStream;
import java.util.jar.Manifest;
import java.util.spi.ToolProvider;
import java.util.stream.Stream;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

/** A bundle of this build, used with neither Java nor a path to anything. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class BundleTest {
  private static final long LARGEST = 60_000_000;

  @TempDir private static Path folder;

  private Path jar;
  private Path archive;
  private Bundle.Written written;
  private Path launcher;

  @BeforeAll
  void bundle() throws Exception {
    jar = builtTree(folder.resolve("built"));
    archive = folder.resolve("out/gridstride.tar.gz");
    written = new Bundle(jar).write(Jdk.running(), archive);
    Path there = Files.createDirectories(folder.resolve("a host"));
    assertEquals(
        0,
        new ProcessBuilder("tar", "xzf", archive.toString(), "-C", there.toString())
            .inheritIO()
            .start()
            .waitFor());
    launcher = there.resolve("gridstride-1.2.3/bin/gridstride");
  }

  /** What {@code mvn package} makes: the jar of the classes, and the libraries beside it. */
  private static Path builtTree(Path tree) throws IOException {
    Path lib = Files.createDirectories(tree.resolve("lib"));
    List<String> names = new ArrayList<>();
    Path classes = null;
    for (String entry : System.getProperty("java.class.path").split(":")) {
      Path path = Path.of(entry);
      if (Files.isDirectory(path)) {
        String name = path.toString();
        if (Files.exists(path.resolve("dev/gridstride/cli/Main.class"))) {
          classes = path;
        } else if (Files.exists(path.resolve("dev/gridstride/kernels"))
            || Files.exists(path.resolve("dev/gridstride/native"))) {
          String part = name.contains("native") ? "native" : "kernels";
          names.add("lib/gridstride-" + part + "-1.2.3.jar");
          pack(path, lib.resolve("gridstride-" + part + "-1.2.3.jar"), new Manifest());
        }
      } else if (path.toString().endsWith(".jar") && !isForTests(path)) {
        names.add("lib/" + path.getFileName());
        Files.copy(path, lib.resolve(path.getFileName()));
      }
    }
    Manifest manifest = new Manifest();
    Attributes main = manifest.getMainAttributes();
    main.put(Attributes.Name.MANIFEST_VERSION, "1.0");
    main.put(Attributes.Name.MAIN_CLASS, Main.class.getName());
    main.put(Attributes.Name.IMPLEMENTATION_VERSION, "1.2.3");
    main.put(Attributes.Name.CLASS_PATH, String.join(" ", names));
    main.putValue("Enable-Native-Access", "ALL-UNNAMED");
    pack(classes, tree.resolve("gridstride.jar"), manifest);
    return tree.resolve("gridstride.jar");
  }

  private static boolean isForTests(Path jar) {
    return Stream.of("junit", "archunit", "opentest4j", "apiguardian", "slf4j", "surefire")
        .anyMatch(jar.getFileName().toString()::contains);
  }

  private static void pack(Path folder, Path target, Manifest manifest) throws IOException {
    manifest.getMainAttributes().putIfAbsent(Attributes.Name.MANIFEST_VERSION, "1.0");
    try (OutputStream file = Files.newOutputStream(target);
        JarOutputStream out = new JarOutputStream(file, manifest);
        Stream<Path> files = Files.walk(folder)) {
      for (Path path : (Iterable<Path>) files.skip(1).sorted()::iterator) {
        boolean directory = Files.isDirectory(path);
        out.putNextEntry(new JarEntry(folder.relativize(path) + (directory ? "/" : "")));
        if (!directory) {
          Files.copy(path, out);
        }
        out.closeEntry();
      }
    }
  }

  /** Runs the launcher as on a host with a shell alone; what it prints, if it ends with 0. */
  private String run(String... args) throws Exception {
    List<String> command = new ArrayList<>(List.of("/bin/sh", launcher.toString()));
    command.addAll(Arrays.asList(args));
    ProcessBuilder builder = new ProcessBuilder(command).directory(folder.toFile());
    builder.environment().clear();
    builder.environment().put("PATH", "/nowhere");
    builder.environment().put("HOME", folder.toString());
    builder.environment().put("GRIDSTRIDE_CACHE", folder.resolve("cache").toString());
    builder
        .environment()
        .put(
            "GRIDSTRIDE_JAVA_OPTS", "-Dorg.bytedeco.javacpp.cachedir=" + folder.resolve("javacpp"));
    Process process = builder.redirectErrorStream(true).start();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertTrue(process.waitFor(60, TimeUnit.SECONDS));
    assertEquals(0, process.exitValue(), output);
    return output;
  }

  @Test
  void itIsSmallAndListed() throws IOException {
    assertEquals(written.bytes(), Files.size(archive));
    assertTrue(written.bytes() < LARGEST, written.bytes() + " bytes");
    List<String> paths = written.entries().stream().map(Bundle.Entry::path).toList();
    assertTrue(paths.contains("bin/gridstride"), paths.toString());
    assertTrue(paths.contains("LICENSE"), paths.toString());
    assertTrue(paths.contains("bench-gpu"), paths.toString());
    assertTrue(paths.contains("peers/pytorch_peer.py"), paths.toString());
    assertTrue(paths.contains("runtime/bin/java"), paths.toString());
    assertTrue(written.glibc().matches("2\\.[0-9]+"), written.glibc());
    try (Stream<Path> left = Files.list(archive.getParent())) {
      assertEquals(List.of(archive), left.toList());
    }
  }

  @Test
  void doctorFindsItsOwnRuntime() throws Exception {
    String output = run("doctor");
    assertTrue(output.contains(launcher.getParent().resolveSibling("runtime").toString()), output);
    assertTrue(output.contains("device cpu"), output);
    assertTrue(output.contains("oneDNN"), output);
    assertFalse(output.contains("Warning"), output);
    boolean cubins = Bundle.class.getResource("/dev/gridstride/kernels/adam.sm_90.cubin") != null;
    assertEquals(!cubins, output.contains("left out of this build"), output);
  }

  @Test
  void selftestPassesOnEveryDevice() throws Exception {
    String output = run("selftest", "--device", "cpu", "--filter", "sgd");
    assertTrue(output.contains("selftest of cpu in float32: 5 passed"), output);
    if (Simulator.unavailableReason() == null) {
      output = run("selftest", "--device", "sim", "--filter", "sgd", "--json", "st.json");
      assertTrue(output.contains("selftest of sim in float32: 5 passed"), output);
      assertTrue(output.contains("kernels: packaged host image: all "), output);
      assertTrue(Files.exists(folder.resolve("st.json")));
    }
  }

  @Test
  void itTrainsAndPredictsImages() throws Exception {
    String data = "synthetic";
    String output =
        run("train", "--device", "cpu", "--dataset", data, "--limit", "128", "--epochs", "1");
    assertTrue(output.contains("test: "), output);
    for (String type : List.of("png", "jpg")) {
      ByteArrayOutputStream bytes = new ByteArrayOutputStream();
      ImageIO.write(new BufferedImage(40, 30, BufferedImage.TYPE_INT_RGB), type, bytes);
      Files.write(folder.resolve("image." + type), bytes.toByteArray());
    }
    output = run("predict", "--device", "cpu", "image.png", "image.jpg");
    assertTrue(output.contains("image.png") && output.contains("image.jpg"), output);
  }

  @Test
  void theRuntimeHasAllModulesThatOurClassesName() {
    ToolProvider jdeps = ToolProvider.findFirst("jdeps").orElseThrow();
    StringWriter text = new StringWriter();
    PrintWriter out = new PrintWriter(text);
    String[] args = {"-s", "--ignore-missing-deps", "--multi-release", "base", jar.toString()};
    assertEquals(0, jdeps.run(out, out, args), text.toString());
    Set<String> named = new TreeSet<>();
    text.toString()
        .lines()
        .map(line -> line.substring(line.lastIndexOf(' ') + 1))
        .filter(name -> name.startsWith("java.") || name.startsWith("jdk."))
        .forEach(named::add);
    assertTrue(named.contains("java.base"), text.toString());
    named.removeAll(RuntimeImage.MODULES);
    assertEquals(Set.of(), named);
  }

  @Test
  void whatIsMissingIsSaid() throws IOException {
    Path bare = Files.createDirectories(folder.resolve("jre/bin"));
    BundleException noJlink = assertThrows(BundleException.class, () -> Jdk.of(bare.getParent()));
    assertTrue(noJlink.getMessage().contains("openjdk-17-jdk-headless"), noJlink.getMessage());
    BundleException classes =
        assertThrows(BundleException.class, () -> new Bundle(folder.resolve("classes")));
    assertTrue(classes.getMessage().contains("mvn -q -B package"), classes.getMessage());
    Path file = folder.resolve("a-file");
    Files.writeString(file, "x");
    FileException notWritable =
        assertThrows(
            FileException.class,
            () -> new Bundle(jar).write(Jdk.running(), file.resolve("b.tar.gz")));
    assertTrue(notWritable.getMessage().contains("cannot write"), notWritable.getMessage());
  }

  @Test
  void strippedLibrariesKeepWhatTheLoaderReads() throws IOException {
    Path java = Path.of(System.getProperty("java.home"), "lib/server/libjvm.so");
    byte[] whole = Files.readAllBytes(java);
    Elf elf = Elf.of(whole);
    assertTrue(elf.needed().contains("libc.so.6"), elf.toString());
    assertTrue(elf.versions().stream().anyMatch(v -> v.startsWith("GLIBC_2.")), elf.toString());
    byte[] stripped = Elf.strip(whole);
    assertTrue(stripped.length < whole.length);
    assertEquals(elf, Elf.of(stripped));
    assertFalse(Elf.is("#!/bin/sh".getBytes(StandardCharsets.UTF_8)));
  }
}
