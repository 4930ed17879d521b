package dev.gridstride.peers.libtorch;

import dev.gridstride.peers.common.Cifar10;
import dev.gridstride.peers.common.Net;
import dev.gridstride.peers.common.Options;
import dev.gridstride.peers.common.ReferenceNet;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.LongPointer;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Adam;
import org.bytedeco.pytorch.AdamOptions;
import org.bytedeco.pytorch.Conv2dImpl;
import org.bytedeco.pytorch.LinearImpl;
import org.bytedeco.pytorch.LongOptional;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptions;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;

/** The reference net of LibTorch's own modules and its own Adam. */
final class LibTorchNet implements Net {

  private final PointerScope scope = new PointerScope();
  private final boolean channelsLast;
  private final float[] pixels;
  private final long[] labels;
  private final FloatPointer nativePixels;
  private final LongPointer nativeLabels;
  private final TensorOptions wholeNumbers = new TensorOptions(torch.ScalarType.Long);
  private final LongOptional rows = new LongOptional(1);
  private final Conv2dImpl conv1 = convolution(Cifar10.CHANNELS, ReferenceNet.CONV1);
  private final Conv2dImpl conv2 = convolution(ReferenceNet.CONV1, ReferenceNet.CONV2);
  private final LinearImpl dense1 = new LinearImpl(ReferenceNet.FLAT, ReferenceNet.DENSE1);
  private final LinearImpl dense2 = new LinearImpl(ReferenceNet.DENSE1, ReferenceNet.DENSE2);
  private final Adam adam;

  LibTorchNet(Options options) {
    channelsLast = !options.defaultSettings();
    pixels = new float[options.batch() * Cifar10.PIXELS];
    labels = new long[options.batch()];
    nativePixels = new FloatPointer(pixels.length);
    nativeLabels = new LongPointer(labels.length);
    ReferenceNet initial = ReferenceNet.initial(options.seed());
    fill(conv1.weight(), initial.conv1());
    fill(conv2.weight(), initial.conv2());
    fill(dense1.weight(), initial.dense1());
    fill(dense2.weight(), initial.dense2());
    for (Tensor bias : new Tensor[] {conv1.bias(), conv2.bias(), dense1.bias(), dense2.bias()}) {
      fill(bias, new float[Math.toIntExact(bias.numel())]);
    }
    TensorVector parameters =
        new TensorVector(
            conv1.weight(),
            conv1.bias(),
            conv2.weight(),
            conv2.bias(),
            dense1.weight(),
            dense1.bias(),
            dense2.weight(),
            dense2.bias());
    AdamOptions settings = new AdamOptions(ReferenceNet.LEARNING_RATE);
    // The decays keep LibTorch's defaults, which are the ones wanted: they are a C++ tuple, whose
    // order in memory is the library's own affair.
    settings.eps().put(ReferenceNet.EPSILON);
    adam = new Adam(parameters, settings);
  }

  private static Conv2dImpl convolution(long inChannels, long outChannels) {
    return new Conv2dImpl(
        inChannels, outChannels, new LongPointer(ReferenceNet.KERNEL, ReferenceNet.KERNEL));
  }

  private static void fill(Tensor parameter, float[] numbers) {
    try (PointerScope temporary = new PointerScope()) {
      parameter.detach().copy_(Tensor.create(numbers, parameter.sizes().vec().get()));
    }
  }

  @Override
  public String version() {
    return torch.class.getPackage().getImplementationVersion();
  }

  @Override
  public String settings() {
    return channelsLast ? "channels last" : "channels first";
  }

  @Override
  public Cifar10.Layout layout() {
    return channelsLast ? Cifar10.Layout.CHANNELS_LAST : Cifar10.Layout.CHANNELS_FIRST;
  }

  @Override
  public Score train(Cifar10 images, int[] order, int from, int count) {
    try (PointerScope step = new PointerScope()) {
      Tensor logits = forward(gather(images, order, from, count));
      Tensor expected = torch.from_blob(nativeLabels, new long[] {count}, wholeNumbers);
      Tensor loss = torch.cross_entropy_loss(logits, expected);
      adam.zero_grad();
      loss.backward();
      adam.step();
      return new Score(loss.item_float(), correct(logits, expected));
    }
  }

  @Override
  public int countCorrect(Cifar10 images, int[] order, int from, int count) {
    try (PointerScope step = new PointerScope();
        NoGradGuard noGradients = new NoGradGuard()) {
      Tensor logits = forward(gather(images, order, from, count));
      Tensor expected = torch.from_blob(nativeLabels, new long[] {count}, wholeNumbers);
      return correct(logits, expected);
    }
  }

  private int correct(Tensor logits, Tensor expected) {
    return (int) logits.argmax(rows, false).eq(expected).sum().item_long();
  }

  /** Fills the label buffer and returns the images, logically N, C, H, W in either layout. */
  private Tensor gather(Cifar10 images, int[] order, int from, int count) {
    images.gatherScaled(order, from, count, pixels);
    nativePixels.put(pixels, 0, count * Cifar10.PIXELS);
    for (int i = 0; i < count; i++) {
      labels[i] = images.label(order[from + i]);
    }
    nativeLabels.put(labels, 0, count);
    if (channelsLast) {
      return torch
          .from_blob(nativePixels, count, Cifar10.SIDE, Cifar10.SIDE, Cifar10.CHANNELS)
          .permute(0, 3, 1, 2);
    }
    return torch.from_blob(nativePixels, count, Cifar10.CHANNELS, Cifar10.SIDE, Cifar10.SIDE);
  }

  private Tensor forward(Tensor images) {
    Tensor pooled1 = pool(torch.relu(conv1.forward(images)));
    Tensor pooled2 = pool(torch.relu(conv2.forward(pooled1)));
    Tensor hidden = torch.relu(dense1.forward(torch.flatten(pooled2, 1, -1)));
    return dense2.forward(hidden);
  }

  private static Tensor pool(Tensor map) {
    return torch.max_pool2d(map, ReferenceNet.POOL, ReferenceNet.POOL);
  }

  @Override
  public void close() {
    scope.close();
  }
}
