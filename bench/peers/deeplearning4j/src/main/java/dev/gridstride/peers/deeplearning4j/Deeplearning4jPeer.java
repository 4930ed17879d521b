package dev.gridstride.peers.deeplearning4j;

import dev.gridstride.peers.common.Options;
import dev.gridstride.peers.common.TrainingLoop;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Deeplearning4j with its native CPU backend.
 *
 * <p>Its library comes in builds for several kinds of processor; which one loads is decided by a
 * system property before the first class of ND4J. At its best it is the build with oneDNN for the
 * widest vectors of this processor. As it comes, which is what {@code nd4j-native-platform} gives,
 * it is the build for any processor.
 */
public final class Deeplearning4jPeer {

  private Deeplearning4jPeer() {}

  /** Runs the peer; {@link Options#USAGE} lists the arguments. */
  public static void main(String[] args) {
    TrainingLoop.main("deeplearning4j", Deeplearning4jPeer::build, args);
  }

  private static Deeplearning4jNet build(Options options) {
    String build = options.defaultSettings() ? "" : "-onednn-" + vectors();
    System.setProperty("org.bytedeco.javacpp.platform.extension", build);
    return new Deeplearning4jNet(
        options, "channels first, workspaces, native build linux-x86_64" + build);
  }

  private static String vectors() {
    try {
      String cpu = Files.readString(Path.of("/proc/cpuinfo"));
      return cpu.contains(" avx512f") && cpu.contains(" avx512dq") ? "avx512" : "avx2";
    } catch (IOException e) {
      throw new IllegalArgumentException("cannot read the processor's kind", e);
    }
  }
}
