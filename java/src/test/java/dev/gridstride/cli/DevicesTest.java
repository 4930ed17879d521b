package dev.gridstride.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.gridstride.backend.Backend;
import dev.gridstride.backend.Backends;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Which devices there are, on machines with a card, with a driver that has none, and with none. */
class DevicesTest {
  private static final boolean CUBINS =
      DevicesTest.class.getResource("/dev/gridstride/kernels/adam.sm_90.cubin") != null;
  private static final String TRAIN =
      "train --no-progress --dataset npy --data . --batch 5 --epochs 1 --out run --device ";

  @TempDir private Path folder;

  private Cli withCard(Map<String, String> settings, String... commands) throws Exception {
    assumeTrue(StandInCard.isPossible(), "skipped: no simulated device in this build");
    StandInCard.install(folder);
    Cli.writeData(folder);
    return StandInCard.run(folder, settings, commands);
  }

  @Test
  void doctorDescribesCardsAndWhatTheKernelsWouldBeLoadedFrom() throws Exception {
    Cli cli =
        withCard(
            Map.of("devices", "2", "driver_version", "13.0", "memory", "3G"),
            "doctor",
            TRAIN + "cuda:x",
            TRAIN + "gpu",
            TRAIN + "sim",
            TRAIN + "cuda:2",
            CUBINS ? TRAIN + "auto" : "--version");
    cli.says("libcuda.so.1: " + folder.resolve("libcuda.so.1") + ", driver ");
    cli.says(", supports CUDA 13.0\n");
    cli.says("cuda:0: ").says("cuda:1: ").says(", compute capability 9.0, 3,072 MB, ");
    cli.says(" MB free\n");
    cli.says("--device cuda:x: expected NAME or NAME:INDEX, as in cuda:1\n");
    cli.says("--device gpu: unknown; expected one of auto, cuda, cpu, reference, sim\n");
    cli.says("keeps libcuda.so.1 loaded; say before it starts that it shall use the simulated");
    cli.says(" device: -Dgridstride.libcuda=sim\n");
    if (CUBINS) {
      cli.says("packaged cubin sm_90, by nvcc ").says("\n    ").says(" adam ");
      cli.says("gridstride: cuda: no device cuda:2; there are cuda:0 (").says("), cuda:1 (");
      cli.says("device: cuda, ").says("CUDA_ERROR_NO_BINARY_FOR_GPU (209) on device 0 (");
      cli.says(" (auto; preferred to cpu)\n").says("exit code 1 of " + TRAIN + "auto");
    } else {
      cli.says("cubins: left out of this build, which had no nvcc");
    }
  }

  @Test
  void aDriverTooOldIsNotUsedAndAutoSaysWhy() throws Exception {
    String problem =
        "the driver is too old: it supports CUDA 11.8, needed is CUDA 12.0 (driver 525) or later;"
            + " update NVIDIA's driver";
    withCard(Map.of("driver_version", "11.8"), "doctor", TRAIN + "cuda", TRAIN + "auto")
        .says("device cuda              not available: " + problem)
        .says("gridstride: device cuda is not available: " + problem)
        .says("exit code 1 of " + TRAIN + "cuda")
        .says(" (auto; not cuda: " + problem + ")")
        .says("exit code 0 of " + TRAIN + "auto");
  }

  @Test
  void aDriverTooOldForTheCubinsIsNotUsedWithoutACompiler() throws Exception {
    assumeTrue(CUBINS, "skipped: no cubins in this build");
    Cli cli = withCard(Map.of("driver_version", "12.0"), TRAIN + "cuda");
    boolean compiler = cli.out().contains("compiles the sources instead");
    boolean refused =
        cli.out().contains("is too old for the packaged kernels: it supports CUDA 12.0, they were");
    assertTrue(compiler || refused, cli.out());
  }

  /** What cannot be used is let go, so that the simulated device has its place. */
  @Test
  void aDriverWithoutCardLeavesRoomForTheSimulatedDevice() throws Exception {
    assumeTrue(StandInCard.isPossible(), "skipped: no simulated device in this build");
    compile(
        """
        int cuDriverGetVersion(int* v) { *v = 12040; return 0; }
        int cuInit(unsigned flags) { return flags == 0 ? 100 : 1; }
        """);
    Cli cli = StandInCard.run(folder, Map.of(), TRAIN + "cuda", "doctor", TRAIN + "sim:1");
    cli.says("device cuda is not available: cuInit failed: CUDA_ERROR_NO_DEVICE (100): the driver")
        .says("finds no card; ")
        .says("docker: --gpus all")
        .says("sim:0: ")
        .says("packaged host image (")
        .says("gridstride: sim: no device sim:1; there is only sim:0 (");
  }

  private void compile(String driver) throws Exception {
    Path source = Files.writeString(folder.resolve("driver.c"), driver);
    Path library = folder.resolve("libcuda.so.1");
    List<String> command = List.of("gcc", "-shared", "-fPIC", "-Wl,-soname,libcuda.so.1", "-o");
    List<String> line = new ArrayList<>(command);
    line.addAll(List.of(library.toString(), source.toString()));
    try {
      assertEquals(0, new ProcessBuilder(line).inheritIO().start().waitFor());
    } catch (IOException e) {
      assumeTrue(false, "skipped, no C compiler: " + e.getMessage());
    }
  }

  @Test
  void doctorWorksWithoutCard() {
    Map<String, String> problems = new HashMap<>();
    for (Backend backend : Backends.all()) {
      problems.put(backend.name(), backend.unavailableReason());
    }
    assumeTrue(problems.get("cuda") != null, "skipped: this machine has a card");
    Cli cli = Cli.run("doctor");
    cli.says("device cuda              not available: " + problems.get("cuda"));
    cli.says("                         NVRTC: ").says("                         cubins: ");
    if (problems.get("sim") == null) {
      cli.says("device sim               available, only if asked for by name");
      cli.says("packaged host image (");
    } else {
      cli.says("device sim               not available: " + problems.get("sim"));
    }
  }
}
