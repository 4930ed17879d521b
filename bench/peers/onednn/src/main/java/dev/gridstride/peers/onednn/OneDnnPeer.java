package dev.gridstride.peers.onednn;

import dev.gridstride.peers.common.Options;
import dev.gridstride.peers.common.TrainingLoop;

/**
 * The bare loop: oneDNN primitives for exactly the reference net and nothing around them.
 *
 * <p>oneDNN computes on one OpenMP team. Its size is fixed by the environment when libgomp loads,
 * so this program checks {@code OMP_NUM_THREADS} instead of setting it.
 */
public final class OneDnnPeer {

  private OneDnnPeer() {}

  /** Runs the peer; {@link Options#USAGE} lists the arguments. */
  public static void main(String[] args) {
    TrainingLoop.main("onednn", OneDnnPeer::build, args);
  }

  private static OneDnnNet build(Options options) {
    if (options.defaultSettings()) {
      throw new IllegalArgumentException(
          "--default-settings: a loop written for one net has no other settings");
    }
    int processors = Runtime.getRuntime().availableProcessors();
    if (System.getenv("OMP_NUM_THREADS") != null || processors != options.threads()) {
      String threads = Integer.toString(options.threads());
      TrainingLoop.requireVariable("OMP_NUM_THREADS", threads, "set it as --threads says");
    }
    return new OneDnnNet(options);
  }
}
