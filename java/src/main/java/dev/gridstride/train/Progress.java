package dev.gridstride.train;

import dev.gridstride.data.Dataset;
import java.util.List;

/** How far training has come, apart from what the device counts. */
final class Progress {
  /** The training data; null before the first fit. */
  Dataset dataset;

  /** Finished epochs. */
  History history = new History(List.of());

  /** Training time already spent on the epoch in progress. */
  double epochSeconds;
}
