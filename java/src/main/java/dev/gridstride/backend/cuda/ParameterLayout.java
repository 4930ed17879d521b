package dev.gridstride.backend.cuda;

import com.sun.jna.Function;
import com.sun.jna.Pointer;
import com.sun.jna.ptr.LongByReference;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;
import java.util.stream.Collectors;

/**
 * Where a kernel's parameters lie in its packed buffer: as the driver tells it, and where the
 * driver is too old to tell, as the declaration says.
 *
 * @param parameters null if neither is known; arguments then lie as their own types demand
 * @param offsets of the parameters in bytes
 * @param bytes size of all, up to the end of the last
 */
record ParameterLayout(List<KernelParameter> parameters, List<Integer> offsets, int bytes) {
  static final ParameterLayout TRUSTING = new ParameterLayout(null, List.of(), 0);

  /**
   * Finds the layout.
   *
   * @param declared parameters as the source declares them, or null
   * @throws IllegalArgumentException if source and image differ
   */
  static ParameterLayout of(
      CudaContext context, String kernel, FunctionHandle function, List<KernelParameter> declared) {
    List<long[]> told = ask(context, kernel, function);
    if (told == null) {
      return declared == null ? TRUSTING : natural(kernel, declared);
    }
    List<KernelParameter> parameters = new ArrayList<>();
    List<Integer> offsets = new ArrayList<>();
    int end = 0;
    for (int i = 0; i < told.size(); i++) {
      int offset = (int) told.get(i)[0];
      int size = (int) told.get(i)[1];
      offsets.add(offset);
      end = offset + size;
      KernelParameter parameter =
          declared != null && i < declared.size() ? declared.get(i) : KernelParameter.unknown(size);
      if (parameter.bytes() == 0) {
        parameter =
            new KernelParameter(
                parameter.name(), parameter.type(), parameter.kind(), size, parameter.alignment());
      }
      parameters.add(parameter);
      if (declared != null && (parameter.bytes() != size || declared.size() != told.size())) {
        throw new IllegalArgumentException(
            kernel
                + ": the image is not of this source: parameters there "
                + sizes(told)
                + ", declared "
                + declared);
      }
    }
    if (told.isEmpty() && declared != null && !declared.isEmpty()) {
      throw new IllegalArgumentException(
          kernel + ": the image is not of this source: no parameters there, declared " + declared);
    }
    return new ParameterLayout(List.copyOf(parameters), offsets, end);
  }

  private static String sizes(List<long[]> told) {
    return told.stream().map(t -> t[1] + " bytes").collect(Collectors.joining(", ", "[", "]"));
  }

  private static ParameterLayout natural(String kernel, List<KernelParameter> declared) {
    List<Integer> offsets = new ArrayList<>();
    int end = 0;
    for (int i = 0; i < declared.size(); i++) {
      KernelParameter parameter = declared.get(i);
      if (parameter.bytes() == 0) {
        throw new IllegalArgumentException(
            kernel
                + ": the size of parameter "
                + (i + 1)
                + " ("
                + parameter
                + ") is not known; a driver of CUDA 12.4 or later tells it");
      }
      int offset = align(end, parameter.alignment());
      offsets.add(offset);
      end = offset + parameter.bytes();
    }
    return new ParameterLayout(declared, offsets, end);
  }

  /** The layout that these arguments have by themselves, where nothing is known of the kernel. */
  static ParameterLayout ofArguments(String kernel, Object[] arguments) {
    List<KernelParameter> parameters = new ArrayList<>();
    for (int i = 0; i < arguments.length; i++) {
      int size = KernelParameter.size(arguments[i]);
      if (size <= 0) {
        throw new IllegalArgumentException(
            kernel
                + ": argument "
                + (i + 1)
                + ": expected a DeviceBuffer or a number, got "
                + KernelParameter.got(arguments[i]));
      }
      parameters.add(KernelParameter.unknown(size));
    }
    return natural(kernel, parameters);
  }

  static int align(int offset, int alignment) {
    return (offset + alignment - 1) / alignment * alignment;
  }

  /** Offset and size of each parameter as the driver tells them, or null if it cannot. */
  private static List<long[]> ask(CudaContext context, String kernel, FunctionHandle function) {
    Function call;
    try {
      call = context.device().driver().library().getFunction("cuFuncGetParamInfo");
    } catch (UnsatisfiedLinkError e) {
      return null; // a driver before CUDA 12.4
    }
    List<long[]> told = new ArrayList<>();
    LongByReference offset = new LongByReference();
    LongByReference size = new LongByReference();
    Supplier<String> doing = () -> "asking for the parameters of " + kernel;
    int status =
        context.status(
            "cuFuncGetParamInfo",
            doing,
            () -> {
              while (true) {
                Object[] arguments = {
                  new Pointer(function.value()), (long) told.size(), offset, size
                };
                int last = call.invokeInt(arguments);
                if (last != Status.SUCCESS) {
                  return last;
                }
                told.add(new long[] {offset.getValue(), size.getValue()});
              }
            });
    if (status == Status.NOT_SUPPORTED) {
      return null;
    }
    if (status != Status.INVALID_VALUE) { // past the last one
      throw context.failure("cuFuncGetParamInfo", status, doing.get());
    }
    return told;
  }
}
