package dev.gridstride.backend.cuda;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gridstride.backend.BackendException;
import java.util.function.Supplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Devices, drivers and images that do not fit: one message each, with the cure. */
class BadDeviceTest {
  private Simulator simulator;

  @BeforeEach
  void simulator() {
    Simulated.require();
    simulator = Simulator.get();
  }

  @AfterEach
  void reset() {
    simulator.clearFaults();
    simulator.set("driver_version", "12.6");
  }

  @Test
  void aDriverThatIsTooOldIsSaidBeforeAnythingRuns() {
    simulator.set("driver_version", "11.8");
    String message =
        assertThrows(BackendException.class, () -> Simulated.device().requireSupported())
            .getMessage();
    assertTrue(message.startsWith("cuda: device 0 (" + Simulated.device().name()), message);
    assertTrue(
        message.endsWith(
            ": the driver is too old: it supports CUDA 11.8, needed is CUDA 12.0 (driver 525) or"
                + " later; update NVIDIA's driver"),
        message);
    simulator.set("driver_version", "12.0");
    Simulated.device().requireSupported();
  }

  @Test
  void aCardBelowTuringIsRefused() {
    assertTrue(ComputeCapability.parse("7.5").isSupported());
    ComputeCapability volta = ComputeCapability.parse("7.0");
    assertTrue(!volta.isSupported());
    assertEquals(
        "device 0 (V100) has compute capability 7.0; the kernels need 7.5 (Turing) or later: use"
            + " another card (cuda:1 is the second) or --device cpu",
        volta.tooLow("device 0 (V100)"));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "209|CUDA_ERROR_NO_BINARY_FOR_GPU|compile the source for the card, or update NVIDIA's driver",
        "200|CUDA_ERROR_INVALID_IMAGE|a newer toolkit than the driver supports: make it again",
        "218|CUDA_ERROR_INVALID_PTX|update NVIDIA's driver",
        "222|CUDA_ERROR_UNSUPPORTED_PTX_VERSION|or compile with an older NVRTC",
        "221|CUDA_ERROR_JIT_COMPILER_NOT_FOUND|libnvidia-ptxjitcompiler.so.1",
        "223|CUDA_ERROR_JIT_COMPILATION_DISABLED|unset CUDA_DISABLE_PTX_JIT",
        "2|CUDA_ERROR_OUT_OF_MEMORY|other processes may hold the card's memory (nvidia-smi"
      })
  void anImageThatTheDriverRefusesSaysWhatToDo(int code, String name, String cure) {
    simulator.fault("cuModuleLoadDataEx", 1, code);
    try (CudaContext context = Simulated.open()) {
      String message = failure(() -> KernelImages.load(context, "adam", false));
      String call = "cuModuleLoadDataEx failed: " + name + " (" + code + ") on device 0 (";
      assertTrue(message.startsWith(call), message);
      assertTrue(message.contains("loading adam.cu ("), message);
      assertTrue(message.contains(cure), message);
      KernelImages.load(context, "adam", false).close();
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "2|CUDA_ERROR_OUT_OF_MEMORY|other processes may hold the card's memory",
        "46|CUDA_ERROR_DEVICE_UNAVAILABLE|the card is busy or kept for another process",
        "802|CUDA_ERROR_SYSTEM_NOT_READY|nvidia-fabricmanager",
        "999|CUDA_ERROR_UNKNOWN|does nvidia-smi work?"
      })
  void aContextThatDoesNotOpenSaysWhatToDo(int code, String name, String cure) {
    simulator.fault("cuCtxCreate_v2", 1, code);
    String message = failure(Simulated::open);
    assertTrue(
        message.startsWith("cuCtxCreate failed: " + name + " (" + code + ") on device 0"), message);
    assertTrue(message.contains(cure), message);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "100|the driver finds no card",
        "34|the toolkit's stub",
        "304|the operating system refused access",
        "803|of different versions",
        "804|forward compatibility",
        "999|nvidia-modprobe"
      })
  void aDriverThatDoesNotStartSaysWhatToDo(int code, String cure) {
    assertTrue(Cures.of("cuInit", code).contains(cure), Cures.of("cuInit", code));
  }

  private static String failure(Supplier<?> action) {
    return assertThrows(CudaException.class, action::get).getMessage();
  }
}
