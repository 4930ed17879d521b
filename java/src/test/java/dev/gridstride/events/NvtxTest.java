package dev.gridstride.events;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.gridstride.backend.Backends;
import dev.gridstride.backend.Session;
import dev.gridstride.data.Synthetic;
import dev.gridstride.nn.Models;
import dev.gridstride.program.Shape;
import dev.gridstride.train.Trainer;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Ranges for NVIDIA's profilers, taken by a library of the test's own in another process. */
class NvtxTest {
  private static final String LIBRARY =
      """
      #include <stdio.h>
      static int depth = 0;
      int nvtxRangePushA(const char* name) {
        printf("%*s%s\\n", 2 * depth, "", name);
        fflush(stdout);
        return depth++;
      }
      int nvtxRangePop(void) { return --depth; }
      """;

  @TempDir private Path folder;

  @Test
  void epochsStepsAndCompilesAreRanges() throws Exception {
    Path source = Files.writeString(folder.resolve("nvtx.c"), LIBRARY);
    Path library = folder.resolve("libnvtx3interop.so.1");
    try {
      run(List.of("gcc", "-shared", "-fPIC", "-o", library.toString(), source.toString()));
    } catch (IOException e) {
      assumeTrue(false, "skipped, no C compiler: " + e.getMessage());
    }
    String java = Path.of(System.getProperty("java.home"), "bin", "java").toString();
    String classes = System.getProperty("java.class.path");
    String out =
        run(List.of(java, "-cp", classes, "-Djna.library.path=" + folder, getClass().getName()));
    assertEquals(
        """
        compile
        compile
        epoch 1
          training steps
          training steps
        epoch 2
          training steps
          training steps
        """,
        out);
  }

  private static String run(List<String> command) throws IOException, InterruptedException {
    Process process =
        new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
    String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertEquals(0, process.waitFor(), out);
    return out;
  }

  /** Trains two epochs of a batch and a rest. */
  public static void main(String[] args) {
    Shape shape = Shape.of(1, 10, 10);
    try (Session session = Backends.open("reference", 1).session()) {
      Trainer.builder(Models.create("mlp", shape, 3, new Models.Options(false)), session)
          .batch(4)
          .seed(1)
          .build()
          .fit(Synthetic.of("train", shape, 3, 6, 1, 0), null, 2);
    }
  }

  @Test
  void aMissingLibraryIsNamedInTheReport() {
    String text = NvtxRange.describeLibrary();
    assertTrue(
        text.contains("profilers show epochs, steps and compiles")
            || text.contains("libnvtx3interop.so.1 or libnvToolsExt.so.1"),
        text);
  }
}
