package dev.gridstride.peers.deeplearning4j;

import dev.gridstride.peers.common.Cifar10;
import dev.gridstride.peers.common.Net;
import dev.gridstride.peers.common.Options;
import dev.gridstride.peers.common.ReferenceNet;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.Properties;
import org.deeplearning4j.nn.conf.MultiLayerConfiguration;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.ConvolutionLayer;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.conf.layers.PoolingType;
import org.deeplearning4j.nn.conf.layers.SubsamplingLayer;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.learning.config.Adam;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;

/** The reference net as a {@code MultiLayerNetwork}, trained by its own {@code fit} and Adam. */
final class Deeplearning4jNet implements Net {

  private final MultiLayerNetwork net;
  private final String settings;

  Deeplearning4jNet(Options options, String settings) {
    this.settings = settings;
    net = new MultiLayerNetwork(configuration());
    net.init();
    ReferenceNet initial = ReferenceNet.initial(options.seed());
    int kernel = ReferenceNet.KERNEL;
    fill("0_W", initial.conv1(), ReferenceNet.CONV1, Cifar10.CHANNELS, kernel, kernel);
    fill("2_W", initial.conv2(), ReferenceNet.CONV2, ReferenceNet.CONV1, kernel, kernel);
    fillTransposed("4_W", initial.dense1(), ReferenceNet.DENSE1, ReferenceNet.FLAT);
    fillTransposed("5_W", initial.dense2(), ReferenceNet.DENSE2, ReferenceNet.DENSE1);
  }

  /** Workspaces, which spare allocations, are on as they come; biases are zero. */
  private static MultiLayerConfiguration configuration() {
    return new NeuralNetConfiguration.Builder()
        .dataType(DataType.FLOAT)
        .updater(
            new Adam(
                ReferenceNet.LEARNING_RATE,
                ReferenceNet.BETA1,
                ReferenceNet.BETA2,
                ReferenceNet.EPSILON))
        .list()
        .layer(convolution(ReferenceNet.CONV1))
        .layer(pooling())
        .layer(convolution(ReferenceNet.CONV2))
        .layer(pooling())
        .layer(
            new DenseLayer.Builder().nOut(ReferenceNet.DENSE1).activation(Activation.RELU).build())
        .layer(
            new OutputLayer.Builder(LossFunction.MCXENT)
                .nOut(ReferenceNet.DENSE2)
                .activation(Activation.SOFTMAX)
                .build())
        .setInputType(InputType.convolutional(Cifar10.SIDE, Cifar10.SIDE, Cifar10.CHANNELS))
        .build();
  }

  private static ConvolutionLayer convolution(int filters) {
    return new ConvolutionLayer.Builder(ReferenceNet.KERNEL, ReferenceNet.KERNEL)
        .nOut(filters)
        .activation(Activation.RELU)
        .build();
  }

  private static SubsamplingLayer pooling() {
    return new SubsamplingLayer.Builder(PoolingType.MAX)
        .kernelSize(ReferenceNet.POOL, ReferenceNet.POOL)
        .stride(ReferenceNet.POOL, ReferenceNet.POOL)
        .build();
  }

  private void fill(String name, float[] numbers, long... shape) {
    net.setParam(name, Nd4j.create(numbers, shape, 'c'));
  }

  /** Dense weights are inputs by outputs here, outputs by inputs in {@link ReferenceNet}. */
  private void fillTransposed(String name, float[] numbers, int outputs, int inputs) {
    try (INDArray rows = Nd4j.create(numbers, new long[] {outputs, inputs}, 'c')) {
      net.setParam(name, rows.transpose());
    }
  }

  @Override
  public String version() {
    String file = "/META-INF/maven/org.deeplearning4j/deeplearning4j-nn/pom.properties";
    try (InputStream in = MultiLayerNetwork.class.getResourceAsStream(file)) {
      Properties properties = new Properties();
      properties.load(in);
      return properties.getProperty("version");
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Override
  public String settings() {
    return settings;
  }

  @Override
  public Cifar10.Layout layout() {
    return Cifar10.Layout.CHANNELS_FIRST;
  }

  @Override
  public Score train(Cifar10 images, int[] order, int from, int count) {
    try (INDArray batch = gather(images, order, from, count);
        INDArray labels = oneHot(images, order, from, count)) {
      net.fit(batch, labels);
      return new Score(net.score(), Score.NOT_COUNTED);
    }
  }

  @Override
  public int countCorrect(Cifar10 images, int[] order, int from, int count) {
    try (INDArray batch = gather(images, order, from, count)) {
      int[] classes = net.predict(batch);
      int correct = 0;
      for (int i = 0; i < count; i++) {
        correct += classes[i] == images.label(order[from + i]) ? 1 : 0;
      }
      return correct;
    }
  }

  private static INDArray gather(Cifar10 images, int[] order, int from, int count) {
    float[] pixels = new float[count * Cifar10.PIXELS];
    images.gatherScaled(order, from, count, pixels);
    return Nd4j.create(
        pixels, new long[] {count, Cifar10.CHANNELS, Cifar10.SIDE, Cifar10.SIDE}, 'c');
  }

  private static INDArray oneHot(Cifar10 images, int[] order, int from, int count) {
    float[] labels = new float[count * Cifar10.CLASSES];
    for (int i = 0; i < count; i++) {
      labels[i * Cifar10.CLASSES + images.label(order[from + i])] = 1;
    }
    return Nd4j.create(labels, new long[] {count, Cifar10.CLASSES}, 'c');
  }

  @Override
  public void close() {
    net.close();
  }
}
