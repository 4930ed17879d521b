package dev.gridstride.peers.onednn;

import dev.gridstride.peers.common.Cifar10;
import dev.gridstride.peers.common.ReferenceNet;

/**
 * The weights and biases of the net, in the order in which {@link Parameters} keeps them.
 *
 * <p>The first dense layer has four dimensions, so that it reads the pooled map as it lies.
 */
enum ParameterPart {
  CONV1_WEIGHTS(ReferenceNet.CONV1, Cifar10.CHANNELS, ReferenceNet.KERNEL, ReferenceNet.KERNEL) {
    @Override
    float[] initial(ReferenceNet net) {
      return net.conv1();
    }
  },
  CONV1_BIAS(ReferenceNet.CONV1),
  CONV2_WEIGHTS(ReferenceNet.CONV2, ReferenceNet.CONV1, ReferenceNet.KERNEL, ReferenceNet.KERNEL) {
    @Override
    float[] initial(ReferenceNet net) {
      return net.conv2();
    }
  },
  CONV2_BIAS(ReferenceNet.CONV2),
  DENSE1_WEIGHTS(
      ReferenceNet.DENSE1, ReferenceNet.CONV2, ReferenceNet.POOL2_SIDE, ReferenceNet.POOL2_SIDE) {
    @Override
    float[] initial(ReferenceNet net) {
      return net.dense1();
    }
  },
  DENSE1_BIAS(ReferenceNet.DENSE1),
  DENSE2_WEIGHTS(ReferenceNet.DENSE2, ReferenceNet.DENSE1) {
    @Override
    float[] initial(ReferenceNet net) {
      return net.dense2();
    }
  },
  DENSE2_BIAS(ReferenceNet.DENSE2);

  private final long[] dims;

  ParameterPart(long... dims) {
    this.dims = dims;
  }

  /** Sizes, outputs first. */
  long[] dims() {
    return dims.clone();
  }

  /** The initial numbers in plain layout: zero, unless a constant says otherwise. */
  float[] initial(ReferenceNet net) {
    return new float[Math.toIntExact(dims[0])];
  }
}
