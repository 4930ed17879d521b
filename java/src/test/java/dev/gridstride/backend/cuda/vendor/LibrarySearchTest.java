package dev.gridstride.backend.cuda.vendor;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.gridstride.backend.BackendException;
import dev.gridstride.backend.cuda.LibraryFiles;
import dev.gridstride.backend.cuda.Simulated;
import dev.gridstride.backend.cuda.Simulator;
import java.io.IOException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.jar.JarEntry;
import java.util.jar.JarOutputStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Finding libraries, with some that are made here, which say a version and have nothing else. */
class LibrarySearchTest {
  private static final String CUDNN = "long cudnnGetVersion() { return %d; }";
  private static final String CUBLAS =
      "int cublasGetProperty(int which, int* value) {"
          + " static const int version[] = {%d, 3, 2}; *value = version[which]; return 0; }";

  @TempDir private Path folder;

  @AfterEach
  void forget() {
    System.clearProperty(LibrarySearch.PROPERTY);
  }

  private Path library(String name, String source, int number) throws Exception {
    Simulated.requireCompiler();
    Path file = folder.resolve(name);
    Path code = Files.writeString(folder.resolve(name + ".c"), String.format(source, number));
    String compiler = System.getenv().getOrDefault("CXX", "g++");
    Process process =
        new ProcessBuilder(
                compiler,
                "-x",
                "c",
                "-shared",
                "-fPIC",
                "-o",
                file + "",
                code + "",
                "-Wl,-soname," + name)
            .inheritIO()
            .start();
    assertEquals(0, process.waitFor());
    return file;
  }

  private void search(Path... folders) {
    StringBuilder text = new StringBuilder();
    for (Path one : folders) {
      text.append(one).append(':');
    }
    System.setProperty(LibrarySearch.PROPERTY, text.toString());
  }

  private static String problem(NvidiaLibrary wanted) {
    LoadedLibrary found;
    try {
      found = LibrarySearch.find(wanted);
    } catch (BackendException e) {
      return e.getMessage();
    }
    found.handle().close();
    assumeTrue(
        false,
        "skipped, needs a machine without NVIDIA's library, whose absence is tested; this one has "
            + found);
    throw new IllegalStateException();
  }

  @Test
  void theFolderNamedComesFirst() throws Exception {
    Path file = library("libcudnn.so.9", CUDNN, 91_502);
    search(folder.resolve("empty"), folder);
    LoadedLibrary found = LibrarySearch.find(NvidiaLibrary.CUDNN);
    try {
      assertEquals("9.15.2", found.version().toString());
      assertEquals(file.toString(), found.file());
      assertTrue(found.source().contains(LibrarySearch.PROPERTY), found.source());
    } finally {
      found.handle().close();
    }
  }

  @Test
  void anotherVersionNamesWantedAndFoundAndTheCure() throws Exception {
    Path cudnn = library("libcudnn.so.9", CUDNN, 8907);
    Path cublas = library("libcublas.so.12", CUBLAS, 11);
    search(folder);
    String text = problem(NvidiaLibrary.CUDNN);
    assertTrue(
        text.startsWith("cuDNN: wanted is libcudnn.so.9 (version 9), found is none: "), text);
    assertTrue(text.contains(cudnn + " is version 8.9.7, wanted is 9"), text);
    assertTrue(text.contains(LibrarySearch.VARIABLE), text);
    assertTrue(text.contains("-Pvendor-libraries"), text);
    assertTrue(problem(NvidiaLibrary.CUBLAS).contains(cublas + " is version 11.3.2, wanted is 12"));
  }

  @Test
  void whatIsNoneOfThemIsSaid() throws Exception {
    library("libcudnn.so.8", CUDNN, 8907);
    Files.writeString(folder.resolve("libcudnn.so.9"), "x".repeat(5000));
    Path other = library("libcublas.so.12", "int nothing = %d;", 1);
    search(folder);
    String text = problem(NvidiaLibrary.CUDNN);
    assertTrue(text.contains("libcudnn.so.9: invalid ELF header"), text);
    assertTrue(text.contains("there is " + folder.resolve("libcudnn.so.8")), text);
    text = problem(NvidiaLibrary.CUBLAS);
    assertTrue(text.contains(other + ": it has no function cublasGetProperty"), text);
  }

  @Test
  void theSimulatedOneIsForNoCard() {
    Simulated.require();
    Simulator.get(); // the library wants it to be there
    assumeTrue(
        LibraryFiles.isPackaged("libcublas.so.12"),
        "skipped, the simulated libcublas.so.12 is missing: the build left out native libraries");
    Path file = LibraryFiles.unpack("libcublas.so.12");
    search(file.getParent());
    assertTrue(problem(NvidiaLibrary.CUBLAS).contains(file + " is the simulated one"));
  }

  @Test
  void aJarIsUnpackedOnce() throws IOException {
    Path jar = folder.resolve("cuda-1-redist.jar");
    try (JarOutputStream out = new JarOutputStream(Files.newOutputStream(jar))) {
      for (String name :
          new String[] {
            "libcudnn.so.9", "libcudnn_ops.so.9", "libcublasLt.so.12", "libnpps.so.12"
          }) {
        out.putNextEntry(new JarEntry("org/bytedeco/cuda/linux-x86_64/" + name));
        out.write(name.getBytes(StandardCharsets.UTF_8));
      }
    }
    try (URLClassLoader loader = new URLClassLoader(new URL[] {jar.toUri().toURL()}, null)) {
      assertNull(RedistJar.unpack(NvidiaLibrary.CUBLAS, loader, folder));
      Path to = RedistJar.unpack(NvidiaLibrary.CUDNN, loader, folder);
      assertEquals(folder.resolve("libraries/cuda-1-redist"), to);
      assertEquals("libcudnn_ops.so.9", Files.readString(to.resolve("libcudnn_ops.so.9")));
      assertTrue(Files.exists(to.resolve("libcublasLt.so.12")));
      assertFalse(Files.exists(to.resolve("libnpps.so.12")), "nobody wants it");
      Files.writeString(to.resolve("libcudnn.so.9"), "LIBCUDNN.SO.9");
      Files.writeString(to.resolve("libcublasLt.so.12"), "half");
      RedistJar.unpack(NvidiaLibrary.CUDNN, loader, folder);
      assertEquals("LIBCUDNN.SO.9", Files.readString(to.resolve("libcudnn.so.9")), "again");
      assertEquals("libcublasLt.so.12", Files.readString(to.resolve("libcublasLt.so.12")));
    }
  }

  @Test
  void tf32IsAsTheEnvironmentHasIt() {
    assertNull(VendorLibraries.tf32Problem(true, null));
    assertNull(VendorLibraries.tf32Problem(true, "1"));
    assertNull(VendorLibraries.tf32Problem(false, "0"));
    assertTrue(VendorLibraries.tf32Problem(true, "0").contains("switches TF32 off"));
    assertTrue(VendorLibraries.tf32Problem(false, "1").contains("round float32 to TF32"));
  }

  @Test
  void theLinkerGivesItsReason() {
    BackendException e =
        assertThrows(BackendException.class, () -> DynamicLinker.open(folder.resolve("none") + ""));
    assertTrue(
        e.getMessage().endsWith("none: cannot open shared object file: No such file or directory"));
  }
}
