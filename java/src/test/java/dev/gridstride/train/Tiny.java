package dev.gridstride.train;

import dev.gridstride.backend.Backend;
import dev.gridstride.backend.Backends;
import dev.gridstride.backend.Session;
import dev.gridstride.data.Dataset;
import dev.gridstride.data.Synthetic;
import dev.gridstride.nn.BatchNorm;
import dev.gridstride.nn.Conv2d;
import dev.gridstride.nn.Dense;
import dev.gridstride.nn.Dropout;
import dev.gridstride.nn.Flatten;
import dev.gridstride.nn.MaxPool2d;
import dev.gridstride.nn.Model;
import dev.gridstride.nn.Relu;
import dev.gridstride.nn.Sequential;
import dev.gridstride.nn.Softmax;
import dev.gridstride.optim.Adam;
import dev.gridstride.program.Shape;
import dev.gridstride.program.op.Augmentation;
import java.util.List;
import java.util.stream.Stream;

/** Nets and data that train in milliseconds even by double loops. */
final class Tiny {
  static final int CLASSES = 3;
  static final Shape SAMPLE = Shape.of(2, 7, 7);

  /** 21 samples: with batches of 8, two whole steps and one of 5. */
  static final Dataset TRAIN = Synthetic.of("tiny train", SAMPLE, CLASSES, 21, 5, 0);

  static final Dataset TEST = Synthetic.of("tiny test", SAMPLE, CLASSES, 10, 5, 1);

  private Tiny() {}

  /** Names of the devices on which every training test runs. */
  static Stream<String> devices() {
    return Backends.all().stream()
        .filter(backend -> backend.unavailableReason() == null)
        .map(Backend::name);
  }

  /**
   * Those whose states are float32 as files are. The reference keeps doubles from step to step, so
   * what goes on from a file there agrees to rounding only.
   */
  static Stream<String> exactDevices() {
    return devices().filter(name -> !name.equals("reference"));
  }

  static Session open(String device) {
    return Backends.open(device, 2).session();
  }

  /** Convolution (7x7 to 5x5, whose last row and column pooling drops), dense, softmax. */
  static Model cnn() {
    return new Model(
        "tiny-cnn",
        SAMPLE,
        Sequential.of(
            Conv2d.of(4, 3).relu(),
            MaxPool2d.of(2),
            new Flatten(),
            Dense.of(8).relu(),
            Dense.of(CLASSES),
            new Softmax()));
  }

  /** With everything that has states or draws numbers: batch normalisation and dropout. */
  static Model stateful() {
    return new Model(
        "tiny-stateful",
        SAMPLE,
        Sequential.of(
            Conv2d.of(4, 3).bias(false),
            BatchNorm.of(),
            new Relu(),
            MaxPool2d.of(2),
            new Flatten(),
            new Dropout(0.25f),
            Dense.of(CLASSES),
            new Softmax()));
  }

  static Augmentation augmentation() {
    return new Augmentation(
        List.of(0.5f, 0.4f), List.of(0.2f, 0.3f), Augmentation.Flip.ALTERNATING, 1, 2);
  }

  static Trainer.Builder builder(Model model, Session session) {
    return Trainer.builder(model, session)
        .optimizer(Adam.defaults().learningRate(0.01))
        .batch(8)
        .seed(3);
  }
}
