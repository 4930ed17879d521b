package dev.gridstride.backend.cuda;

import jcuda.driver.CUresult;

/** What to do about failures that are not the program's fault. */
final class Cures {
  static final String INSTALL =
      "install NVIDIA's driver, version 525 or later, or use the simulated device (sim)";

  private static final String VISIBLE = "CUDA_VISIBLE_DEVICES";
  private static final String HELD =
      "other processes may hold the card's memory (nvidia-smi lists them): end them, wait, or use"
          + " another card (cuda:1 is the second)";

  private Cures() {}

  /** The cure for a call's failure; empty if there is none to tell. */
  static String of(String call, int code) {
    if (call.startsWith("cuModuleLoad")) {
      return loading(code);
    }
    return switch (call) {
      case "cuInit", "cuDeviceGetCount" -> starting(code);
      case "cuCtxCreate", "cuCtxCreate_v2", "cuDevicePrimaryCtxRetain" ->
          code == CUresult.CUDA_ERROR_OUT_OF_MEMORY ? HELD : starting(code);
      default -> running(code);
    };
  }

  private static String running(int code) {
    return switch (code) {
      case CUresult.CUDA_ERROR_ILLEGAL_ADDRESS,
          CUresult.CUDA_ERROR_MISALIGNED_ADDRESS,
          CUresult.CUDA_ERROR_LAUNCH_FAILED,
          CUresult.CUDA_ERROR_ASSERT ->
          "compute-sanitizer finds the place on a card, the simulated device's checker without one";
      case CUresult.CUDA_ERROR_LAUNCH_TIMEOUT ->
          "a card that also drives a display ends kernels that take long: use another card, or a"
              + " smaller batch";
      case CUresult.CUDA_ERROR_ECC_UNCORRECTABLE, CUresult.CUDA_ERROR_NVLINK_UNCORRECTABLE ->
          "the hardware is at fault: see 'nvidia-smi -q' and the system's log (Xid)";
      case CUresult.CUDA_ERROR_UNKNOWN ->
          "see the system's log (Xid); if it happens again, use another process";
      default -> "";
    };
  }

  private static String starting(int code) {
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
          "the card is busy or kept for another process (nvidia-smi shows its compute mode)";
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
          "does nvidia-smi work? If not, is the driver's kernel module loaded (nvidia-modprobe), and"
              + " of the library's version?";
    };
  }

  private static String loading(int code) {
    return switch (code) {
      case CUresult.CUDA_ERROR_OUT_OF_MEMORY -> HELD;
      case CUresult.CUDA_ERROR_NO_BINARY_FOR_GPU ->
          "the image has no code that this card and its driver run: compile the source for the card"
              + ", or update NVIDIA's driver ('gridstride doctor' shows what fits)";
      case CUresult.CUDA_ERROR_INVALID_IMAGE ->
          "the image is damaged, or made by a newer toolkit than the driver supports: make it again"
              + ", or update NVIDIA's driver ('gridstride doctor' shows what it supports)";
      case CUresult.CUDA_ERROR_INVALID_PTX, CUresult.CUDA_ERROR_UNSUPPORTED_PTX_VERSION ->
          "the image is PTX of a newer toolkit than the driver supports: update NVIDIA's driver"
              + " ('gridstride doctor' shows what it supports), or compile with an older NVRTC";
      case CUresult.CUDA_ERROR_JIT_COMPILER_NOT_FOUND ->
          "the driver's compiler of PTX (libnvidia-ptxjitcompiler.so.1) is missing: install"
              + " NVIDIA's driver whole";
      case CUresult.CUDA_ERROR_JIT_COMPILATION_DISABLED ->
          "compiling PTX is switched off: unset CUDA_DISABLE_PTX_JIT";
      default -> "";
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
