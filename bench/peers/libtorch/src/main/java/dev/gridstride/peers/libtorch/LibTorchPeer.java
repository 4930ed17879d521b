package dev.gridstride.peers.libtorch;

import dev.gridstride.peers.common.Options;
import dev.gridstride.peers.common.TrainingLoop;
import org.bytedeco.pytorch.global.torch;

/**
 * LibTorch through JavaCPP's presets.
 *
 * <p>At its best the images lie channels last and OpenBLAS keeps to one thread, because its own
 * pool and libgomp's would fight for the cores. As it comes the images lie channels first and both
 * pools take every core.
 */
public final class LibTorchPeer {

  private LibTorchPeer() {}

  /** Runs the peer; {@link Options#USAGE} lists the arguments. */
  public static void main(String[] args) {
    TrainingLoop.main("libtorch", LibTorchPeer::build, args);
  }

  private static LibTorchNet build(Options options) {
    if (!options.defaultSettings()) {
      TrainingLoop.requireVariable(
          "OPENBLAS_NUM_THREADS", "1", "set it, or give --default-settings");
      torch.set_num_threads(options.threads());
    }
    return new LibTorchNet(options);
  }
}
