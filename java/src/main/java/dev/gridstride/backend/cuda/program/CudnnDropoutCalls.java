package dev.gridstride.backend.cuda.program;

import dev.gridstride.backend.cuda.vendor.Cudnn;
import dev.gridstride.backend.cuda.vendor.CudnnDropout;
import dev.gridstride.backend.cuda.vendor.CudnnTensor;
import dev.gridstride.program.op.Dropout;

/**
 * Dropout by cuDNN, which draws numbers of its own: other masks than every other implementation,
 * and from the beginning again after a resume, as no checkpoint has the generator's state. So it is
 * never chosen, only demanded; see {@link CudnnInputs} for the mask.
 */
final class CudnnDropoutCalls {
  private CudnnDropoutCalls() {}

  static void dropout(Dropout op, Emitter e) {
    boolean again = e.inputs() == 3;
    if (!again && e.node().outputs().size() == 1) {
      throw e.unsupported(
          "cuDNN draws numbers of its own, and their state is in no checkpoint; to have them, ask"
              + " for dropout=cudnn");
    }
    Cudnn cudnn = e.cudnn();
    CudnnTensor x = CudnnCalls.elements(e.input(0).shape());
    if (again) {
      CudnnCalls.call(
          e, cudnn, () -> CudnnDropout.backward(cudnn, x, op.rate()), e.out(0), e.in(0), e.in(2));
    } else {
      e.note("masks of cuDNN's own, whose state is in no checkpoint");
      CudnnCalls.call(
          e,
          cudnn,
          () -> CudnnDropout.forward(cudnn, x, op.rate(), op.seed()),
          e.out(0),
          e.in(0),
          e.out(1));
    }
  }
}
