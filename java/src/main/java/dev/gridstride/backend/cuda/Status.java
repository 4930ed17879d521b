package dev.gridstride.backend.cuda;

import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.function.IntSupplier;
import jcuda.driver.CUresult;

/** The driver's status codes. JCuda throws exceptions that carry only the code's name. */
final class Status {
  static final int SUCCESS = CUresult.CUDA_SUCCESS;
  static final int INVALID_VALUE = CUresult.CUDA_ERROR_INVALID_VALUE;
  static final int OUT_OF_MEMORY = CUresult.CUDA_ERROR_OUT_OF_MEMORY;
  static final int NO_DEVICE = CUresult.CUDA_ERROR_NO_DEVICE;
  static final int NOT_FOUND = CUresult.CUDA_ERROR_NOT_FOUND;
  static final int NOT_READY = CUresult.CUDA_ERROR_NOT_READY;
  static final int NOT_SUPPORTED = CUresult.CUDA_ERROR_NOT_SUPPORTED;
  static final int UNKNOWN = CUresult.CUDA_ERROR_UNKNOWN;

  /** After these the driver refuses all further work in the context. */
  private static final Set<Integer> FATAL =
      Set.of(
          CUresult.CUDA_ERROR_ECC_UNCORRECTABLE,
          CUresult.CUDA_ERROR_NVLINK_UNCORRECTABLE,
          CUresult.CUDA_ERROR_ILLEGAL_ADDRESS,
          CUresult.CUDA_ERROR_LAUNCH_TIMEOUT,
          CUresult.CUDA_ERROR_CONTEXT_IS_DESTROYED,
          CUresult.CUDA_ERROR_ASSERT,
          CUresult.CUDA_ERROR_HARDWARE_STACK_ERROR,
          CUresult.CUDA_ERROR_ILLEGAL_INSTRUCTION,
          CUresult.CUDA_ERROR_MISALIGNED_ADDRESS,
          CUresult.CUDA_ERROR_INVALID_ADDRESS_SPACE,
          CUresult.CUDA_ERROR_INVALID_PC,
          CUresult.CUDA_ERROR_LAUNCH_FAILED);

  private static final Map<String, Integer> NUMBERS = numbers();

  private Status() {}

  private static Map<String, Integer> numbers() {
    Map<String, Integer> numbers = new HashMap<>();
    for (int code = 0; code <= UNKNOWN; code++) {
      numbers.put(CUresult.stringFor(code), code);
    }
    return numbers;
  }

  static String name(int code) {
    return CUresult.stringFor(code);
  }

  static boolean fatal(int code) {
    return FATAL.contains(code);
  }

  /** The status of a call, whether JCuda returns it or throws it. */
  static int of(IntSupplier call) {
    try {
      return call.getAsInt();
    } catch (jcuda.CudaException e) {
      return number(e);
    }
  }

  /** The number of the code that JCuda threw. */
  static int number(jcuda.CudaException thrown) {
    return NUMBERS.getOrDefault(thrown.getMessage(), UNKNOWN);
  }
}
