package dev.gridstride.peers.djl;

import ai.djl.Model;
import ai.djl.engine.Engine;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Activation;
import ai.djl.nn.Block;
import ai.djl.nn.Blocks;
import ai.djl.nn.Parameter;
import ai.djl.nn.SequentialBlock;
import ai.djl.nn.convolutional.Conv2d;
import ai.djl.nn.core.Linear;
import ai.djl.nn.pooling.Pool;
import ai.djl.training.DefaultTrainingConfig;
import ai.djl.training.GradientCollector;
import ai.djl.training.Trainer;
import ai.djl.training.loss.Loss;
import ai.djl.training.optimizer.Optimizer;
import ai.djl.training.tracker.Tracker;
import dev.gridstride.peers.common.Cifar10;
import dev.gridstride.peers.common.Net;
import dev.gridstride.peers.common.Options;
import dev.gridstride.peers.common.ReferenceNet;
import java.nio.FloatBuffer;

/** The reference net of DJL's own blocks, trained by its own trainer and Adam. */
final class DjlNet implements Net {

  private final Model model = Model.newInstance("cifar10-cnn", "PyTorch");
  private final Loss crossEntropy = Loss.softmaxCrossEntropyLoss();
  private final Trainer trainer;
  private final float[] pixels;
  private final boolean chosenThreads;
  private final int threads;

  DjlNet(Options options) {
    chosenThreads = !options.defaultSettings();
    threads = options.threads();
    pixels = new float[options.batch() * Cifar10.PIXELS];
    Block conv1 = convolution(ReferenceNet.CONV1);
    Block conv2 = convolution(ReferenceNet.CONV2);
    Block dense1 = Linear.builder().setUnits(ReferenceNet.DENSE1).build();
    Block dense2 = Linear.builder().setUnits(ReferenceNet.DENSE2).build();
    model.setBlock(
        new SequentialBlock()
            .add(conv1)
            .add(Activation.reluBlock())
            .add(pooling())
            .add(conv2)
            .add(Activation.reluBlock())
            .add(pooling())
            .add(Blocks.batchFlattenBlock())
            .add(dense1)
            .add(Activation.reluBlock())
            .add(dense2));
    Optimizer adam =
        Optimizer.adam()
            .optLearningRateTracker(Tracker.fixed(ReferenceNet.LEARNING_RATE))
            .optBeta1(ReferenceNet.BETA1)
            .optBeta2(ReferenceNet.BETA2)
            .optEpsilon(ReferenceNet.EPSILON)
            .build();
    trainer = model.newTrainer(new DefaultTrainingConfig(crossEntropy).optOptimizer(adam));
    trainer.initialize(shape(options.batch()));
    ReferenceNet initial = ReferenceNet.initial(options.seed());
    fill(conv1, initial.conv1());
    fill(conv2, initial.conv2());
    fill(dense1, initial.dense1());
    fill(dense2, initial.dense2());
  }

  private static Block convolution(int filters) {
    return Conv2d.builder()
        .setKernelShape(new Shape(ReferenceNet.KERNEL, ReferenceNet.KERNEL))
        .setFilters(filters)
        .build();
  }

  private static Block pooling() {
    Shape window = new Shape(ReferenceNet.POOL, ReferenceNet.POOL);
    return Pool.maxPool2dBlock(window, window);
  }

  private static Shape shape(int count) {
    return new Shape(count, Cifar10.CHANNELS, Cifar10.SIDE, Cifar10.SIDE);
  }

  private static void fill(Block layer, float[] weights) {
    for (Parameter parameter : layer.getParameters().values()) {
      NDArray array = parameter.getArray();
      boolean isWeight = parameter.getType() == Parameter.Type.WEIGHT;
      array.set(FloatBuffer.wrap(isWeight ? weights : new float[(int) array.size()]));
    }
  }

  @Override
  public String version() {
    Engine engine = model.getNDManager().getEngine();
    return Engine.getDjlVersion() + " with PyTorch " + engine.getVersion();
  }

  @Override
  public String settings() {
    return chosenThreads ? "channels first, %d threads".formatted(threads) : "channels first";
  }

  @Override
  public Cifar10.Layout layout() {
    return Cifar10.Layout.CHANNELS_FIRST;
  }

  @Override
  public Score train(Cifar10 images, int[] order, int from, int count) {
    try (NDManager step = model.getNDManager().newSubManager()) {
      NDArray labels = labels(step, images, order, from, count);
      NDArray batch = gather(step, images, order, from, count);
      NDArray logits;
      NDArray loss;
      try (GradientCollector gradients = trainer.newGradientCollector()) {
        logits = trainer.forward(new NDList(batch)).singletonOrThrow();
        loss = crossEntropy.evaluate(new NDList(labels), new NDList(logits));
        gradients.backward(loss);
      }
      trainer.step();
      return new Score(loss.getFloat(), correct(logits, labels));
    }
  }

  @Override
  public int countCorrect(Cifar10 images, int[] order, int from, int count) {
    try (NDManager step = model.getNDManager().newSubManager()) {
      NDArray labels = labels(step, images, order, from, count);
      NDArray batch = gather(step, images, order, from, count);
      return correct(trainer.evaluate(new NDList(batch)).singletonOrThrow(), labels);
    }
  }

  private NDArray gather(NDManager manager, Cifar10 images, int[] order, int from, int count) {
    images.gatherScaled(order, from, count, pixels);
    FloatBuffer numbers = FloatBuffer.wrap(pixels, 0, count * Cifar10.PIXELS);
    return manager.create(numbers, shape(count));
  }

  private static NDArray labels(
      NDManager manager, Cifar10 images, int[] order, int from, int count) {
    long[] labels = new long[count];
    for (int i = 0; i < count; i++) {
      labels[i] = images.label(order[from + i]);
    }
    return manager.create(labels);
  }

  private static int correct(NDArray logits, NDArray labels) {
    return (int) logits.argMax(1).eq(labels).sum().getLong();
  }

  @Override
  public void close() {
    trainer.close();
    model.close();
  }
}
