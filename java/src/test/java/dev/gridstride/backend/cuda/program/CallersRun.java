package dev.gridstride.backend.cuda.program;

import dev.gridstride.backend.ImplementationChoice;
import dev.gridstride.backend.cuda.CudaContext;
import dev.gridstride.backend.cuda.CudaDriver;
import dev.gridstride.backend.cuda.CudaStream;
import dev.gridstride.backend.cuda.DeviceBuffer;
import dev.gridstride.conformance.Case;
import dev.gridstride.program.DataType;
import dev.gridstride.program.Node;
import dev.gridstride.program.Shape;
import dev.gridstride.program.Tensor;
import dev.gridstride.program.TensorType;
import dev.gridstride.program.Value;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Runs a case of the conformance suite as {@link CudaProgram}s on memory that is not theirs, images
 * row by row. Results are named as {@link dev.gridstride.conformance.Runner} names them.
 */
final class CallersRun implements AutoCloseable {
  private final CudaContext context = CudaDriver.simulated().device(0).createContext();
  private final CudaStream stream = context.createStream();
  private final CudaStream other = context.createStream();
  private final Transfer transfer = new Transfer(context);
  private final Map<String, DeviceBuffer> memory = new LinkedHashMap<>();
  private final Map<String, Tensor> results = new LinkedHashMap<>();

  /** All results of a case, by own kernels. */
  static Map<String, Tensor> of(Case test) {
    return of(test, ImplementationChoice.DEFAULT);
  }

  /** All results of a case by these implementations. */
  static Map<String, Tensor> of(Case test, ImplementationChoice implementations) {
    try (CallersRun run = new CallersRun()) {
      return run.all(test, implementations);
    }
  }

  private Map<String, Tensor> all(Case test, ImplementationChoice implementations) {
    List<CudaProgram> programs = new ArrayList<>();
    for (Case.Run run : test.runs()) {
      Value[] images =
          run.program().values().stream()
              .filter(v -> v.role().persistent() || run.program().outputs().contains(v))
              .filter(CallersRun::isRowMajor)
              .toArray(Value[]::new);
      CudaProgram program =
          CudaProgram.builder(context, run.program())
              .rowMajor(images)
              .implementations(implementations)
              .compile();
      program.values().forEach(value -> program.bind(value, memory(value)));
      programs.add(program);
    }
    test.data().forEach(this::write);
    for (int i = 0; i < programs.size(); i++) {
      for (int time = 0; time < test.runs().get(i).times(); time++) {
        CudaStream turn = time % 2 == 0 ? stream : other;
        programs.get(i).run(turn);
        turn.synchronize(); // the streams share the workspace
        for (Value output : test.runs().get(i).program().outputs()) {
          results.put("program " + i + ", run " + time + ": " + output.name(), read(output));
        }
      }
    }
    for (Case.Run run : test.runs()) {
      for (Node node : run.program().nodes()) {
        for (Value target : node.outputs()) {
          if (target.role().persistent()) {
            results.put("at the end: " + target.name(), read(target));
          }
        }
      }
    }
    programs.forEach(CudaProgram::close);
    return results;
  }

  private static boolean isRowMajor(Value value) {
    return value.shape().rank() == 4 && value.type().dtype() == DataType.FLOAT32;
  }

  /** Zero until written; values of one name and type share it. */
  private DeviceBuffer memory(Value value) {
    return memory.computeIfAbsent(
        value.toString(),
        name -> {
          DeviceBuffer buffer = context.allocate(value.type().bytes(), name);
          buffer.fill((byte) 0, stream);
          return buffer;
        });
  }

  private static Shape stored(Value value) {
    return isRowMajor(value)
        ? Shape.of(1, Math.toIntExact(value.shape().elements()))
        : value.shape();
  }

  private void write(Value value, Tensor tensor) {
    Shape shape = stored(value);
    transfer.write(
        memory(value), isRowMajor(value) ? Tensor.of(shape, tensor.floats()) : tensor, shape);
  }

  private Tensor read(Value value) {
    stream.synchronize();
    Shape shape = stored(value);
    TensorType type = new TensorType(value.type().dtype(), shape);
    Tensor tensor = transfer.read(memory(value), type, shape);
    return isRowMajor(value) ? Tensor.of(value.shape(), tensor.floats()) : tensor;
  }

  @Override
  public void close() {
    transfer.close();
    context.close();
  }
}
