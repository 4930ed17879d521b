package dev.gridstride.peers.tensorflow;

import dev.gridstride.peers.common.Options;
import dev.gridstride.peers.common.TrainingLoop;

/**
 * TensorFlow Java in graph mode.
 *
 * <p>The whole step, Adam included, is one graph, and labels are fed one-hot; that is its best way
 * and there is no other default. As it comes means that TensorFlow sizes its own thread pools.
 */
public final class TensorFlowPeer {

  private TensorFlowPeer() {}

  /** Runs the peer; {@link Options#USAGE} lists the arguments. */
  public static void main(String[] args) {
    TrainingLoop.main("tensorflow", TensorFlowNet::new, args);
  }
}
