package dev.gridstride.data;

import dev.gridstride.program.Shape;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/** The known data sets with the homes and checksums of their files. */
final class Catalog {
  private static final String CIFAR_HOME = "https://www.cs.toronto.edu/~kriz/";
  private static final String MNIST_FILES = "https://ossci-datasets.s3.amazonaws.com/mnist/";
  private static final String FASHION_FILES =
      "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/";

  private Catalog() {}

  /** All of them, in the order in which they are listed. */
  static List<Source> sources() {
    return List.of(cifar10(), cifar100(), mnist(), fashionMnist());
  }

  private static Source cifar10() {
    return new Source(
        new KnownDataset(
            "cifar10",
            "CIFAR-10",
            10,
            Shape.of(3, 32, 32),
            50_000,
            10_000,
            CIFAR_HOME + "cifar.html",
            "none stated"),
        List.of("cifar-10-batches-bin"),
        List.of(
            "data_batch_1.bin",
            "data_batch_2.bin",
            "data_batch_3.bin",
            "data_batch_4.bin",
            "data_batch_5.bin",
            "test_batch.bin"),
        List.of(
            RemoteFile.of(
                CIFAR_HOME + "cifar-10-binary.tar.gz", "c32a1d4ab5d03f1284b67883e8d87530")),
        List.of(),
        Optional.empty(),
        folder -> CifarReader.cifar10().read(folder));
  }

  private static Source cifar100() {
    return new Source(
        new KnownDataset(
            "cifar100",
            "CIFAR-100",
            100,
            Shape.of(3, 32, 32),
            50_000,
            10_000,
            CIFAR_HOME + "cifar.html",
            "none stated"),
        List.of("cifar-100-binary"),
        List.of("train.bin", "test.bin"),
        List.of(
            RemoteFile.of(
                CIFAR_HOME + "cifar-100-binary.tar.gz", "03b5dce01913d631647c71ecec9e9cb8")),
        List.of(),
        Optional.empty(),
        folder -> CifarReader.cifar100().read(folder));
  }

  private static Source mnist() {
    return new Source(
        new KnownDataset(
            "mnist",
            "MNIST handwritten digits",
            10,
            Shape.of(1, 28, 28),
            60_000,
            10_000,
            "http://yann.lecun.com/exdb/mnist/",
            "CC BY-SA 3.0"),
        List.of("mnist", "MNIST/raw", "MNIST"),
        IdxReader.FILES,
        idxDownloads(
            MNIST_FILES,
            "f68b3c2dcbeaaa9fbdd348bbdeb94873",
            "d53e105ee54ea40749a09fcbcd1e9432",
            "9fb629c4189551a2d022fa330f9573f3",
            "ec29112dd5afa0611ce80d1b7f02629c"),
        List.of(),
        Optional.empty(),
        folder -> new IdxReader("mnist", ClassNames.DIGITS).read(folder));
  }

  private static Source fashionMnist() {
    return new Source(
        new KnownDataset(
            "fashion-mnist",
            "Fashion-MNIST (Zalando)",
            10,
            Shape.of(1, 28, 28),
            60_000,
            10_000,
            "https://github.com/zalandoresearch/fashion-mnist",
            "MIT"),
        List.of("fashion-mnist", "FashionMNIST/raw", "FashionMNIST"),
        IdxReader.FILES,
        idxDownloads(
            FASHION_FILES,
            "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
            "25c81989df183df01b3e8a0aad5dffbe",
            "bef4ecab320f06d8554ea6380940ec79",
            "bb300cfdad3c16e7a12a480ee83cd310"),
        List.of(Path.of("/usr/share/datasets/fashion-mnist")),
        Optional.of("dataset-fashion-mnist"),
        folder -> new IdxReader("fashion-mnist", ClassNames.FASHION).read(folder));
  }

  private static List<RemoteFile> idxDownloads(
      String base, String trainImages, String trainLabels, String testImages, String testLabels) {
    return List.of(
        RemoteFile.of(base + IdxReader.FILES.get(0) + ".gz", trainImages),
        RemoteFile.of(base + IdxReader.FILES.get(1) + ".gz", trainLabels),
        RemoteFile.of(base + IdxReader.FILES.get(2) + ".gz", testImages),
        RemoteFile.of(base + IdxReader.FILES.get(3) + ".gz", testLabels));
  }
}
