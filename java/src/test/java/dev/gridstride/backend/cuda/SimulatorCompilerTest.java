package dev.gridstride.backend.cuda;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Compiling for the simulated device. */
class SimulatorCompilerTest {
  private static final String KERNEL =
      "extern \"C\" __global__ void set(int* y) { y[threadIdx.x] = VALUE; }\n";

  private final List<String> told = new ArrayList<>();

  @TempDir Path folder;

  @BeforeEach
  void listen() {
    Simulated.requireCompiler();
    KernelCompiler.tellTo(told::add);
  }

  @AfterEach
  void stopListening() {
    KernelCompiler.tellTo(System.err::println);
  }

  private static int run(CudaContext context, CudaModule module) {
    try (CudaStream stream = context.createStream();
        DeviceBuffer y = context.allocate(4)) {
      module.kernel("set").launch(stream, Dim.of(1), Dim.of(1), 0, y);
      return y.read(new int[1])[0];
    }
  }

  @Test
  void compilesOnceAndTellsTheUser() throws IOException {
    Path file = Files.writeString(folder.resolve("set.cu"), KERNEL);
    try (CudaContext context = Simulated.open()) {
      CompileOptions options = CompileOptions.DEFAULT.define("VALUE", "7");
      assertEquals(7, run(context, context.compile(file, options)));
      assertEquals(1, told.size(), told.toString());
      assertTrue(
          told.get(0)
              .matches(
                  "compiled set.cu for the simulated device with .* in [0-9]+\\.[0-9]+ s, kept in"
                      + " .*kernels"),
          told.get(0));
      assertEquals(7, run(context, context.compile(file, options)));
      assertEquals(1, told.size(), "compiled twice: " + told);
      assertEquals(8, run(context, context.compile(file, options.define("VALUE", "8"))));
      assertEquals(2, told.size());
    }
  }

  @Test
  void headersBesideTheSourceAndInFoldersAreFound() throws IOException {
    Path headers = Files.createDirectories(folder.resolve("headers"));
    Files.writeString(headers.resolve("far.h"), "#define FAR 30\n");
    Files.writeString(folder.resolve("near.h"), "#define VALUE (FAR + 4)\n");
    Path file =
        Files.writeString(
            folder.resolve("set.cu"),
            "#include \"gridstride.cuh\"\n#include \"far.h\"\n#include \"near.h\"\n" + KERNEL);
    try (CudaContext context = Simulated.open()) {
      CompileOptions options = CompileOptions.DEFAULT.include(headers);
      assertEquals(34, run(context, context.compile(file, options)));
      Files.writeString(headers.resolve("far.h"), "#define FAR 40\n");
      assertEquals(44, run(context, context.compile(file, options)));
    }
  }

  @Test
  void errorsAreTheCompilersOwnWordsWithTheLine() throws IOException {
    Path file = Files.writeString(folder.resolve("wrong.cu"), "// one line before\n" + KERNEL);
    try (CudaContext context = Simulated.open()) {
      CompileException error =
          assertThrows(CompileException.class, () -> context.compile(file, CompileOptions.DEFAULT));
      assertTrue(
          error.getMessage().startsWith("wrong.cu does not compile (g++"), error.getMessage());
      assertTrue(error.log().contains("wrong.cu:2:"), error.log());
      assertTrue(error.log().contains("VALUE"), error.log());
      assertTrue(told.isEmpty(), told.toString());
    }
  }

  @Test
  void aMissingFileSaysSo() {
    try (CudaContext context = Simulated.open()) {
      RuntimeException error =
          assertThrows(
              dev.gridstride.files.FileException.class,
              () -> context.compile(folder.resolve("none.cu"), CompileOptions.DEFAULT));
      assertEquals(
          "cannot read " + folder.resolve("none.cu") + ": no such file or folder",
          error.getMessage());
    }
  }

  @Test
  void aDamagedFileInTheCacheIsCompiledAgain() throws IOException {
    KernelSource source = KernelSource.of("set.cu", KERNEL + "// " + System.nanoTime());
    CompileOptions options = CompileOptions.DEFAULT.define("VALUE", "7");
    KernelCompiler compiler = KernelCompiler.of(Simulated.device());
    byte[] whole = compiler.compile(source, options).bytes();
    Path kept =
        ImageCache.folder()
            .resolve(CacheKey.of(source, options, compiler.identity() + "\n" + compiler.target()));
    byte[] file = Files.readAllBytes(kept);
    file[file.length / 2] ^= 1;
    Files.write(kept, file);
    assertArrayEquals(whole, compiler.compile(source, options).bytes());
    assertEquals(2, told.size(), told.toString());
    Files.write(kept, new byte[3]);
    assertArrayEquals(whole, compiler.compile(source, options).bytes());
    assertEquals(3, told.size(), told.toString());
    Files.delete(kept);
  }

  @Test
  void checkedAndPlainImagesAreDifferent() {
    try (CudaContext context = Simulated.open()) {
      KernelCompiler compiler = KernelCompiler.of(context.device());
      KernelSource source = KernelSource.of("set.cu", KERNEL);
      KernelImage checked = compiler.compile(source, CompileOptions.CHECKED.define("VALUE", "3"));
      assertEquals(3, run(context, context.load(checked)));
    }
  }
}
