package dev.gridstride.peers.onednn;

import static org.bytedeco.dnnl.global.dnnl.dnnl_convolution_auto;
import static org.bytedeco.dnnl.global.dnnl.dnnl_eltwise_relu;
import static org.bytedeco.dnnl.global.dnnl.dnnl_eltwise_relu_use_dst_for_bwd;
import static org.bytedeco.dnnl.global.dnnl.dnnl_forward_training;
import static org.bytedeco.dnnl.global.dnnl.dnnl_pooling_max;

import dev.gridstride.peers.common.Cifar10;
import dev.gridstride.peers.common.ReferenceNet;
import java.util.List;
import org.bytedeco.dnnl.convolution_backward_data;
import org.bytedeco.dnnl.convolution_backward_weights;
import org.bytedeco.dnnl.convolution_forward;
import org.bytedeco.dnnl.eltwise_backward;
import org.bytedeco.dnnl.eltwise_forward;
import org.bytedeco.dnnl.engine;
import org.bytedeco.dnnl.inner_product_backward_data;
import org.bytedeco.dnnl.inner_product_backward_weights;
import org.bytedeco.dnnl.inner_product_forward;
import org.bytedeco.dnnl.memory;
import org.bytedeco.dnnl.pooling_backward;
import org.bytedeco.dnnl.pooling_forward;
import org.bytedeco.dnnl.post_ops;
import org.bytedeco.dnnl.primitive_attr;

/**
 * The primitives of one training step for one batch size, described but without memories.
 *
 * <p>Each convolution may choose its output's layout and its weights'; whoever reads a map takes it
 * as it lies, so no map is ever reordered. Dilation 0 is oneDNN's word for none.
 */
final class PrimitiveSet {

  private static final long[] NONE = {0, 0};
  private static final long[] UNIT = {1, 1};
  private static final long[] WINDOW = {ReferenceNet.POOL, ReferenceNet.POOL};

  final int batch;
  final convolution_forward.primitive_desc conv1;
  final pooling_forward.primitive_desc pool1;
  final convolution_forward.primitive_desc conv2;
  final pooling_forward.primitive_desc pool2;
  final inner_product_forward.primitive_desc dense1;
  final inner_product_forward.primitive_desc dense2;
  final inner_product_backward_weights.primitive_desc dense2Weights;
  final inner_product_backward_data.primitive_desc dense2Data;
  final eltwise_backward.primitive_desc dense1Relu;
  final inner_product_backward_weights.primitive_desc dense1Weights;
  final inner_product_backward_data.primitive_desc dense1Data;
  final eltwise_backward.primitive_desc pool2Relu;
  final pooling_backward.primitive_desc pool2Data;
  final convolution_backward_weights.primitive_desc conv2Weights;
  final convolution_backward_data.primitive_desc conv2Data;
  final eltwise_backward.primitive_desc pool1Relu;
  final pooling_backward.primitive_desc pool1Data;
  final convolution_backward_weights.primitive_desc conv1Weights;

  private final engine engine;
  private final primitive_attr plain = new primitive_attr();
  private final primitive_attr relu = new primitive_attr();

  /**
   * Describes the primitives.
   *
   * @param pinned the parameters' layouts, in the order of {@link ParameterPart}, or null to let
   *     the forward primitives choose
   */
  PrimitiveSet(engine engine, int batch, List<memory.desc> pinned) {
    this.engine = engine;
    this.batch = batch;
    post_ops fused = new post_ops();
    fused.append_eltwise(dnnl_eltwise_relu, 0, 0);
    relu.set_post_ops(fused);

    memory.desc images = Layouts.any(batch, Cifar10.CHANNELS, Cifar10.SIDE, Cifar10.SIDE);
    memory.desc map1 = map(ReferenceNet.CONV1, ReferenceNet.CONV1_SIDE);
    conv1 = convolution(images, weights(ParameterPart.CONV1_WEIGHTS, pinned), map1);
    pool1 = pooling(conv1.dst_desc(), map(ReferenceNet.CONV1, ReferenceNet.POOL1_SIDE));
    memory.desc map2 = map(ReferenceNet.CONV2, ReferenceNet.CONV2_SIDE);
    conv2 = convolution(pool1.dst_desc(), weights(ParameterPart.CONV2_WEIGHTS, pinned), map2);
    pool2 = pooling(conv2.dst_desc(), map(ReferenceNet.CONV2, ReferenceNet.POOL2_SIDE));
    memory.desc hidden = Layouts.plain(batch, ReferenceNet.DENSE1);
    dense1 = dense(pool2.dst_desc(), weights(ParameterPart.DENSE1_WEIGHTS, pinned), hidden, relu);
    memory.desc logits = Layouts.plain(batch, ReferenceNet.DENSE2);
    dense2 = dense(hidden, weights(ParameterPart.DENSE2_WEIGHTS, pinned), logits, plain);

    dense2Weights = denseWeights(hidden, ParameterPart.DENSE2_WEIGHTS, logits, dense2);
    dense2Data = denseData(hidden, ParameterPart.DENSE2_WEIGHTS, logits, dense2);
    dense1Relu = reluBackward(hidden);
    dense1Weights = denseWeights(pool2.dst_desc(), ParameterPart.DENSE1_WEIGHTS, hidden, dense1);
    dense1Data = denseData(pool2.dst_desc(), ParameterPart.DENSE1_WEIGHTS, hidden, dense1);
    pool2Relu = reluBackward(pool2.dst_desc());
    pool2Data = poolingBackward(conv2.dst_desc(), pool2);
    conv2Weights = convolutionWeights(ParameterPart.CONV2_WEIGHTS, conv2);
    conv2Data =
        new convolution_backward_data.primitive_desc(
            engine,
            dnnl_convolution_auto,
            conv2.src_desc(),
            Layouts.any(ParameterPart.CONV2_WEIGHTS.dims()),
            conv2.dst_desc(),
            UNIT,
            NONE,
            NONE,
            conv2,
            plain,
            false);
    pool1Relu = reluBackward(pool1.dst_desc());
    pool1Data = poolingBackward(conv1.dst_desc(), pool1);
    conv1Weights = convolutionWeights(ParameterPart.CONV1_WEIGHTS, conv1);
  }

