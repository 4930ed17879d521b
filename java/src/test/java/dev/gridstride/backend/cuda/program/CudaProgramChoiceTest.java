package dev.gridstride.backend.cuda.program;

import static jcuda.driver.JCudaDriver.cuCtxSetCurrent;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gridstride.backend.BackendException;
import dev.gridstride.backend.Explanation;
import dev.gridstride.backend.ImplementationChoice;
import dev.gridstride.backend.cuda.CudaContext;
import dev.gridstride.program.Program;
import dev.gridstride.program.Shape;
import dev.gridstride.program.TensorType;
import dev.gridstride.program.Value;
import dev.gridstride.program.op.Conv2d;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Implementations of an embedded program. */
class CudaProgramChoiceTest {
  private static Program conv() {
    Program.Builder ops = new Program.Builder();
    Value x = ops.input("x", TensorType.float32(2, 3, 8, 8));
    Value w = ops.parameter("w", Shape.of(8, 3, 3, 3));
    ops.output(ops.add("y", Conv2d.PLAIN, x, w));
    return ops.build();
  }

  private static CudaProgram compile(CudaContext context, String implementations) {
    return CudaProgram.builder(context, conv())
        .implementations(ImplementationChoice.parse(implementations))
        .compile();
  }

  @Test
  void candidatesAreMeasuredInAContextOfTheirOwn() {
    try (Caller caller = new Caller();
        CudaContext context = caller.wrap()) {
      Caller.check(cuCtxSetCurrent(caller.context));
      List<Long> before = Caller.counts();
      try (CudaProgram program = compile(context, "conv2d=tune")) {
        assertEquals(caller.context, Caller.current());
        Explanation.Row row = program.explanation().rows().get(0);
        assertEquals("conv2d", row.op());
        assertEquals(2L * 2 * 8 * 6 * 6 * 27, row.flops());
        List<String> names = row.candidates().stream().map(Explanation.Candidate::name).toList();
        assertEquals(List.of("own", "cudnn"), names.subList(0, 2));
        row.candidates().stream()
            .filter(one -> !one.name().equals("cublas"))
            .forEach(one -> assertTrue(one.coldNanos() > 0 && one.warmNanos() > 0, "" + one));
        assertEquals(caller.context, Caller.current());
      }
      assertEquals(before, Caller.counts());
    }
  }

  @Test
  void whatDoesNotTakeADemandedOpSaysWhy() {
    try (Caller caller = new Caller();
        CudaContext context = caller.wrap()) {
      BackendException error =
          assertThrows(BackendException.class, () -> compile(context, "conv2d=cublas"));
      assertTrue(error.getMessage().contains("conv2d: cublas does not take it"), "" + error);
      assertThrows(BackendException.class, () -> compile(context, "conv3d=own"));
      try (CudaProgram program = compile(context, "conv2d=cudnn")) {
        assertTrue(program.explain().contains("cudnn cudnnConvolution"), program.explain());
      }
    }
  }
}
