package dev.gridstride.backend.cuda;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gridstride.backend.BackendException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The project's own kernels, and images that a device cannot run. */
class KernelImagesTest {
  @BeforeEach
  void needed() {
    Simulated.require();
  }

  @Test
  void everyPackagedFileLoadsAndItsKernelsAreThere() {
    assertTrue(!KernelImages.names().isEmpty(), "no kernels are packaged");
    try (CudaContext context = Simulated.open()) {
      for (String name : KernelImages.names()) {
        try (CudaModule module = KernelImages.load(context, name, false)) {
          for (String kernel : KernelImages.source(name).kernelNames()) {
            assertEquals(kernel, module.kernel(kernel).name());
          }
        }
      }
    }
  }

  @Test
  void anUnknownFileIsAnErrorThatNamesTheKnownOnes() {
    String message =
        assertThrows(
                IllegalArgumentException.class,
                () -> KernelImages.find(Simulated.device(), "conv3d.cu", false))
            .getMessage();
    assertTrue(message.startsWith("no kernel file conv3d.cu; there are adam"), message);
  }

  @Test
  void imagesForCardsAreRefusedWithClearWords() {
    try (CudaContext context = Simulated.open()) {
      byte[] cubin = new byte[64];
      cubin[0] = 0x7f;
      cubin[1] = 'E';
      cubin[2] = 'L';
      cubin[3] = 'F';
      cubin[8] = 8;
      cubin[0x12] = (byte) 190;
      cubin[0x31] = 80;
      assertEquals(
          "image conv.cubin is a cubin for sm_80; the simulated device runs host images: compile"
              + " the source for it (CudaContext.compile)",
          refused(context, "conv.cubin", cubin));
      assertEquals(
          "image conv.ptx is PTX; the simulated device runs host images: compile the source for it"
              + " (CudaContext.compile)",
          refused(context, "conv.ptx", ".version 8.0\n".getBytes(StandardCharsets.UTF_8)));
      assertEquals("image cut is cut short", refused(context, "cut", Arrays.copyOf(cubin, 63)));
      assertTrue(
          refused(context, "rubbish", new byte[] {1, 2, 3})
              .startsWith("image rubbish is neither a cubin, PTX, a fat binary nor a host image"));
      cubin[0x12] = (byte) (System.getProperty("os.arch").equals("aarch64") ? 62 : 183);
      assertTrue(
          refused(context, "other", cubin)
              .startsWith("image other is a library for another processor"));
    }
  }

  private static String refused(CudaContext context, String name, byte[] bytes) {
    return assertThrows(
            IllegalArgumentException.class, () -> context.load(KernelImage.of(name, bytes)))
        .getMessage();
  }

  @Test
  void aLibraryThatIsNoImageIsRefusedByTheDriver() {
    try (CudaContext context = Simulated.open()) {
      Simulated.requireCompiler();
      byte[] library =
          KernelCompiler.of(context.device())
              .compile(Simulated.source("launches.cu"), CompileOptions.DEFAULT)
              .bytes();
      // The table of kernels gets another name.
      String text = new String(library, StandardCharsets.ISO_8859_1);
      byte[] renamed =
          text.replace("gridstride_image", "gridstride_imagf")
              .getBytes(StandardCharsets.ISO_8859_1);
      CudaException error =
          assertThrows(
              CudaException.class, () -> context.load(KernelImage.of("no image", renamed)));
      assertEquals("cuModuleLoadDataEx", error.call());
      assertEquals("CUDA_ERROR_INVALID_IMAGE", error.codeName());
      assertTrue(error.getMessage().contains("loading no image"), error.getMessage());
      assertTrue(!error.detail().isEmpty());
    }
  }

  @Test
  void aProcessHasRoomForOneDriver() {
    CudaDriver driver = CudaDriver.simulated();
    assertTrue(driver.isSimulated());
    assertEquals(driver, CudaDriver.simulated());
    BackendException error = assertThrows(BackendException.class, CudaDriver::card);
    assertEquals(
        "cuda: this process runs the simulated device and cannot also run the driver of a card,"
            + " because a process has room for one libcuda.so.1; use another process",
        error.getMessage());
  }

  @Test
  void devicesSayWhatTheyAre() {
    CudaDriver driver = CudaDriver.simulated();
    CudaDevice device = driver.device(0);
    assertEquals(driver.devices().size(), 1);
    assertTrue(device.name().contains("simulated"), device.name());
    assertTrue(device.memoryBytes() > 0 && device.multiprocessors() > 0);
    assertEquals(1024, device.limits().threadsPerBlock());
    assertTrue(driver.version() >= 12000, driver.toString());
    assertEquals(
        "cuda: no device 1; the simulated device has 1",
        assertThrows(BackendException.class, () -> driver.device(1)).getMessage());
    assertTrue(Simulator.get().limits().contains("time"));
  }

  @Test
  void settingsAreChecked() {
    Simulator simulator = Simulator.get();
    assertThrows(IllegalArgumentException.class, () -> simulator.set("speed", "fast"));
    assertThrows(IllegalArgumentException.class, () -> simulator.set("memory", "lots"));
    assertEquals(-1, simulator.count("nothing"));
  }

  @Test
  void thePrimaryContextIsShared() {
    CudaDevice device = Simulated.device();
    CudaContext one = device.primaryContext();
    CudaContext two = device.primaryContext();
    DeviceBuffer buffer = one.allocate(4);
    buffer.write(new int[] {42});
    one.close();
    DeviceBuffer other = two.allocate(4);
    other.write(new int[] {43});
    assertEquals(43, other.read(new int[1])[0]);
    two.close();
  }
}
