package dev.gridstride.backend.cuda.program;

import dev.gridstride.backend.cuda.vendor.Cudnn;
import dev.gridstride.backend.cuda.vendor.CudnnConvolution;
import dev.gridstride.backend.cuda.vendor.CudnnOps;
import dev.gridstride.backend.cuda.vendor.CudnnTensor;
import dev.gridstride.program.op.BiasBackward;
import dev.gridstride.program.op.Relu;
import dev.gridstride.program.op.ReluBackward;

/** ReLU and the gradient of a bias by cuDNN. */
final class CudnnActivation {
  private CudnnActivation() {}

  static void relu(Relu op, Emitter e) {
    Cudnn cudnn = e.cudnn();
    CudnnTensor all = CudnnCalls.elements(e.input(0).shape());
    CudnnCalls.call(e, cudnn, () -> CudnnOps.relu(cudnn, all), e.out(0), e.in(0));
  }

  static void reluBackward(ReluBackward op, Emitter e) {
    Cudnn cudnn = e.cudnn();
    CudnnTensor all = CudnnCalls.elements(e.input(0).shape());
    CudnnCalls.call(e, cudnn, () -> CudnnOps.reluBackward(cudnn, all), e.out(0), e.in(0), e.in(1));
  }

  static void biasBackward(BiasBackward op, Emitter e) {
    Cudnn cudnn = e.cudnn();
    CudnnTensor dy = CudnnCalls.channels(e, e.input(0).shape());
    CudnnCalls.call(e, cudnn, () -> CudnnConvolution.backwardBias(cudnn, dy), e.out(0), e.in(0));
  }
}
