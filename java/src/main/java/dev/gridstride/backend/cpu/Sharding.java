package dev.gridstride.backend.cpu;

/**
 * How the rows of a batch are cut into consecutive shards, one a worker, the first ones larger by a
 * row if it does not come out even.
 *
 * @param rows samples of the batch
 * @param shards number of parts, at most {@code rows}
 */
record Sharding(int rows, int shards) {
  /** A shard a worker, or fewer if there are not enough rows. */
  static Sharding of(int rows, int workers) {
    return new Sharding(rows, Math.min(rows, workers));
  }

  int start(int shard) {
    return shard * (rows / shards) + Math.min(shard, rows % shards);
  }

  int size(int shard) {
    return rows / shards + (shard < rows % shards ? 1 : 0);
  }
}
