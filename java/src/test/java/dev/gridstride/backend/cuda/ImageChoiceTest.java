package dev.gridstride.backend.cuda;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gridstride.backend.BackendException;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Which image a card gets, by card, driver, what the build has and what compiler there is. */
class ImageChoiceTest {
  private static final PackagedCubins CUBINS =
      PackagedCubins.of(
          "nvcc 13.0.88\n\nRegisters", List.of("adam.cu", "adam.sm_75.cubin", "adam.sm_90.cubin"));

  private static ImageChoice.Card card(String capability, int driver) {
    return new ImageChoice.Card("device 0 (card)", ComputeCapability.parse(capability), driver);
  }

  /** A compiler of a given name for {@code sm_NN}, which was never used. */
  private static KernelCompiler compiler(ImageChoice.Card card) {
    return new KernelCompiler() {
      @Override
      String identity() {
        return "NVRTC 12.4";
      }

      @Override
      String target() {
        return card.capability().arch();
      }

      @Override
      Output run(KernelSource source, CompileOptions options) {
        return new Output(new byte[] {42}, "");
      }
    };
  }

  private static ImageChoice choose(ImageChoice.Card card) {
    return ImageChoice.of("adam", card, CUBINS, ImageChoiceTest::compiler);
  }

  @Test
  void theReportTellsTheToolkitAndTheFilesTheGenerations() {
    assertEquals(13000, CUBINS.toolkit());
    assertEquals("[7.5, 9.0]", CUBINS.targets().get("adam").toString());
    assertEquals(0, PackagedCubins.of("nvcc of unknown release", List.of()).toolkit());
    assertEquals(12090, PackagedCubins.of("nvcc 12.9.41", List.of()).toolkit());
  }

  /** Within a major version of CUDA an older driver runs machine code of a newer toolkit. */
  @ParameterizedTest
  @CsvSource({"9.0,13000,sm_90", "9.0,13020,sm_90", "9.0,14000,sm_90", "7.5,13000,sm_75"})
  void thePackagedCubinIsFirst(String capability, int driver, String arch) {
    ImageChoice choice = choose(card(capability, driver));
    assertEquals("packaged cubin " + arch + ", by nvcc 13.0", choice.description());
    assertEquals("", choice.note());
  }

  @Test
  void anOlderToolkitOfTheSameMajorNeedsNoNewerDriver() {
    PackagedCubins newer = PackagedCubins.of("nvcc 12.9.41", List.of("adam.sm_90.cubin"));
    ImageChoice choice =
        ImageChoice.of("adam", card("9.0", 12000), newer, ImageChoiceTest::compiler);
    assertEquals("packaged cubin sm_90, by nvcc 12.9", choice.description());
  }

  @Test
  void cubinsThatTheDriverDoesNotTakeAreCompiledInsteadAndTheUserIsTold() {
    ImageChoice choice = choose(card("9.0", 12040));
    assertEquals("NVRTC 12.4 compiles on first use: sm_90", choice.description());
    assertEquals(
        "the packaged cubins need a driver of CUDA 13.0 or later, this one supports 12.4;"
            + " NVRTC 12.4 compiles the sources instead",
        choice.note());
  }

  @Test
  void aCardWithoutCubinIsCompiledForAndFoundInTheCacheLater() {
    // Not sm_89: a cubin for 9.0 does not run there, nor one for 7.5.
    KernelCompiler.tellTo(line -> {});
    try {
      ImageChoice choice = choose(card("8.9", 13000));
      assertTrue(choice.description().startsWith("NVRTC 12.4"), choice.description());
      assertEquals("", choice.note());
      assertEquals(1, choice.image().get().bytes().length);
      assertEquals(
          "NVRTC 12.4, compiled before, in the cache: sm_89",
          choose(card("8.9", 13000)).description());
    } finally {
      KernelCompiler.tellTo(System.err::println);
    }
  }

  @Test
  void aDriverTooOldForTheImagesIsAnErrorWithTheCure() {
    String message = error(card("9.0", 12040), CUBINS);
    assertTrue(
        message.startsWith(
            "the driver of device 0 (card) is too old for the packaged kernels: it supports CUDA"
                + " 12.4, they were built by nvcc 13.0 and need CUDA 13.0 (driver 580) or later;"
                + " update NVIDIA's driver, or install NVRTC of CUDA 12 (package cuda-nvrtc)"),
        message);
  }

  @Test
  void aCardWithoutImageAndCompilerIsAnErrorWithTheCure() {
    String message = error(card("8.9", 13000), CUBINS);
    assertTrue(
        message.startsWith(
            "no image of the kernels for device 0 (card): this build has no cubin for sm_89, only"
                + " for sm_75, sm_90, and no compiler: no NVRTC (libnvrtc.so.12 or .13)"),
        message);
    message = error(card("8.9", 13000), PackagedCubins.of("", List.of()));
    assertTrue(message.contains("this build has no cubins (it had no nvcc)"), message);
    assertTrue(message.contains("or build with nvcc on the path"), message);
  }

  private static String error(ImageChoice.Card card, PackagedCubins cubins) {
    return assertThrows(
            BackendException.class, () -> ImageChoice.of("adam", card, cubins, none -> null))
        .getMessage();
  }

  @ParameterizedTest
  @CsvSource({
    "12040, true, 12040, true",
    "12060, true, 12000, true",
    "12060, false, 12000, false",
    "12060, false, 12060, true",
    "13000, true, 12080, false",
    "12060, false, 13000, true"
  })
  void machineCodeFitsItsMajorVersionAndPtxNeedsADriverAsNew(
      int nvrtc, boolean machineCode, int driver, boolean fits) {
    assertEquals(fits, Nvrtc.fits(nvrtc, machineCode, driver));
  }

  @Test
  void nvccOfALaterMajorVersionDoesNotFitTheDriver() {
    Simulated.require();
    if (NvccCompiler.find() != null) {
      NvccCompiler nvcc = new NvccCompiler(NvccCompiler.find(), ComputeCapability.parse("9.0"));
      assertTrue(nvcc.fits(card("9.0", 99000)));
      assertTrue(!nvcc.fits(card("9.0", 11080)), nvcc.name());
    }
    if (Nvrtc.find() == null && NvccCompiler.find() == null) {
      assertNull(KernelCompiler.find(card("9.0", 13000)));
    }
  }
}
