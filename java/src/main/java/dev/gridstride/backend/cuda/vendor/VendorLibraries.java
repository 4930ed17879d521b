package dev.gridstride.backend.cuda.vendor;

import dev.gridstride.backend.BackendException;
import dev.gridstride.backend.cuda.CudaContext;
import java.util.LinkedHashMap;
import java.util.Map;

/** NVIDIA's cuBLAS and cuDNN for one context, each opened when it is first asked for. */
public final class VendorLibraries implements AutoCloseable {
  private final CudaContext context;
  private Cublas cublas;
  private Cudnn cudnn;

  /** Opens nothing yet. */
  public VendorLibraries(CudaContext context) {
    this.context = context;
  }

  /**
   * cuBLAS.
   *
   * @throws BackendException if it is missing or of another version, with what is wanted
   */
  public Cublas cublas() {
    if (cublas == null) {
      throw new BackendException("cublas: not found for " + context);
    }
    return cublas;
  }

  /**
   * cuDNN.
   *
   * @throws BackendException if it is missing or of another version, with what is wanted
   */
  public Cudnn cudnn() {
    if (cudnn == null) {
      throw new BackendException("cudnn: not found for " + context);
    }
    return cudnn;
  }

  /** Versions of those that were opened, by name. */
  public Map<String, String> versions() {
    Map<String, String> versions = new LinkedHashMap<>();
    if (cublas != null) {
      versions.put("cublas", cublas.version());
    }
    if (cudnn != null) {
      versions.put("cudnn", cudnn.version());
    }
    return versions;
  }

  /** Closes what was opened. Never throws. */
  @Override
  public void close() {
    cublas = null;
    cudnn = null;
  }
}
