package dev.gridstride.peers.common;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import java.util.stream.Collectors;

/**
 * The main program of every peer: reads the command line and the images, trains, and reports.
 *
 * <p>An epoch's time covers shuffling, gathering the batches and the training steps; evaluation is
 * outside. Standard output gets one JSON object a line: one for each epoch and one last with the
 * time of the first step, counted from the start of the JVM, and the peak resident memory.
 */
public final class TrainingLoop {

  /** Variables that change how a peer runs; a report names those that are set. */
  private static final List<String> VARIABLES =
      List.of(
          "OMP_NUM_THREADS",
          "OMP_WAIT_POLICY",
          "GOMP_SPINCOUNT",
          "OPENBLAS_NUM_THREADS",
          "MKL_NUM_THREADS",
          "TF_ENABLE_ONEDNN_OPTS",
          "MALLOC_MMAP_THRESHOLD_",
          "MALLOC_TRIM_THRESHOLD_");

  private final String peer;
  private final Options options;
  private final Net net;
  private double firstStepSeconds;

  private TrainingLoop(String peer, Options options, Net net) {
    this.peer = peer;
    this.options = options;
    this.net = net;
  }

  /**
   * Runs a peer's main program and ends the process with status 2 for a bad command line or
   * environment, and 1 for images that cannot be read or a loss that is not finite.
   *
   * @param peer the peer's name in the report
   */
  public static void main(String peer, Net.Builder builder, String[] args) {
    int status = 0;
    try {
      if (List.of(args).contains("--help")) {
        System.err.println(Options.USAGE);
      } else {
        Options options = Options.parse(args);
        try (Net net = builder.build(options)) {
          new TrainingLoop(peer, options, net).run();
        }
      }
    } catch (IllegalArgumentException e) {
      System.err.println(peer + ": " + e.getMessage() + System.lineSeparator() + Options.USAGE);
      status = 2;
    } catch (IOException | ArithmeticException e) {
      System.err.println(peer + ": " + e.getMessage());
      status = 1;
    }
    System.exit(status);
  }

  /**
   * Checks that the environment holds a value that a library reads only when it loads.
   *
   * @param cure what to do if it does not, in words
   * @throws IllegalArgumentException if it does not
   */
  public static void requireVariable(String name, String value, String cure) {
    String actual = System.getenv(name);
    if (!value.equals(actual)) {
      throw new IllegalArgumentException(
          "these settings need the environment variable %s=%s, but it is %s; %s"
              .formatted(name, value, actual == null ? "not set" : actual, cure));
    }
  }

  private void run() throws IOException {
    Cifar10 train = Cifar10.readTrain(options.data(), net.layout(), options.limit());
    Cifar10 test = options.evaluate() ? Cifar10.readTest(options.data(), net.layout()) : null;
    String settings = describeSettings();
    System.err.printf("%s %s: %s%n", peer, net.version(), settings);
    for (int epoch = 1; epoch <= options.epochs(); epoch++) {
      Epoch result = trainEpoch(train, epoch);
      Double testAccuracy = test == null ? null : accuracy(test);
      double imagesPerSecond = train.size() / result.seconds();
      System.err.printf(
          "epoch %d: %.2f s, %.0f images/s, loss %.4f%s%s%n",
          epoch,
          result.seconds(),
          imagesPerSecond,
          result.loss(),
          result.accuracy() == null ? "" : ", accuracy %.4f".formatted(result.accuracy()),
          testAccuracy == null ? "" : ", test accuracy %.4f".formatted(testAccuracy));
      System.out.println(
          new JsonLine()
              .put("peer", peer)
              .put("version", net.version())
              .put("settings", settings)
              .put("epoch", epoch)
              .put("seconds", result.seconds())
              .put("images_per_second", imagesPerSecond)
              .put("loss", result.loss())
              .put("accuracy", result.accuracy())
              .put("test_accuracy", testAccuracy));
    }
    System.out.println(
        new JsonLine()
            .put("peer", peer)
            .put("first_step_seconds", firstStepSeconds)
            .put("peak_rss_mb", peakResidentMegabytes()));
  }

  private String describeSettings() {
    String variables =
        VARIABLES.stream()
            .filter(name -> System.getenv(name) != null)
            .map(name -> name + "=" + System.getenv(name))
            .collect(Collectors.joining(", "));
    String settings = (options.defaultSettings() ? "as it comes: " : "best: ") + net.settings();
    return variables.isEmpty() ? settings : settings + ", " + variables;
  }

  private Epoch trainEpoch(Cifar10 images, int epoch) {
    long start = System.nanoTime();
    int[] order = shuffled(images.size(), new Random(options.seed() + epoch));
    double lossSum = 0;
    int correct = 0;
    boolean counted = true;
    for (int from = 0; from < order.length; from += options.batch()) {
      int count = Math.min(options.batch(), order.length - from);
      Net.Score score = net.train(images, order, from, count);
      if (firstStepSeconds == 0) {
        firstStepSeconds = secondsSinceStart();
      }
      lossSum += score.meanLoss() * count;
      correct += score.correct();
      counted &= score.correct() != Net.Score.NOT_COUNTED;
    }
    double seconds = (System.nanoTime() - start) * 1e-9;
    if (!Double.isFinite(lossSum)) {
      throw new ArithmeticException("the loss of epoch " + epoch + " is " + lossSum);
    }
    Double accuracy = counted ? (double) correct / order.length : null;
    return new Epoch(seconds, lossSum / order.length, accuracy);
  }

  private double accuracy(Cifar10 images) {
    int[] order = inOrder(images.size());
    int correct = 0;
    for (int from = 0; from < order.length; from += options.batch()) {
      int count = Math.min(options.batch(), order.length - from);
      correct += net.countCorrect(images, order, from, count);
    }
    return (double) correct / order.length;
  }

  private static int[] inOrder(int size) {
    int[] order = new int[size];
    for (int i = 0; i < size; i++) {
      order[i] = i;
    }
    return order;
  }

  /** Fisher and Yates's shuffle: every order equally likely. */
  private static int[] shuffled(int size, Random random) {
    int[] order = inOrder(size);
    for (int i = size - 1; i > 0; i--) {
      int j = random.nextInt(i + 1);
      int swapped = order[i];
      order[i] = order[j];
      order[j] = swapped;
    }
    return order;
  }

  private static double secondsSinceStart() {
    long start = ManagementFactory.getRuntimeMXBean().getStartTime();
    return (System.currentTimeMillis() - start) * 1e-3;
  }

  /** The high-water mark of resident memory that Linux keeps, in MB of 2^20 bytes. */
  private static double peakResidentMegabytes() throws IOException {
    for (String line : Files.readAllLines(Path.of("/proc/self/status"))) {
      if (line.startsWith("VmHWM:")) {
        return Long.parseLong(line.replaceAll("\\D", "")) / 1024.0;
      }
    }
    throw new IOException("/proc/self/status has no line VmHWM");
  }

  private record Epoch(double seconds, double loss, Double accuracy) {}
}
