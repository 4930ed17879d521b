package dev.gridstride.nn;

import dev.gridstride.program.ProgramException;
import dev.gridstride.program.Shape;
import java.util.List;

/** The models that can be asked for by name, shaped to a data set. */
public final class Models {
  /** The reference net of the benchmarks. */
  public static final String CIFAR10_CNN = "cifar10-cnn";

  /** The article's dense net. */
  public static final String MLP = "mlp";

  /** A small residual net. */
  public static final String RESNET8 = "resnet8";

  private Models() {}

  /**
   * Variations of a model.
   *
   * @param batchNorm whether {@value Models#CIFAR10_CNN} normalises after each convolution and
   *     {@value Models#MLP} after each hidden layer, before the ReLU; {@value Models#RESNET8}
   *     always does
   */
  public record Options(boolean batchNorm) {
    /** The models as the article has them. */
    public static final Options DEFAULT = new Options(false);
  }

  /** The names that {@link #create} knows. */
  public static List<String> names() {
    return List.of(CIFAR10_CNN, MLP, RESNET8);
  }

  /** A model with the default options. */
  public static Model create(String name, Shape inputShape, int classes) {
    return create(name, inputShape, classes, Options.DEFAULT);
  }

  /**
   * The model of this name.
   *
   * @param inputShape of one sample: [C,H,W] for images
   * @param classes number of probabilities that it gives
   * @throws ProgramException if the name is unknown or the images are too small for the model
   */
  public static Model create(String name, Shape inputShape, int classes, Options options) {
    if (classes < 2) {
      throw new ProgramException(name + ": expected at least 2 classes, got " + classes);
    }
    Sequential hidden =
        switch (name) {
          case CIFAR10_CNN -> cifar10Cnn(options);
          case MLP -> mlp(options);
          case RESNET8 -> resnet8();
          default ->
              throw new ProgramException(
                  "unknown model " + name + "; known: " + String.join(", ", names()));
        };
    return new Model(name, inputShape, hidden.add(Dense.of(classes)).add(new Softmax()));
  }

  /**
   * Conv 3x3x32, ReLU, MaxPool 2, Conv 3x3x64, ReLU, MaxPool 2, Flatten, Dense 128, ReLU, and the
   * classifier: 315,722 parameters for CIFAR-10. Images must be at least 10x10.
   */
  private static Sequential cifar10Cnn(Options options) {
    Sequential net = Sequential.of();
    for (int channels : new int[] {32, 64}) {
      Conv2d conv = Conv2d.of(channels, 3);
      net =
          options.batchNorm
              ? net.add(conv.bias(false)).add(BatchNorm.of()).add(new Relu())
              : net.add(conv.relu());
      net = net.add(MaxPool2d.of(2));
    }
    return net.add(new Flatten()).add(Dense.of(128).relu());
  }

  /**
   * The dense net of "CIFAR-10 image classification with Keras": Flatten, Dense 3000, Dense 1000.
   */
  private static Sequential mlp(Options options) {
    Sequential net = Sequential.of(new Flatten());
    for (int features : new int[] {3000, 1000}) {
      Dense dense = Dense.of(features);
      net =
          options.batchNorm
              ? net.add(dense.bias(false)).add(BatchNorm.of()).add(new Relu())
              : net.add(dense.relu());
    }
    return net;
  }

  /** One residual block each with 16, 32 and 64 channels (He et al., 2016, with n of one half). */
  private static Sequential resnet8() {
    Sequential net = Sequential.of(conv3x3(16, 1), BatchNorm.of(), new Relu());
    for (int channels : new int[] {16, 32, 64}) {
      int stride = channels == 16 ? 1 : 2;
      Residual block =
          Residual.of(
                  conv3x3(channels, stride),
                  BatchNorm.of(),
                  new Relu(),
                  conv3x3(channels, 1),
                  BatchNorm.of())
              .relu();
      Conv2d projection = Conv2d.of(channels, 1).stride(stride).bias(false);
      net = net.add(stride == 1 ? block : block.shortcut(projection, BatchNorm.of()));
    }
    return net.add(new GlobalAvgPool2d());
  }

  private static Conv2d conv3x3(int channels, int stride) {
    return Conv2d.of(channels, 3)
        .stride(stride)
        .padding(1)
        .bias(false)
        .initializer(Initializers.heNormal());
  }
}
