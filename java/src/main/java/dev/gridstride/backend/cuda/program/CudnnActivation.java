package dev.gridstride.backend.cuda.program;

import dev.gridstride.backend.cuda.vendor.Cudnn;
import dev.gridstride.backend.cuda.vendor.CudnnConvolution;
import dev.gridstride.backend.cuda.vendor.CudnnOps;
import dev.gridstride.backend.cuda.vendor.CudnnTensor;
import dev.gridstride.backend.cuda.vendor.CudnnTensor.Element;
import dev.gridstride.backend.cuda.vendor.CudnnTensor.Format;
import dev.gridstride.program.Shape;
import dev.gridstride.program.op.BiasBackward;
import dev.gridstride.program.op.Relu;
import dev.gridstride.program.op.ReluBackward;

/** ReLU and the gradient of a bias by cuDNN. */
final class CudnnActivation {
  private CudnnActivation() {}

  static void relu(Relu op, Emitter e) {
    Cudnn cudnn = e.cudnn();
    CudnnTensor all = elements(e, e.input(0).shape());
    CudnnCalls.call(e, cudnn, () -> CudnnOps.relu(cudnn, all), e.out(0), e.in(0));
  }

  static void reluBackward(ReluBackward op, Emitter e) {
    Cudnn cudnn = e.cudnn();
    CudnnTensor all = elements(e, e.input(0).shape());
    CudnnCalls.call(e, cudnn, () -> CudnnOps.reluBackward(cudnn, all), e.out(0), e.in(0), e.in(1));
  }

  static void biasBackward(BiasBackward op, Emitter e) {
    Cudnn cudnn = e.cudnn();
    CudnnTensor dy = CudnnCalls.channels(e, e.input(0).shape());
    CudnnCalls.call(e, cudnn, () -> CudnnConvolution.backwardBias(cudnn, dy), e.out(0), e.in(0));
  }

  /** A value of any rank, whose elements are treated alike. */
  private static CudnnTensor elements(Emitter e, Shape shape) {
    if (shape.rank() == 4) {
      return CudnnCalls.images(shape);
    }
    int rows = shape.rank() == 0 ? 1 : shape.dim(0);
    long row = shape.elements() / rows;
    if (row > Integer.MAX_VALUE) {
      throw e.unsupported("cuDNN counts in 32 bits, and a row has " + row + " elements");
    }
    return new CudnnTensor(Element.FLOAT32, Format.NCHW, rows, (int) row, 1, 1);
  }
}
