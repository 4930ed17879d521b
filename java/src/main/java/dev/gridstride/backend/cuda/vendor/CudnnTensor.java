package dev.gridstride.backend.cuda.vendor;

import jcuda.jcudnn.cudnnDataType;
import jcuda.jcudnn.cudnnTensorFormat;

/**
 * Type, order in memory and sizes of a tensor, as cuDNN's descriptors have them; of weights, n is
 * output channels and c the input channels of a group. Densely packed.
 *
 * @param n batch
 * @param c channels
 * @param h height
 * @param w width
 */
public record CudnnTensor(Element type, Format format, int n, int c, int h, int w) {
  /** Element types. */
  public enum Element {
    /** float32. */
    FLOAT32(cudnnDataType.CUDNN_DATA_FLOAT, 4),
    /** bfloat16. */
    BFLOAT16(cudnnDataType.CUDNN_DATA_BFLOAT16, 2);

    final int number;
    private final int bytes;

    Element(int number, int bytes) {
      this.number = number;
      this.bytes = bytes;
    }
  }

  /** Orders in memory. */
  public enum Format {
    /** Channels last. */
    NHWC(cudnnTensorFormat.CUDNN_TENSOR_NHWC),
    /** Row-major. */
    NCHW(cudnnTensorFormat.CUDNN_TENSOR_NCHW);

    final int number;

    Format(int number) {
      this.number = number;
    }
  }

  /** One float32 for each channel of {@code of}. */
  public static CudnnTensor perChannel(CudnnTensor of) {
    return new CudnnTensor(Element.FLOAT32, of.format, 1, of.c, 1, 1);
  }

  /** Its size in memory. */
  public long bytes() {
    long elements = Math.multiplyExact((long) n * c, (long) h * w);
    return Math.multiplyExact(elements, (long) type.bytes);
  }

  /** For example {@code float32 [8,3,32,32] NHWC}: sizes in the order N, C, H, W. */
  @Override
  public String toString() {
    return (type == Element.FLOAT32 ? "float32" : "bfloat16")
        + " ["
        + n
        + ","
        + c
        + ","
        + h
        + ","
        + w
        + "] "
        + format;
  }
}
