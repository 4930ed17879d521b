package dev.gridstride.backend.cuda;

import jcuda.driver.CUresult;

/** What to do when the driver does not start. */
final class DriverCures {
  static final String INSTALL =
      "install NVIDIA's driver, version 525 or later, or use the simulated device (sim)";

  private static final String VISIBLE = "CUDA_VISIBLE_DEVICES";

  private DriverCures() {}

  /** A failed call before any device is open, and the cure. */
  static String explain(String call, int code) {
    return call + " failed: " + Status.name(code) + " (" + code + "): " + cure(code);
  }

  private static String cure(int code) {
    return switch (code) {
      case CUresult.CUDA_ERROR_NO_DEVICE -> "the driver finds no card; " + noCard();
      case CUresult.CUDA_ERROR_STUB_LIBRARY ->
          InstalledDriver.LIBRARY
              + " is the toolkit's stub and not a driver; take the toolkit's folder lib64/stubs off"
              + " LD_LIBRARY_PATH, and "
              + INSTALL;
      case CUresult.CUDA_ERROR_OPERATING_SYSTEM ->
          "the operating system refused access to the card; are /dev/nvidia* there and may this"
              + " user open them?";
      case CUresult.CUDA_ERROR_DEVICE_UNAVAILABLE ->
          "the card is busy or reserved for another process (see nvidia-smi, compute mode)";
      case CUresult.CUDA_ERROR_SYSTEM_NOT_READY ->
          "the system is not ready for the card; on machines with NVSwitch start"
              + " nvidia-fabricmanager";
      case CUresult.CUDA_ERROR_SYSTEM_DRIVER_MISMATCH ->
          "the driver's library and its kernel module are of different versions; restart the"
              + " machine, or load the module that belongs to the library";
      case CUresult.CUDA_ERROR_COMPAT_NOT_SUPPORTED_ON_DEVICE ->
          "CUDA's forward compatibility package does not support this card; take it off"
              + " LD_LIBRARY_PATH and update NVIDIA's driver";
      default ->
          "the driver does not start; does nvidia-smi work? If not, is the kernel module loaded"
              + " (nvidia-modprobe), and of the library's version?";
    };
  }

  private static String noCard() {
    String visible = System.getenv(VISIBLE);
    String hidden =
        visible == null
            ? ""
            : VISIBLE + " is '" + visible + "' and may hide it, unset it or name a card there; ";
    return hidden
        + "does nvidia-smi show one? In a container, pass it in (docker: --gpus all); or use the"
        + " simulated device (sim)";
  }
}
