package dev.gridstride.peers.tensorflow;

import dev.gridstride.peers.common.Cifar10;
import dev.gridstride.peers.common.Net;
import dev.gridstride.peers.common.Options;
import dev.gridstride.peers.common.ReferenceNet;
import java.util.Arrays;
import java.util.List;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.Result;
import org.tensorflow.Session;
import org.tensorflow.TensorFlow;
import org.tensorflow.framework.optimizers.Adam;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.ndarray.buffer.DataBuffers;
import org.tensorflow.op.Op;
import org.tensorflow.op.Ops;
import org.tensorflow.op.core.Placeholder;
import org.tensorflow.op.core.Variable;
import org.tensorflow.proto.ConfigProto;
import org.tensorflow.types.TFloat32;

/** The reference net as one TensorFlow graph, its gradients and Adam from tensorflow-framework. */
final class TensorFlowNet implements Net {

  private static final List<Long> UNIT = List.of(1L, 1L, 1L, 1L);

  private final Graph graph = new Graph();
  private final Ops tf = Ops.create(graph);
  private final Placeholder<TFloat32> images;
  private final Placeholder<TFloat32> expected;
  private final Operand<TFloat32> logits;
  private final Operand<TFloat32> loss;
  private final Op trainingStep;
  private final Session session;
  private final float[] pixels;
  private final float[] oneHot;
  private final float[] outputs;
  private final String settings;

  TensorFlowNet(Options options) {
    pixels = new float[options.batch() * Cifar10.PIXELS];
    oneHot = new float[options.batch() * ReferenceNet.DENSE2];
    outputs = new float[oneHot.length];
    images =
        tf.placeholder(
            TFloat32.class,
            Placeholder.shape(Shape.of(-1, Cifar10.SIDE, Cifar10.SIDE, Cifar10.CHANNELS)));
    expected = tf.placeholder(TFloat32.class, Placeholder.shape(Shape.of(-1, ReferenceNet.DENSE2)));
    ReferenceNet initial = ReferenceNet.initial(options.seed());
    Operand<TFloat32> pooled1 =
        pool(convolution(images, initial.conv1(), Cifar10.CHANNELS, ReferenceNet.CONV1));
    Operand<TFloat32> pooled2 =
        pool(convolution(pooled1, initial.conv2(), ReferenceNet.CONV1, ReferenceNet.CONV2));
    Operand<TFloat32> flat = tf.reshape(pooled2, tf.constant(new int[] {-1, ReferenceNet.FLAT}));
    Operand<TFloat32> hidden =
        tf.nn.relu(dense(flat, initial.dense1(), ReferenceNet.FLAT, ReferenceNet.DENSE1));
    logits = dense(hidden, initial.dense2(), ReferenceNet.DENSE1, ReferenceNet.DENSE2);
    loss =
        tf.math.mean(tf.nn.softmaxCrossEntropyWithLogits(logits, expected).loss(), tf.constant(0));
    trainingStep =
        new Adam(
                graph,
                ReferenceNet.LEARNING_RATE,
                ReferenceNet.BETA1,
                ReferenceNet.BETA2,
                ReferenceNet.EPSILON)
            .minimize(loss);
    ConfigProto.Builder config = ConfigProto.newBuilder();
    if (options.defaultSettings()) {
      settings = "graph mode, one-hot labels";
    } else {
      int threads = options.threads();
      config.setIntraOpParallelismThreads(threads).setInterOpParallelismThreads(threads);
      settings = "graph mode, one-hot labels, %d threads".formatted(threads);
    }
    session = new Session(graph, config.build());
    session.initialize();
  }

  private Operand<TFloat32> convolution(
      Operand<TFloat32> map, float[] initial, int inChannels, int outChannels) {
    Variable<TFloat32> weights =
        variable(initial, ReferenceNet.KERNEL, ReferenceNet.KERNEL, inChannels, outChannels);
    Variable<TFloat32> bias = variable(new float[outChannels], outChannels);
    return tf.nn.relu(tf.nn.biasAdd(tf.nn.conv2d(map, weights, UNIT, "VALID"), bias));
  }

  private Operand<TFloat32> pool(Operand<TFloat32> map) {
    int[] window = {1, ReferenceNet.POOL, ReferenceNet.POOL, 1};
    return tf.nn.maxPool(map, tf.constant(window), tf.constant(window), "VALID");
  }

  private Operand<TFloat32> dense(Operand<TFloat32> rows, float[] initial, int in, int out) {
    Variable<TFloat32> weights = variable(initial, in, out);
    Variable<TFloat32> bias = variable(new float[out], out);
    return tf.nn.biasAdd(tf.linalg.matMul(rows, weights), bias);
  }

  private Variable<TFloat32> variable(float[] initial, long... dims) {
    return tf.variable(tf.constant(Shape.of(dims), DataBuffers.of(initial, true, false)));
  }

  @Override
  public String version() {
    return TensorFlow.version();
  }

  @Override
  public String settings() {
    return settings;
  }

  @Override
  public Cifar10.Layout layout() {
    return Cifar10.Layout.CHANNELS_LAST;
  }

  @Override
  public Score train(Cifar10 set, int[] order, int from, int count) {
    Arrays.fill(oneHot, 0);
    for (int i = 0; i < count; i++) {
      oneHot[i * ReferenceNet.DENSE2 + set.label(order[from + i])] = 1;
    }
    try (TFloat32 batch = gather(set, order, from, count);
        TFloat32 labels = tensor(oneHot, count, ReferenceNet.DENSE2);
        Result result =
            session
                .runner()
                .feed(images, batch)
                .feed(expected, labels)
                .addTarget(trainingStep)
                .fetch(loss)
                .fetch(logits)
                .run()) {
      float meanLoss = ((TFloat32) result.get(0)).getFloat();
      return new Score(meanLoss, correct((TFloat32) result.get(1), set, order, from, count));
    }
  }

  @Override
  public int countCorrect(Cifar10 set, int[] order, int from, int count) {
    try (TFloat32 batch = gather(set, order, from, count);
        Result result = session.runner().feed(images, batch).fetch(logits).run()) {
      return correct((TFloat32) result.get(0), set, order, from, count);
    }
  }

  private TFloat32 gather(Cifar10 set, int[] order, int from, int count) {
    set.gatherScaled(order, from, count, pixels);
    return tensor(pixels, count, Cifar10.SIDE, Cifar10.SIDE, Cifar10.CHANNELS);
  }

  /** A tensor of the first numbers of an array. */
  private static TFloat32 tensor(float[] numbers, long... dims) {
    Shape shape = Shape.of(dims);
    return TFloat32.tensorOf(shape, DataBuffers.of(numbers, true, false).narrow(shape.size()));
  }

  private int correct(TFloat32 rows, Cifar10 set, int[] order, int from, int count) {
    int classes = ReferenceNet.DENSE2;
    rows.asRawTensor().data().asFloats().read(outputs, 0, count * classes);
    int correct = 0;
    for (int i = 0; i < count; i++) {
      int best = 0;
      for (int c = 1; c < classes; c++) {
        if (outputs[i * classes + c] > outputs[i * classes + best]) {
          best = c;
        }
      }
      correct += best == set.label(order[from + i]) ? 1 : 0;
    }
    return correct;
  }

  @Override
  public void close() {
    session.close();
    graph.close();
  }
}
