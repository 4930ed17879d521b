package dev.gridstride.peers.common;

import java.nio.file.Path;
import java.util.Iterator;
import java.util.List;

/**
 * The command line that every peer shares.
 *
 * @param data folder with CIFAR-10 in its binary format
 * @param epochs passes over the training images, at least 1
 * @param batch images a step, at least 1; the last step of an epoch takes what is left
 * @param threads CPU threads that the peer may compute on, at least 1
 * @param seed fixes the initial weights and the order of the images
 * @param evaluate whether to measure accuracy on the test images after every epoch, untimed
 * @param defaultSettings whether to run the peer as it comes instead of at its best
 * @param limit the number of training images used, counted from the first; all unless given
 */
public record Options(
    Path data,
    int epochs,
    int batch,
    int threads,
    long seed,
    boolean evaluate,
    boolean defaultSettings,
    int limit) {

  /** What {@link #parse} answers to {@code --help} and to mistakes. */
  public static final String USAGE =
      """
      usage: java -jar PEER.jar --data DIR [options]
        --data DIR           folder cifar-10-batches-bin (data_batch_1.bin ... test_batch.bin)
        --epochs N           passes over the training images (1)
        --batch N            images a step (64)
        --threads N          CPU threads to compute on (2)
        --seed N             initial weights and order of the images (1)
        --evaluate           test accuracy after every epoch, outside the timed part
        --default-settings   the peer as it comes, not at its best
        --limit N            only the first N training images (all)\
      """;

  /**
   * Reads a command line.
   *
   * @throws IllegalArgumentException if an option is unknown, lacks its value or is out of range
   */
  public static Options parse(String... args) {
    Path data = null;
    int epochs = 1;
    int batch = 64;
    int threads = 2;
    long seed = 1;
    boolean evaluate = false;
    boolean defaultSettings = false;
    int limit = Cifar10.TRAIN_IMAGES;
    Iterator<String> rest = List.of(args).iterator();
    while (rest.hasNext()) {
      String option = rest.next();
      switch (option) {
        case "--data" -> data = Path.of(value(option, rest));
        case "--epochs" -> epochs = positive(option, rest);
        case "--batch" -> batch = positive(option, rest);
        case "--threads" -> threads = positive(option, rest);
        case "--seed" -> seed = number(option, value(option, rest));
        case "--evaluate" -> evaluate = true;
        case "--default-settings" -> defaultSettings = true;
        case "--limit" -> limit = Math.min(positive(option, rest), Cifar10.TRAIN_IMAGES);
        default -> throw new IllegalArgumentException("unknown option " + option);
      }
    }
    if (data == null) {
      throw new IllegalArgumentException("--data is missing");
    }
    return new Options(data, epochs, batch, threads, seed, evaluate, defaultSettings, limit);
  }

  private static String value(String option, Iterator<String> rest) {
    if (!rest.hasNext()) {
      throw new IllegalArgumentException(option + " needs a value");
    }
    return rest.next();
  }

  private static int positive(String option, Iterator<String> rest) {
    String text = value(option, rest);
    long number = number(option, text);
    if (number < 1 || number > Integer.MAX_VALUE) {
      throw new IllegalArgumentException(option + ": expected a number of at least 1, got " + text);
    }
    return (int) number;
  }

  private static long number(String option, String text) {
    try {
      return Long.parseLong(text);
    } catch (NumberFormatException e) {
      throw new IllegalArgumentException(option + ": expected a whole number, got " + text, e);
    }
  }
}
