package dev.gridstride.data;

import dev.gridstride.program.Shape;
import dev.gridstride.program.Tensor;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Reads the binary form of CIFAR-10 and CIFAR-100 (Krizhevsky, "Learning multiple layers of
 * features from tiny images", 2009).
 *
 * <p>A file is a row of records: the label (of CIFAR-100 the coarse one of 20, then the fine one of
 * 100, which is taken) in a byte, then 3072 bytes of pixels, red plane, green plane, blue plane,
 * each 32 rows of 32. Training samples are in {@code data_batch_1.bin} to {@code data_batch_5.bin}
 * or {@code train.bin}, test samples in {@code test_batch.bin} or {@code test.bin}; class names in
 * {@code batches.meta.txt} or {@code fine_label_names.txt}, the known ones if there is no such
 * file.
 *
 * <p>The files of the home hold 10,000 records each ({@code train.bin} 50,000). A smaller set is
 * read as well, if all batches are equally long and no part has its full size: so a file cut short
 * is noticed even where it ends between two records.
 */
final class CifarReader {
  private static final int PIXELS = 3 * 32 * 32;
  private static final int RECORDS_AT_ONCE = 340;
  private static final int FULL_TRAIN = 50_000;
  private static final int FULL_TEST = 10_000;

  private final String name;
  private final List<String> trainFiles;
  private final String testFile;
  private final String namesFile;
  private final List<String> knownNames;
  private final int labelBytes;

  private CifarReader(
      String name,
      List<String> trainFiles,
      String testFile,
      String namesFile,
      List<String> knownNames,
      int labelBytes) {
    this.name = name;
    this.trainFiles = trainFiles;
    this.testFile = testFile;
    this.namesFile = namesFile;
    this.knownNames = knownNames;
    this.labelBytes = labelBytes;
  }

  /** The reader of CIFAR-10. */
  static CifarReader cifar10() {
    List<String> train =
        List.of(
            "data_batch_1.bin",
            "data_batch_2.bin",
            "data_batch_3.bin",
            "data_batch_4.bin",
            "data_batch_5.bin");
    return new CifarReader(
        "cifar10", train, "test_batch.bin", "batches.meta.txt", ClassNames.CIFAR10, 1);
  }

  /** The reader of CIFAR-100. */
  static CifarReader cifar100() {
    return new CifarReader(
        "cifar100",
        List.of("train.bin"),
        "test.bin",
        "fine_label_names.txt",
        ClassNames.CIFAR100,
        2);
  }

  /** Reads the folder. */
  Parts read(Path folder) {
    List<String> classNames = classNames(folder.resolve(namesFile));
    checkSizes(folder);
    Dataset train = read(folder, name + " train", trainFiles, classNames);
    Dataset test = read(folder, name + " test", List.of(testFile), classNames);
    return new Parts(train, test);
  }

  private List<String> classNames(Path file) {
    if (!Files.exists(file)) {
      return knownNames;
    }
    List<String> names = DataFiles.lines(file);
    if (names.size() != knownNames.size()) {
      throw DataException.expected(file, knownNames.size() + " class names", names.size());
    }
    return names;
  }

  private void checkSizes(Path folder) {
    Path first = folder.resolve(trainFiles.get(0));
    long batch = records(first);
    for (String file : trainFiles) {
      long records = records(folder.resolve(file));
      if (records != batch) {
        throw DataException.expected(
            folder.resolve(file),
            "as many images as " + first.getFileName() + ", " + batch,
            records + "; is one cut short?");
      }
    }
    long train = batch * trainFiles.size();
    long test = records(folder.resolve(testFile));
    if ((train == FULL_TRAIN) != (test == FULL_TEST) || train > FULL_TRAIN || test > FULL_TEST) {
      throw DataException.expected(
          folder,
          "50000 training and 10000 test images, or fewer of both",
          train + " and " + test + "; is a file cut short?");
    }
  }

  private long records(Path file) {
    long size = DataFiles.size(file);
    int record = labelBytes + PIXELS;
    if (size == 0 || size % record != 0) {
      throw DataException.expected(
          file,
          "a positive multiple of " + record + " bytes, one record an image",
          size + " bytes");
    }
    return size / record;
  }

  private Dataset read(Path folder, String part, List<String> files, List<String> classNames) {
    int perFile = (int) records(folder.resolve(files.get(0)));
    int count = perFile * files.size();
    byte[] pixels = new byte[DataFiles.arrayLength(folder, (long) count * PIXELS)];
    int[] labels = new int[count];
    IntStream.range(0, files.size())
        .parallel()
        .forEach(f -> read(folder.resolve(files.get(f)), perFile, pixels, labels, f * perFile));
    return Dataset.of(
        part,
        Tensor.of(Shape.of(count, 3, 32, 32), pixels),
        Tensor.of(Shape.of(count), labels),
        classNames);
  }

  /** Reads this many records of a file into the arrays from sample {@code start} on. */
  private void read(Path file, int count, byte[] pixels, int[] labels, int start) {
    int left = count;
    int i = start;
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
      ByteBuffer buffer =
          ByteBuffer.allocateDirect(Math.min(count, RECORDS_AT_ONCE) * (labelBytes + PIXELS));
      while (left > 0) {
        int records = Math.min(left, RECORDS_AT_ONCE);
        buffer.clear().limit(records * (labelBytes + PIXELS));
        while (buffer.hasRemaining()) {
          if (channel.read(buffer) < 0) {
            throw DataException.expected(file, left + " more images", "the end of the file");
          }
        }
        buffer.flip();
        for (int r = 0; r < records; r++, i++) {
          labels[i] = label(file, buffer, i - start);
          buffer.get(pixels, i * PIXELS, PIXELS);
        }
        left -= records;
      }
    } catch (IOException e) {
      throw DataException.io("read", file, e);
    }
  }

  private int label(Path file, ByteBuffer buffer, int record) {
    if (labelBytes == 2) {
      check(file, "coarse label", record, buffer.get() & 0xff, 20);
    }
    return check(file, "label", record, buffer.get() & 0xff, knownNames.size());
  }

  private static int check(Path file, String what, int record, int label, int classes) {
    if (label >= classes) {
      throw DataException.expected(
          file, what + " of image " + record + " in 0.." + (classes - 1), label);
    }
    return label;
  }
}
