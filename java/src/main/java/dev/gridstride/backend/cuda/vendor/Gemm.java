package dev.gridstride.backend.cuda.vendor;

import jcuda.cudaDataType;
import jcuda.jcublas.cublasComputeType;

/**
 * Products of matrices {@code y[m,n] = op(a) op(b)}, all row-major, several of them at equal
 * distances. Sums are float32.
 *
 * @param a {@code [m,k]}, or {@code [k,m]} if transposed
 * @param b {@code [k,n]}, or {@code [n,k]} if transposed
 * @param y {@code [m,n]}
 * @param arithmetic of the factors
 * @param bfloat16Result whether y is bfloat16; else it is float32
 * @param batch how many products
 */
public record Gemm(
    int m,
    int n,
    int k,
    Operand a,
    Operand b,
    Operand y,
    Arithmetic arithmetic,
    boolean bfloat16Result,
    int batch) {

  /**
   * How a matrix lies in memory.
   *
   * @param transposed whether it is stored transposed
   * @param pitch elements from a stored row to the next
   * @param stride elements from a product's matrix to the next product's
   */
  public record Operand(boolean transposed, int pitch, long stride) {}

  /** What factors are stored and multiplied as. */
  public enum Arithmetic {
    /** float32, rounded nowhere. */
    FLOAT32("float32", cudaDataType.CUDA_R_32F, cublasComputeType.CUBLAS_COMPUTE_32F),
    /** float32, multiplied as TF32. */
    TF32("tf32", cudaDataType.CUDA_R_32F, cublasComputeType.CUBLAS_COMPUTE_32F_FAST_TF32),
    /** bfloat16. */
    BF16("bf16", cudaDataType.CUDA_R_16BF, cublasComputeType.CUBLAS_COMPUTE_32F);

    private final String title;
    private final int dataType;
    private final int computeType;

    Arithmetic(String title, int dataType, int computeType) {
      this.title = title;
      this.dataType = dataType;
      this.computeType = computeType;
    }

    int dataType() {
      return dataType;
    }

    int computeType() {
      return computeType;
    }

    @Override
    public String toString() {
      return title;
    }
  }

  /** One product of matrices that lie densely. */
  public static Gemm of(
      int m,
      int n,
      int k,
      boolean transposedA,
      boolean transposedB,
      Arithmetic arithmetic,
      boolean bfloat16Result) {
    return new Gemm(
        m,
        n,
        k,
        new Operand(transposedA, transposedA ? m : k, 0),
        new Operand(transposedB, transposedB ? k : n, 0),
        new Operand(false, n, 0),
        arithmetic,
        bfloat16Result,
        1);
  }

  int resultType() {
    return bfloat16Result ? cudaDataType.CUDA_R_16BF : cudaDataType.CUDA_R_32F;
  }

  /** The function that computes it. */
  String function() {
    return batch == 1 ? "cublasGemmEx" : "cublasGemmStridedBatchedEx";
  }

  /** {@code 64x10 = 64x128 (10x128)^T, tf32}: the result, the factors as they are stored. */
  @Override
  public String toString() {
    return (batch == 1 ? "" : batch + " times ")
        + m
        + "x"
        + n
        + " = "
        + factor(a, m, k)
        + " "
        + factor(b, k, n)
        + ", "
        + arithmetic
        + (bfloat16Result ? " to bf16" : "");
  }

  private static String factor(Operand operand, int rows, int columns) {
    return operand.transposed ? "(" + columns + "x" + rows + ")^T" : rows + "x" + columns;
  }
}
