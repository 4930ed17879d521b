package dev.gridstride.peers.onednn;

import static org.bytedeco.dnnl.global.dnnl.DNNL_ARG_DST;
import static org.bytedeco.dnnl.global.dnnl.DNNL_ARG_SRC;

import dev.gridstride.peers.common.ReferenceNet;
import java.util.List;
import org.bytedeco.dnnl.engine;
import org.bytedeco.dnnl.memory;
import org.bytedeco.dnnl.reorder;
import org.bytedeco.dnnl.stream;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.FloatPointer;

/**
 * All weights and biases in one native block, all gradients in another, and Adam over both.
 *
 * <p>A weight, its gradient and its moments share one layout, the one that the forward primitive
 * chose, so that Adam can walk over everything as one array. It does so on {@code float[]}, which
 * the JIT compiler turns into vector code, with one bulk copy of the gradients in and one of the
 * weights out.
 */
final class Parameters {

  /** Each part starts on a cache line, and on a vector of AVX-512. */
  private static final long ALIGNMENT = 64;

  private final memory[] parts;
  private final memory[] gradients;
  private final FloatPointer nativeValues;
  private final FloatPointer nativeGradients;
  private final float[] values;
  private final float[] grad;
  private final float[] moment1;
  private final float[] moment2;
  private double beta1Power = 1;
  private double beta2Power = 1;

  /**
   * Allocates parameters, all zero.
   *
   * @param layouts layout of each part
   */
  Parameters(engine engine, List<memory.desc> layouts) {
    long[] offsets = new long[layouts.size()];
    long bytes = 0;
    for (int i = 0; i < offsets.length; i++) {
      offsets[i] = bytes;
      bytes += (layouts.get(i).get_size() + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    }
    int floats = Math.toIntExact(bytes / Float.BYTES);
    // Memories that oneDNN allocates are aligned, unlike JavaCPP's.
    memory.desc block = Layouts.plain(floats);
    memory valueBlock = new memory(block, engine);
    memory gradientBlock = new memory(block, engine);
    nativeValues = new FloatPointer(valueBlock.get_data_handle());
    nativeGradients = new FloatPointer(gradientBlock.get_data_handle());
    values = new float[floats];
    grad = new float[floats];
    moment1 = new float[floats];
    moment2 = new float[floats];
    nativeValues.put(values);
    nativeGradients.put(grad);
    parts = split(engine, layouts, offsets, valueBlock);
    gradients = split(engine, layouts, offsets, gradientBlock);
  }

  private static memory[] split(
      engine engine, List<memory.desc> layouts, long[] offsets, memory block) {
    BytePointer start = new BytePointer(block.get_data_handle());
    memory[] split = new memory[offsets.length];
    for (int i = 0; i < split.length; i++) {
      split[i] = new memory(layouts.get(i), engine, start.getPointer(offsets[i]));
    }
    return split;
  }

  /** Where a part's weights live. */
  memory part(int part) {
    return parts[part];
  }

  /** Where a part's gradient is awaited. */
  memory gradient(int part) {
    return gradients[part];
  }

  /**
   * Fills a part.
   *
   * @param layout the layout of {@code numbers}
   */
  void fill(engine engine, stream stream, int part, memory.desc layout, float[] numbers) {
    memory source = new memory(layout, engine);
    new FloatPointer(source.get_data_handle()).put(numbers);
    new Calls()
        .add(new reorder(source, parts[part]))
        .with(DNNL_ARG_SRC, source)
        .with(DNNL_ARG_DST, parts[part])
        .run(stream);
    nativeValues.get(values);
  }

  /**
   * One step of Adam, Algorithm 1 of Kingma and Ba: {@code w -= lr m_hat / (sqrt(v_hat) +
   * epsilon)}.
   */
  void adamStep() {
    nativeGradients.get(grad);
    beta1Power *= ReferenceNet.BETA1;
    beta2Power *= ReferenceNet.BETA2;
    adam(
        values,
        grad,
        moment1,
        moment2,
        (float) (ReferenceNet.LEARNING_RATE / (1 - beta1Power)),
        (float) (1 / (1 - beta2Power)));
    nativeValues.put(values);
  }

  /** The loop alone, on parameters instead of fields, as the JIT compiler likes it. */
  private static void adam(
      float[] w, float[] g, float[] m, float[] v, float rate, float correction2) {
    for (int i = 0; i < w.length; i++) {
      float gradient = g[i];
      float m1 = ReferenceNet.BETA1 * m[i] + (1 - ReferenceNet.BETA1) * gradient;
      float m2 = ReferenceNet.BETA2 * v[i] + (1 - ReferenceNet.BETA2) * gradient * gradient;
      m[i] = m1;
      v[i] = m2;
      w[i] -= rate * m1 / ((float) Math.sqrt(m2 * correction2) + ReferenceNet.EPSILON);
    }
  }
}