  /** The layouts of all parameters, in the order of {@link ParameterPart}. */
  List<memory.desc> parameterLayouts() {
    return List.of(
        conv1.weights_desc(),
        conv1.bias_desc(),
        conv2.weights_desc(),
        conv2.bias_desc(),
        dense1.weights_desc(),
        dense1.bias_desc(),
        dense2.weights_desc(),
        dense2.bias_desc());
  }

  private memory.desc map(int channels, int side) {
    return Layouts.any(batch, channels, side, side);
  }

  private static memory.desc weights(ParameterPart part, List<memory.desc> pinned) {
    return pinned == null ? Layouts.any(part.dims()) : pinned.get(part.ordinal());
  }

  /** Biases have one dimension, so their layout needs no choice. */
  private static memory.desc bias(ParameterPart weights) {
    return Layouts.plain(weights.dims()[0]);
  }

  private convolution_forward.primitive_desc convolution(
      memory.desc source, memory.desc weights, memory.desc target) {
    return new convolution_forward.primitive_desc(
        engine,
        dnnl_forward_training,
        dnnl_convolution_auto,
        source,
        weights,
        Layouts.plain(weights.get_dims().get(0)),
        target,
        UNIT,
        NONE,
        NONE,
        relu,
        false);
  }

  private convolution_backward_weights.primitive_desc convolutionWeights(
      ParameterPart part, convolution_forward.primitive_desc forward) {
    return new convolution_backward_weights.primitive_desc(
        engine,
        dnnl_convolution_auto,
        forward.src_desc(),
        Layouts.any(part.dims()),
        bias(part),
        forward.dst_desc(),
        UNIT,
        NONE,
        NONE,
        forward,
        plain,
        false);
  }

  private pooling_forward.primitive_desc pooling(memory.desc source, memory.desc target) {
    return new pooling_forward.primitive_desc(
        engine,
        dnnl_forward_training,
        dnnl_pooling_max,
        source,
        target,
        WINDOW,
        WINDOW,
        NONE,
        NONE,
        NONE,
        plain,
        false);
  }

  private pooling_backward.primitive_desc poolingBackward(
      memory.desc source, pooling_forward.primitive_desc forward) {
    return new pooling_backward.primitive_desc(
        engine,
        dnnl_pooling_max,
        source,
        forward.dst_desc(),
        WINDOW,
        WINDOW,
        NONE,
        NONE,
        NONE,
        forward,
        plain,
        false);
  }

  private inner_product_forward.primitive_desc dense(
      memory.desc source, memory.desc weights, memory.desc target, primitive_attr attributes) {
    return new inner_product_forward.primitive_desc(
        engine,
        dnnl_forward_training,
        source,
        weights,
        Layouts.plain(weights.get_dims().get(0)),
        target,
        attributes,
        false);
  }

  private inner_product_backward_weights.primitive_desc denseWeights(
      memory.desc source,
      ParameterPart part,
      memory.desc target,
      inner_product_forward.primitive_desc forward) {
    return new inner_product_backward_weights.primitive_desc(
        engine, source, Layouts.any(part.dims()), bias(part), target, forward, plain, false);
  }

  private inner_product_backward_data.primitive_desc denseData(
      memory.desc source,
      ParameterPart part,
      memory.desc target,
      inner_product_forward.primitive_desc forward) {
    return new inner_product_backward_data.primitive_desc(
        engine, source, Layouts.any(part.dims()), target, forward, plain, false);
  }

  /** The gradient through a ReLU, from the ReLU's output. */
  private eltwise_backward.primitive_desc reluBackward(memory.desc map) {
    eltwise_forward.primitive_desc forward =
        new eltwise_forward.primitive_desc(
            engine,
            dnnl_forward_training,
            dnnl_eltwise_relu_use_dst_for_bwd,
            map,
            map,
            0f,
            0f,
            plain,
            false);
    return new eltwise_backward.primitive_desc(
        engine, dnnl_eltwise_relu_use_dst_for_bwd, map, map, map, 0f, 0f, forward, plain, false);
  }
}
