package dev.gridstride.backend.cuda.program;

import dev.gridstride.backend.DeviceOptions;
import dev.gridstride.backend.Session;
import dev.gridstride.backend.cuda.Simulator;
import dev.gridstride.data.Dataset;
import dev.gridstride.data.Synthetic;
import dev.gridstride.nn.BatchNorm;
import dev.gridstride.nn.Conv2d;
import dev.gridstride.nn.Dense;
import dev.gridstride.nn.Dropout;
import dev.gridstride.nn.Flatten;
import dev.gridstride.nn.MaxPool2d;
import dev.gridstride.nn.Model;
import dev.gridstride.nn.Sequential;
import dev.gridstride.nn.Softmax;
import dev.gridstride.optim.Adam;
import dev.gridstride.program.Shape;
import dev.gridstride.program.Tensor;
import dev.gridstride.program.op.Augmentation;
import dev.gridstride.train.Trainer;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.params.provider.Arguments;

/** What the tests of streamed data share: sessions, a data set and a net. */
final class StreamedData {
  static final Shape SAMPLE = Shape.of(2, 7, 7);

  /** Six whole steps and one of 5 samples. */
  static final Dataset TRAIN = Synthetic.of("train", SAMPLE, 3, 53, 5, 0);

  static final List<String> COUNTED =
      List.of("allocations", "pinned", "modules", "streams", "events", "graphs", "contexts");

  /** Chunks of 4 rows, of which a batch needs two or three. */
  static final SessionOptions STREAMED = SessionOptions.DEFAULT.withDataBytes(0);

  static final SessionOptions CHECKED = new SessionOptions(true, false, true);

  private StreamedData() {}

  static Session open(SessionOptions options) {
    return SimulatedBackend.open(DeviceOptions.DEFAULT, options);
  }

  static List<Long> counts() {
    return COUNTED.stream().map(Simulator.get()::count).toList();
  }

  /** With running statistics and dropout. */
  static Trainer.Builder training(Session session) {
    Model model =
        new Model(
            "net",
            SAMPLE,
            Sequential.of(
                Conv2d.of(4, 3).bias(false),
                BatchNorm.of(),
                new dev.gridstride.nn.Relu(),
                MaxPool2d.of(2),
                new Flatten(),
                new Dropout(0.25f),
                Dense.of(3),
                new Softmax()));
    return Trainer.builder(model, session)
        .optimizer(Adam.defaults().learningRate(0.01))
        .augmentation(
            new Augmentation(
                List.of(0.5f, 0.4f), List.of(0.2f, 0.3f), Augmentation.Flip.ALTERNATING, 1, 2))
        .batch(8)
        .seed(3);
  }

  /** How streaming and orders are tried: a seed and options. */
  static Stream<Arguments> ways() {
    return Stream.of(
        Arguments.of(0, STREAMED),
        Arguments.of(1, STREAMED),
        Arguments.of(2, STREAMED),
        Arguments.of(3, SessionOptions.DEFAULT.withDataBytes(3500)),
        Arguments.of(4, CHECKED.withDataBytes(0)),
        Arguments.of(5, new SessionOptions(true, true, false).withDataBytes(0)));
  }

  /** The same samples as float32 rows, with a weight for every class. */
  static Dataset soft(Dataset data) {
    byte[] bytes = data.samples().bytes();
    float[] samples = new float[bytes.length];
    for (int i = 0; i < bytes.length; i++) {
      samples[i] = (bytes[i] & 0xff) / 200f;
    }
    int classes = data.classes();
    float[] labels = new float[data.size() * classes];
    for (int i = 0; i < data.size(); i++) {
      labels[i * classes + data.labelClass(i)] = 0.75f;
      labels[i * classes + (i + 1) % classes] += 0.25f;
    }
    return Dataset.of(
        data.name(),
        Tensor.of(data.samples().shape(), samples),
        Tensor.of(Shape.of(data.size(), classes), labels),
        data.classNames());
  }
}
