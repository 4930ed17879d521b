package dev.gridstride.backend.cuda.program;

import dev.gridstride.backend.cuda.LibraryException;
import dev.gridstride.backend.cuda.vendor.Cudnn;
import dev.gridstride.backend.cuda.vendor.CudnnTensor;
import dev.gridstride.backend.cuda.vendor.CudnnTensor.Element;
import dev.gridstride.backend.cuda.vendor.CudnnTensor.Format;
import dev.gridstride.backend.cuda.vendor.LibraryCall;
import dev.gridstride.program.DataType;
import dev.gridstride.program.Padding2d;
import dev.gridstride.program.Shape;
import dev.gridstride.program.Size2d;
import dev.gridstride.program.TensorType;
import java.util.Arrays;
import java.util.List;
import java.util.function.Supplier;

/** What the lowerings to cuDNN share. */
final class CudnnCalls {
  private CudnnCalls() {}

  /** A value of rank 4 in this order, or convolution weights. */
  static CudnnTensor tensor(TensorType type, Format format) {
    ChannelsLast s = ChannelsLast.of(type.shape());
    Element element = type.dtype() == DataType.BFLOAT16 ? Element.BFLOAT16 : Element.FLOAT32;
    return new CudnnTensor(element, format, s.n(), s.c(), s.h(), s.w());
  }

  /** A value of rank 4 as it is stored. */
  static CudnnTensor images(Shape shape) {
    return tensor(TensorType.float32(shape.dims()), Format.NHWC);
  }

  /** A float32 value [N,C,...] of any rank as it is stored. */
  static CudnnTensor channels(Emitter e, Shape shape) {
    if (shape.rank() == 4) {
      return images(shape);
    }
    Channels s = Channels.of(shape);
    if (s.inner() > Integer.MAX_VALUE) {
      throw e.unsupported("cuDNN counts in 32 bits, and a row has " + s.inner() + " elements");
    }
    return new CudnnTensor(
        Element.FLOAT32, Format.NCHW, shape.dim(0), s.channels(), (int) s.inner(), 1);
  }

  /**
   * A float32 value of any rank as it is stored, whose elements are treated alike. The library
   * refuses what has more of them than it counts.
   */
  static CudnnTensor elements(Shape shape) {
    if (shape.rank() == 4) {
      return images(shape);
    }
    int rows = shape.rank() == 0 ? 1 : shape.dim(0);
    int row = Math.toIntExact(shape.elements() / rows);
    return new CudnnTensor(Element.FLOAT32, Format.NCHW, rows, row, 1, 1);
  }

  /**
   * The padding, height and width, if it is the same on both sides or might as well be.
   *
   * @param kernel height and width
   * @param out extent of the result
   */
  static List<Integer> padding(
      Emitter e,
      Padding2d padding,
      Shape image,
      Size2d kernel,
      Size2d stride,
      Size2d dilation,
      Shape out) {
    Size2d alike =
        Padding2d.of(padding.top(), padding.left())
            .outputSize(e.node().op().name(), image.dim(2), image.dim(3), kernel, stride, dilation);
    if (alike.height() != out.dim(2) || alike.width() != out.dim(3)) {
      throw e.unsupported(
          "cuDNN pads both sides alike, and this padding is "
              + padding
              + " (top, left, bottom, right)");
    }
    return List.of(padding.top(), padding.left());
  }

  static List<Integer> pair(Size2d size) {
    return List.of(size.height(), size.width());
  }

  /** What comes of asking the library, or a refusal of the node where the library refuses. */
  static <T> T asked(Emitter e, Supplier<T> question) {
    try {
      return question.get();
    } catch (LibraryException refusal) {
      if (Cudnn.isRefusal(refusal)) {
        throw e.unsupported(refusal.getMessage());
      }
      throw refusal;
    }
  }

  /**
   * Records a call that the library has been seen to take.
   *
   * @throws UnsupportedException if it does not
   */
  static void call(Emitter e, Cudnn cudnn, Supplier<LibraryCall> maker, Place... places) {
    LibraryCall call = asked(e, maker);
    String refusal = refusal(cudnn, call, Arrays.stream(places).mapToLong(Place::bytes).toArray());
    if (refusal != null) {
      throw e.unsupported(refusal);
    }
    e.call(call, places);
  }

  /** As {@link Cudnn#refusal}; the call is closed unless the library takes it. */
  static String refusal(Cudnn cudnn, LibraryCall call, long... bytes) {
    String refusal = "";
    try {
      refusal = cudnn.refusal(call, bytes);
      return refusal;
    } finally {
      if (refusal != null) {
        call.close();
      }
    }
  }
}
