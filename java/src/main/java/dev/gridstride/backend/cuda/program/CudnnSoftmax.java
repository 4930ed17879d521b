package dev.gridstride.backend.cuda.program;

import dev.gridstride.backend.cuda.vendor.Cudnn;
import dev.gridstride.backend.cuda.vendor.CudnnOps;
import dev.gridstride.backend.cuda.vendor.CudnnTensor;
import dev.gridstride.program.op.Softmax;
import dev.gridstride.program.op.SoftmaxBackward;

/** Softmax by cuDNN. */
final class CudnnSoftmax {
  private CudnnSoftmax() {}

  static void forward(Softmax op, Emitter e) {
    Cudnn cudnn = e.cudnn();
    CudnnTensor rows = CudnnCalls.channels(e, e.input(0).shape());
    CudnnCalls.call(e, cudnn, () -> CudnnOps.softmax(cudnn, rows), e.out(0), e.in(0));
  }

  static void backward(SoftmaxBackward op, Emitter e) {
    Cudnn cudnn = e.cudnn();
    CudnnTensor rows = CudnnCalls.channels(e, e.input(0).shape());
    CudnnCalls.call(
        e, cudnn, () -> CudnnOps.softmaxBackward(cudnn, rows), e.out(0), e.in(0), e.in(1));
  }
}
