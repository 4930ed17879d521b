package dev.gridstride.peers.djl;

import dev.gridstride.peers.common.Options;
import dev.gridstride.peers.common.TrainingLoop;

/**
 * DJL with its PyTorch engine.
 *
 * <p>DJL reads its thread count from a system property when the engine loads. As it comes the
 * engine chooses. Its usage report to its makers is off either way, for a benchmark needs no
 * network.
 */
public final class DjlPeer {

  private DjlPeer() {}

  /** Runs the peer; {@link Options#USAGE} lists the arguments. */
  public static void main(String[] args) {
    System.setProperty("OPT_OUT_TRACKING", "true");
    System.setProperty("ai.djl.offline", "true");
    TrainingLoop.main("djl", DjlPeer::build, args);
  }

  private static DjlNet build(Options options) {
    if (!options.defaultSettings()) {
      System.setProperty("ai.djl.pytorch.num_threads", Integer.toString(options.threads()));
    }
    return new DjlNet(options);
  }
}
