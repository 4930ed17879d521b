package dev.gridstride.peers.onednn;

import static org.bytedeco.dnnl.global.dnnl.DNNL_ARG_ATTR_SCALES;
import static org.bytedeco.dnnl.global.dnnl.DNNL_ARG_BIAS;
import static org.bytedeco.dnnl.global.dnnl.DNNL_ARG_DIFF_BIAS;
import static org.bytedeco.dnnl.global.dnnl.DNNL_ARG_DIFF_DST;
import static org.bytedeco.dnnl.global.dnnl.DNNL_ARG_DIFF_SRC;
import static org.bytedeco.dnnl.global.dnnl.DNNL_ARG_DIFF_WEIGHTS;
import static org.bytedeco.dnnl.global.dnnl.DNNL_ARG_DST;
import static org.bytedeco.dnnl.global.dnnl.DNNL_ARG_SRC;
import static org.bytedeco.dnnl.global.dnnl.DNNL_ARG_WEIGHTS;
import static org.bytedeco.dnnl.global.dnnl.DNNL_ARG_WORKSPACE;

import dev.gridstride.peers.common.Cifar10;
import dev.gridstride.peers.common.Net;
import dev.gridstride.peers.common.ReferenceNet;
import org.bytedeco.dnnl.engine;
import org.bytedeco.dnnl.memory;
import org.bytedeco.dnnl.primitive;
import org.bytedeco.dnnl.primitive_attr;
import org.bytedeco.dnnl.primitive_desc;
import org.bytedeco.dnnl.reorder;
import org.bytedeco.dnnl.stream;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.FloatPointer;

/**
 * A training step for one batch size: every primitive bound to its memories once.
 *
 * <p>Java gathers the batch as bytes; a reorder turns them into scaled floats on both cores. The
 * gradient through a convolution's ReLU is taken on the pooled map, a quarter of the size: the
 * maximum that pooling kept has the sign of the value it came from, so the result is the same.
 */
final class BatchProgram {

  private final stream stream;
  private final engine engine;
  private final Parameters parameters;
  private final int batch;
  private final Calls forward = new Calls();
  private final Calls backward = new Calls();

  private final byte[] pixels;
  private final BytePointer nativePixels;
  private final float[] logits;
  private final FloatPointer nativeLogits;
  private final FloatPointer nativeGradLogits;

  BatchProgram(engine engine, stream stream, PrimitiveSet set, Parameters parameters) {
    this.engine = engine;
    this.stream = stream;
    this.parameters = parameters;
    batch = set.batch;
    pixels = new byte[batch * Cifar10.PIXELS];
    logits = new float[batch * ReferenceNet.DENSE2];

    memory bytes =
        allocate(
            new memory.desc(
                new long[] {batch, Cifar10.CHANNELS, Cifar10.SIDE, Cifar10.SIDE},
                memory.data_type.u8,
                memory.format_tag.abcd));
    memory images = allocate(set.conv1.src_desc());
    memory map1 = allocate(set.conv1.dst_desc());
    memory pooled1 = allocate(set.pool1.dst_desc());
    memory winners1 = allocate(set.pool1.workspace_desc());
    memory map2 = allocate(set.conv2.dst_desc());
    memory pooled2 = allocate(set.pool2.dst_desc());
    memory winners2 = allocate(set.pool2.workspace_desc());
    memory hidden = allocate(set.dense1.dst_desc());
    memory outputs = allocate(set.dense2.dst_desc());
    memory gradMap1 = allocate(set.conv1.dst_desc());
    memory gradPooled1 = allocate(set.pool1.dst_desc());
    memory gradMap2 = allocate(set.conv2.dst_desc());
    memory gradPooled2 = allocate(set.pool2.dst_desc());
    memory gradHidden = allocate(set.dense1.dst_desc());
    memory gradOutputs = allocate(set.dense2.dst_desc());
    nativePixels = new BytePointer(bytes.get_data_handle());
    nativeLogits = new FloatPointer(outputs.get_data_handle());
    nativeGradLogits = new FloatPointer(gradOutputs.get_data_handle());

    addScaling(bytes, images);
    addLayer(set.conv1, images, ParameterPart.CONV1_WEIGHTS, map1);
    addPooling(set.pool1, map1, pooled1, winners1);
    addLayer(set.conv2, pooled1, ParameterPart.CONV2_WEIGHTS, map2);
    addPooling(set.pool2, map2, pooled2, winners2);
    addLayer(set.dense1, pooled2, ParameterPart.DENSE1_WEIGHTS, hidden);
    addLayer(set.dense2, hidden, ParameterPart.DENSE2_WEIGHTS, outputs);

    addWeightsGradient(set.dense2Weights, hidden, gradOutputs, ParameterPart.DENSE2_WEIGHTS);
    addDataGradient(set.dense2Data, gradOutputs, ParameterPart.DENSE2_WEIGHTS, gradHidden);
    addReluGradient(set.dense1Relu, hidden, gradHidden);
    addWeightsGradient(set.dense1Weights, pooled2, gradHidden, ParameterPart.DENSE1_WEIGHTS);
    addDataGradient(set.dense1Data, gradHidden, ParameterPart.DENSE1_WEIGHTS, gradPooled2);
    addReluGradient(set.pool2Relu, pooled2, gradPooled2);
    addPoolingGradient(set.pool2Data, gradPooled2, winners2, gradMap2);
    addWeightsGradient(set.conv2Weights, pooled1, gradMap2, ParameterPart.CONV2_WEIGHTS);
    addDataGradient(set.conv2Data, gradMap2, ParameterPart.CONV2_WEIGHTS, gradPooled1);
    addReluGradient(set.pool1Relu, pooled1, gradPooled1);
    addPoolingGradient(set.pool1Data, gradPooled1, winners1, gradMap1);
    addWeightsGradient(set.conv1Weights, images, gradMap1, ParameterPart.CONV1_WEIGHTS);
  }

