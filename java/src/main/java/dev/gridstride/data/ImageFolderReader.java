package dev.gridstride.data;

import dev.gridstride.program.Shape;
import dev.gridstride.program.Size2d;
import dev.gridstride.program.Tensor;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;

/**
 * Reads images from folders, one folder a class, the folder's name the class's name.
 *
 * <p>Either {@code train/CLASS/FILE} and {@code test/CLASS/FILE} (or {@code val} for {@code test}),
 * or {@code CLASS/FILE} alone, of which a fixed fifth of each class is held out for testing, chosen
 * by {@link Split} with seed 0. Classes and files are in the order of their names (by UTF-16 code
 * unit); hidden files are skipped, and so is what is not named as an image. All images get the size
 * asked for, or must have one size. They are grey if all of them are, or else RGB.
 */
final class ImageFolderReader {
  private static final double HELD_OUT = 0.2;
  private static final int NOTICE_EVERY = 500;

  private final List<String> classNames;
  private final Optional<Size2d> size;
  private final Progress progress;

  private ImageFolderReader(List<String> classNames, Datasets.Options options) {
    this.classNames = classNames;
    this.size = options.imageSize();
    this.progress = options.progress();
  }

  /** Reads the folder. */
  static Parts read(Path folder, Datasets.Options options) {
    if (!Files.isDirectory(folder)) {
      throw DataException.expected(folder, "a folder of images", "no folder");
    }
    Path train = folder.resolve("train");
    if (!Files.isDirectory(train)) {
      ImageFolderReader reader = new ImageFolderReader(classes(folder), options);
      Dataset all = reader.decode(List.of(folder)).get(0);
      Split.TrainValidation split = Split.split(all, HELD_OUT, 0);
      return new Parts(
          split.train().named("folder train"), split.validation().named("folder test"));
    }
    Path test =
        List.of("test", "val").stream()
            .map(folder::resolve)
            .filter(Files::isDirectory)
            .findFirst()
            .orElseThrow(
                () -> DataException.expected(folder, "a folder test or val beside train", "none"));
    List<Dataset> parts =
        new ImageFolderReader(classes(train), options).decode(List.of(train, test));
    return new Parts(parts.get(0).named("folder train"), parts.get(1).named("folder test"));
  }

  private static List<String> classes(Path folder) {
    List<String> names =
        DataFiles.entries(folder).stream()
            .filter(Files::isDirectory)
            .map(entry -> entry.getFileName().toString())
            .toList();
    if (names.isEmpty()) {
      throw DataException.expected(folder, "a folder of images for each class", "none");
    }
    for (String name : names) {
      if (files(folder.resolve(name)).isEmpty()) {
        throw DataException.expected(
            folder.resolve(name), "images (.jpg, .jpeg, .png) of this class", "none");
      }
    }
    return names;
  }

  private static List<Path> files(Path folder) {
    List<Path> files = new ArrayList<>();
    for (Path entry : DataFiles.entries(folder)) {
      String name = entry.getFileName().toString().toLowerCase(Locale.ROOT);
      if (Files.isDirectory(entry) || name.matches(".*\\.(gif|bmp|webp|tiff?)")) {
        throw DataException.expected(folder, "images (.jpg, .jpeg, .png) only", entry);
      }
      if (Images.isNamedImage(entry)) {
        files.add(entry);
      }
    }
    return files;
  }

  /** Decodes one data set for each of these folders, all of one shape. */
  private List<Dataset> decode(List<Path> folders) {
    List<Path> files = new ArrayList<>();
    List<Integer> labels = new ArrayList<>();
    List<Integer> ends = new ArrayList<>();
    for (Path folder : folders) {
      for (Path classFolder :
          DataFiles.entries(folder).stream().filter(Files::isDirectory).toList()) {
        int label = classNames.indexOf(classFolder.getFileName().toString());
        if (label < 0) {
          throw DataException.expected(classFolder, "one of the classes " + classNames, "another");
        }
        for (Path file : files(classFolder)) {
          files.add(file);
          labels.add(label);
        }
      }
      ends.add(files.size());
    }
    Image[] images = decodeAll(files);
    checkSizes(files, images);
    int channels = 1;
    for (Image image : images) {
      channels = Math.max(channels, image.channels());
    }
    List<Dataset> sets = new ArrayList<>();
    int start = 0;
    for (int part = 0; part < folders.size(); part++) {
      sets.add(dataset(folders.get(part), images, labels, start, ends.get(part), channels));
      start = ends.get(part);
    }
    return sets;
  }

  private Image[] decodeAll(List<Path> files) {
    Image[] images = new Image[files.size()];
    DataException[] failures = new DataException[files.size()];
    AtomicInteger done = new AtomicInteger();
    IntStream.range(0, images.length)
        .parallel()
        .forEach(
            i -> {
              try {
                images[i] = decode(files.get(i));
              } catch (DataException e) {
                failures[i] = e;
              }
              notice(done.incrementAndGet(), images.length);
            });
    for (DataException failure : failures) {
      if (failure != null) {
        throw failure;
      }
    }
    return images;
  }

  private Image decode(Path file) {
    Image image = ImageDecoder.decode(file);
    return size.isPresent() ? Resample.fit(image, size.get().height(), size.get().width()) : image;
  }

  private void notice(int done, int total) {
    if (done % NOTICE_EVERY == 0 || done == total) {
      synchronized (progress) {
        progress.update("decode images", done, total);
      }
    }
  }

  private static void checkSizes(List<Path> files, Image[] images) {
    for (int i = 1; i < images.length; i++) {
      if (images[i].height() != images[0].height() || images[i].width() != images[0].width()) {
        throw DataException.expected(
            files.get(i),
            "an image of "
                + images[0].height()
                + "x"
                + images[0].width()
                + " as "
                + files.get(0)
                + " (or give a size that all are brought to)",
            images[i].height() + "x" + images[i].width());
      }
    }
  }

  private Dataset dataset(
      Path folder, Image[] images, List<Integer> labels, int start, int end, int channels) {
    if (start == end) {
      throw DataException.expected(folder, "at least one image", "none");
    }
    int count = end - start;
    int height = images[0].height();
    int width = images[0].width();
    int sample = channels * height * width;
    byte[] samples = new byte[DataFiles.arrayLength(folder, (long) count * sample)];
    int[] indices = new int[count];
    for (int i = 0; i < count; i++) {
      byte[] planes = images[start + i].withChannels(channels).planes();
      System.arraycopy(planes, 0, samples, i * sample, sample);
      indices[i] = labels.get(start + i);
    }
    return Dataset.of(
        "folder",
        Tensor.of(Shape.of(count, channels, height, width), samples),
        Tensor.of(Shape.of(count), indices),
        classNames);
  }
}
