package dev.gridstride.backend.cuda;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The checker, through all of Java: each file of {@code native/tests/planted} holds a kernel with a
 * bug and the same kernel without. The bug must be found and named in whatever order threads run,
 * and nothing may be found in its twin. How to launch them and what to find stands in their
 * comments.
 */
class PlantedBugsTest {
  private static final Path FOLDER = Path.of("..", "native", "tests", "planted");
  private static final long[] SEEDS = {0, 1, 2, 3};

  private static final Pattern LAUNCH =
      Pattern.compile("// launch: grid (\\d+), block (\\d+)(?:, shared (\\d+))?; (.*)");
  private static final Pattern ARRAY = Pattern.compile("(unset )?(float|int) \\w+\\[(\\d+)]");
  private static final Pattern NUMBER = Pattern.compile("int \\w+ = (-?\\d+)");

  /** A file's comments. */
  private static final class Planted {
    private final Path file;
    private final List<String> kinds = new ArrayList<>();
    private int code;
    private String place = "";
    private Matcher launch;

    Planted(Path file) throws IOException {
      this.file = file;
      for (String line : Files.readAllLines(file)) {
        if (line.startsWith("// expect: ")) {
          String[] words = line.substring("// expect: ".length()).split(" ", 2);
          code = Integer.parseInt(words[0]);
          kinds.add(words[1]);
        } else if (line.startsWith("// line: ")) {
          String[] words = line.substring("// line: ".length()).split(" of ", 2);
          place = words[1] + ":" + words[0];
        } else if (LAUNCH.matcher(line).matches()) {
          launch = LAUNCH.matcher(line);
          assertTrue(launch.matches());
        }
      }
      assertTrue(launch != null && code != 0, file + " lacks its comments");
    }

    void run(CudaContext context, CudaModule module, String kernel) {
      try (CudaStream stream = context.createStream()) {
        module
            .kernel(kernel)
            .launch(
                stream,
                Dim.of(Long.parseLong(launch.group(1))),
                Dim.of(Long.parseLong(launch.group(2))),
                launch.group(3) == null ? 0 : Integer.parseInt(launch.group(3)),
                Arrays.stream(launch.group(4).split(", "))
                    .map(text -> argument(context, text))
                    .toArray());
        stream.synchronize();
      }
    }

    private static Object argument(CudaContext context, String text) {
      Matcher number = NUMBER.matcher(text);
      if (number.matches()) {
        return Integer.valueOf(number.group(1));
      }
      Matcher array = ARRAY.matcher(text);
      assertTrue(array.matches(), text);
      int size = Integer.parseInt(array.group(3));
      DeviceBuffer buffer = context.allocate(4L * size, text);
      if (array.group(1) == null) {
        float[] floats = new float[size];
        int[] ints = new int[size];
        Arrays.fill(floats, 1);
        Arrays.fill(ints, 1);
        if (array.group(2).equals("float")) {
          buffer.write(floats);
        } else {
          buffer.write(ints);
        }
      }
      return buffer;
    }

    void assertNamed(CudaException error, long seed) {
      String text = file.getFileName() + ", seed " + seed + ": " + error.getMessage();
      assertEquals(code, error.code(), text);
      assertTrue(kinds.stream().anyMatch(error.detail()::contains), text);
      assertTrue(error.detail().contains("planted"), text);
      Pattern at = Pattern.compile(Pattern.quote(place) + "(?!\\d)");
      assertTrue(at.matcher(error.detail()).find(), text);
      assertTrue(error.isFatal(), text);
    }

    @Override
    public String toString() {
      return file.getFileName().toString();
    }
  }

  static Stream<Planted> planted() throws IOException {
    List<Planted> found = new ArrayList<>();
    try (Stream<Path> files = Files.list(FOLDER)) {
      for (Path file : files.filter(f -> f.toString().endsWith(".cu")).sorted().toList()) {
        found.add(new Planted(file));
      }
    }
    assertTrue(found.size() >= 10, "found only " + found);
    return found.stream();
  }

  @BeforeEach
  void needed() {
    Simulated.requireCompiler();
  }

  @AfterEach
  void programOrder() {
    if (Simulator.unavailableReason() == null) {
      Simulator.get().seed(0);
    }
  }

  @ParameterizedTest
  @MethodSource("planted")
  void isFoundAndNamedAndItsTwinIsClean(Planted planted) {
    KernelImage image =
        KernelCompiler.of(Simulated.device())
            .compile(KernelSource.read(planted.file), CompileOptions.CHECKED);
    for (long seed : SEEDS) {
      Simulator.get().seed(seed);
      try (CudaContext context = Simulated.open()) {
        CudaModule module = context.load(image);
        try {
          planted.run(context, module, "correct");
        } catch (CudaException e) {
          fail("false alarm in " + planted + ", seed " + seed, e);
        }
        CudaException error =
            assertThrows(
                CudaException.class,
                () -> planted.run(context, module, "planted"),
                planted + ", seed " + seed + ": nothing found");
        planted.assertNamed(error, seed);
        assertTrue(context.isLost());
      }
    }
  }
}
