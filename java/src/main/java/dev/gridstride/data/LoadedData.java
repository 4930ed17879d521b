package dev.gridstride.data;

/**
 * A data set as it was found: its two parts and one line that says which it is, from where and why.
 *
 * @param train training samples
 * @param test test samples, of the same shape and classes
 * @param explanation one line for the user, such as {@code data set: cifar10 from /data/cifar-10
 *     (--data)}
 */
public record LoadedData(Dataset train, Dataset test, String explanation) {
  /** Checks that both parts fit together. */
  public LoadedData {
    if (!train.sampleShape().equals(test.sampleShape())) {
      throw new DataException(
          train.name()
              + ": training samples are "
              + train.sampleShape()
              + ", test samples "
              + test.sampleShape());
    }
    if (!train.classNames().equals(test.classNames())) {
      throw new DataException(
          train.name()
              + ": training classes are "
              + train.classNames()
              + ", test classes "
              + test.classNames());
    }
  }
}