  /** Gathers a batch and computes its logits. */
  void forward(Cifar10 images, int[] order, int from) {
    images.gatherBytes(order, from, batch, pixels);
    nativePixels.put(pixels);
    forward.run(stream);
  }

  /** Softmax and mean cross-entropy of the last forward pass, and the gradient of the logits. */
  Net.Score loss(Cifar10 images, int[] order, int from) {
    int classes = ReferenceNet.DENSE2;
    nativeLogits.get(logits);
    double lossSum = 0;
    int correct = 0;
    for (int i = 0; i < batch; i++) {
      int row = i * classes;
      int best = 0;
      for (int c = 1; c < classes; c++) {
        if (logits[row + c] > logits[row + best]) {
          best = c;
        }
      }
      int label = images.label(order[from + i]);
      float largest = logits[row + best];
      double labelLogit = logits[row + label] - largest;
      double sum = 0;
      for (int c = 0; c < classes; c++) {
        double exponential = Math.exp(logits[row + c] - largest);
        logits[row + c] = (float) exponential;
        sum += exponential;
      }
      float scale = (float) (1 / (sum * batch));
      for (int c = 0; c < classes; c++) {
        logits[row + c] *= scale;
      }
      logits[row + label] -= 1f / batch;
      lossSum += Math.log(sum) - labelLogit;
      correct += best == label ? 1 : 0;
    }
    nativeGradLogits.put(logits);
    return new Net.Score(lossSum / batch, correct);
  }

  /** Computes the gradients of all parameters from the gradient of the logits. */
  void backward() {
    backward.run(stream);
  }

  private memory allocate(memory.desc layout) {
    return new memory(layout, engine);
  }

  private void addScaling(memory bytes, memory images) {
    memory scale = allocate(Layouts.plain(1));
    new FloatPointer(scale.get_data_handle()).put(1 / 255f);
    primitive_attr scaled = new primitive_attr();
    scaled.set_scales_mask(DNNL_ARG_SRC, 0);
    forward
        .add(new reorder(bytes, images, scaled))
        .with(DNNL_ARG_SRC, bytes)
        .with(DNNL_ARG_DST, images)
        .with(DNNL_ARG_ATTR_SCALES | DNNL_ARG_SRC, scale);
  }

  /** A convolution or dense layer; its bias follows its weights in {@link ParameterPart}. */
  private void addLayer(primitive_desc layer, memory source, ParameterPart part, memory target) {
    forward
        .add(new primitive(layer))
        .with(DNNL_ARG_SRC, source)
        .with(DNNL_ARG_WEIGHTS, parameters.part(part.ordinal()))
        .with(DNNL_ARG_BIAS, parameters.part(part.ordinal() + 1))
        .with(DNNL_ARG_DST, target);
  }

  private void addPooling(primitive_desc layer, memory source, memory target, memory winners) {
    forward
        .add(new primitive(layer))
        .with(DNNL_ARG_SRC, source)
        .with(DNNL_ARG_DST, target)
        .with(DNNL_ARG_WORKSPACE, winners);
  }

  private void addWeightsGradient(
      primitive_desc layer, memory source, memory gradTarget, ParameterPart part) {
    memory wanted = parameters.gradient(part.ordinal());
    boolean direct = layer.diff_weights_desc().equals(wanted.get_desc());
    memory written = direct ? wanted : allocate(layer.diff_weights_desc());
    backward
        .add(new primitive(layer))
        .with(DNNL_ARG_SRC, source)
        .with(DNNL_ARG_DIFF_DST, gradTarget)
        .with(DNNL_ARG_DIFF_WEIGHTS, written)
        .with(DNNL_ARG_DIFF_BIAS, parameters.gradient(part.ordinal() + 1));
    if (!direct) {
      addReorder(written, wanted);
    }
  }

  private void addDataGradient(
      primitive_desc layer, memory gradTarget, ParameterPart part, memory gradSource) {
    memory weights = parameters.part(part.ordinal());
    if (!layer.weights_desc().equals(weights.get_desc())) {
      memory copy = allocate(layer.weights_desc());
      addReorder(weights, copy);
      weights = copy;
    }
    backward
        .add(new primitive(layer))
        .with(DNNL_ARG_DIFF_DST, gradTarget)
        .with(DNNL_ARG_WEIGHTS, weights)
        .with(DNNL_ARG_DIFF_SRC, gradSource);
  }

  private void addReorder(memory source, memory target) {
    backward.add(new reorder(source, target)).with(DNNL_ARG_SRC, source).with(DNNL_ARG_DST, target);
  }

  private void addReluGradient(primitive_desc layer, memory output, memory gradient) {
    backward
        .add(new primitive(layer))
        .with(DNNL_ARG_DST, output)
        .with(DNNL_ARG_DIFF_DST, gradient)
        .with(DNNL_ARG_DIFF_SRC, gradient);
  }

  private void addPoolingGradient(
      primitive_desc layer, memory gradTarget, memory winners, memory gradSource) {
    backward
        .add(new primitive(layer))
        .with(DNNL_ARG_DIFF_DST, gradTarget)
        .with(DNNL_ARG_WORKSPACE, winners)
        .with(DNNL_ARG_DIFF_SRC, gradSource);
  }
}
