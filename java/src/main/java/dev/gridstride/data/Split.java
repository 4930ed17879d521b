package dev.gridstride.data;

import dev.gridstride.program.Permutation;
import java.util.AbstractList;
import java.util.List;
import java.util.RandomAccess;
import java.util.stream.IntStream;

/**
 * Seeded division of a data set into training and validation samples.
 *
 * <p>Stratified: each class is divided in the same proportion, as near as whole samples allow. The
 * samples of both parts are in the order of {@link Permutation} for the seed (epoch 0), so the
 * first N of a part are a random choice even if the file is sorted by class. The same seed gives
 * the same division everywhere.
 */
public final class Split {
  private Split() {}

  /**
   * Two parts that share no sample and together are the whole.
   *
   * @param train what to learn from
   * @param validation what to check with
   */
  public record TrainValidation(Dataset train, Dataset validation) {}

  /**
   * Puts {@code round(fraction * n)} samples, at least 1 and at most n - 1, into validation.
   *
   * <p>A class with m samples gives {@code floor(share * m)} of them, the share being validation
   * samples / n; what is missing to the total comes one each from the classes with the largest
   * remainders, of equal ones the lowest.
   *
   * @param fraction of the samples for validation, above 0 and below 1
   * @throws DataException if the fraction is out of range or there are fewer than 2 samples
   */
  public static TrainValidation split(Dataset data, double fraction, long seed) {
    if (!(fraction > 0 && fraction < 1)) {
      throw DataException.expected("split", "a fraction above 0 and below 1", fraction);
    }
    int n = data.size();
    checkEnough(data, 2);
    int validation = (int) Math.max(1, Math.min(n - 1L, Math.round(fraction * n)));
    int[] quota = quotas(data, validation);
    int[] fold = new int[n];
    for (int i : order(n, seed)) {
      fold[i] = quota[data.labelClass(i)]-- > 0 ? 1 : 0;
    }
    return part(data, fold, 1, seed);
  }

  /**
   * Divides the samples into {@code k} folds whose sizes, in all and for each class, differ by at
   * most 1; entry i of the list has fold i for validation and the others for training.
   *
   * <p>The members of each class are dealt out in turn, each class starting where the last one
   * stopped. An entry is put together when it is asked for, so that only those in use take memory.
   *
   * @throws DataException if {@code k} is below 2 or above the number of samples
   */
  public static List<TrainValidation> kFold(Dataset data, int k, long seed) {
    if (k < 2) {
      throw DataException.expected("kFold", "at least 2 folds", k);
    }
    checkEnough(data, k);
    return new Folds(data, deal(data, k, seed), k, seed);
  }

  private static int[] deal(Dataset data, int k, long seed) {
    int n = data.size();
    int[] order = order(n, seed);
    int[] next = new int[data.classes()];
    int start = 0;
    int[] counts = counts(data);
    for (int c = 0; c < counts.length; c++) {
      next[c] = start;
      start = (start + counts[c]) % k;
    }
    int[] fold = new int[n];
    for (int i : order) {
      int c = data.labelClass(i);
      fold[i] = next[c];
      next[c] = (next[c] + 1) % k;
    }
    return fold;
  }

  private static int[] quotas(Dataset data, int validation) {
    int[] counts = counts(data);
    int[] quota = new int[counts.length];
    int left = validation;
    for (int c = 0; c < counts.length; c++) {
      quota[c] = (int) ((long) validation * counts[c] / data.size());
      left -= quota[c];
    }
    IntStream.range(0, counts.length)
        .boxed()
        .sorted(
            (a, b) ->
                Long.compare(
                    remainder(data, validation, counts[b]), remainder(data, validation, counts[a])))
        .limit(left)
        .forEach(c -> quota[c]++);
    return quota;
  }

  private static long remainder(Dataset data, int validation, int count) {
    return (long) validation * count % data.size();
  }

  private static int[] counts(Dataset data) {
    int[] counts = new int[data.classes()];
    for (int i = 0; i < data.size(); i++) {
      counts[data.labelClass(i)]++;
    }
    return counts;
  }

  private static int[] order(int n, long seed) {
    return IntStream.range(0, n).map(i -> Permutation.at(seed, 0, n, i)).toArray();
  }

  private static TrainValidation part(Dataset data, int[] fold, int validation, long seed) {
    int[] order = order(data.size(), seed);
    int[] in = IntStream.of(order).filter(i -> fold[i] == validation).toArray();
    int[] out = IntStream.of(order).filter(i -> fold[i] != validation).toArray();
    return new TrainValidation(
        data.select(out), data.select(in).named(data.name() + " (validation part)"));
  }

  private static void checkEnough(Dataset data, int least) {
    if (data.size() < least) {
      throw DataException.expected(
          data.name(), "at least " + least + " samples to split", data.size());
    }
  }

  /** The folds of a data set, each put together on demand. */
  private static final class Folds extends AbstractList<TrainValidation> implements RandomAccess {
    private final Dataset data;
    private final int[] fold;
    private final int k;
    private final long seed;

    Folds(Dataset data, int[] fold, int k, long seed) {
      this.data = data;
      this.fold = fold;
      this.k = k;
      this.seed = seed;
    }

    @Override
    public TrainValidation get(int i) {
      if (i < 0 || i >= k) {
        throw new IndexOutOfBoundsException("kFold: fold " + i + " of " + k);
      }
      return part(data, fold, i, seed);
    }

    @Override
    public int size() {
      return k;
    }
  }
}
