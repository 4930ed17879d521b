package dev.gridstride.peers.onednn;

import dev.gridstride.peers.common.Cifar10;
import dev.gridstride.peers.common.Net;
import dev.gridstride.peers.common.Options;
import dev.gridstride.peers.common.ReferenceNet;
import java.util.HashMap;
import java.util.Map;
import org.bytedeco.dnnl.dnnl_version_t;
import org.bytedeco.dnnl.engine;
import org.bytedeco.dnnl.global.dnnl;
import org.bytedeco.dnnl.stream;
import org.bytedeco.javacpp.PointerScope;

/** The reference net on oneDNN primitives, with gather, loss and Adam in Java. */
final class OneDnnNet implements Net {

  /** Owns every native object made while it is open, so that none is collected or freed early. */
  private final PointerScope scope = new PointerScope();

  private final engine cpu = new engine(engine.kind.cpu, 0);
  private final stream queue = new stream(cpu);
  private final Map<Integer, BatchProgram> programs = new HashMap<>();
  private final Parameters parameters;
  private final PrimitiveSet fullBatch;

  OneDnnNet(Options options) {
    fullBatch = new PrimitiveSet(cpu, options.batch(), null);
    parameters = new Parameters(cpu, fullBatch.parameterLayouts());
    programs.put(options.batch(), new BatchProgram(cpu, queue, fullBatch, parameters));
    ReferenceNet initial = ReferenceNet.initial(options.seed());
    for (ParameterPart part : ParameterPart.values()) {
      float[] numbers = part.initial(initial);
      parameters.fill(cpu, queue, part.ordinal(), Layouts.plain(part.dims()), numbers);
    }
  }

  @Override
  public String version() {
    dnnl_version_t version = dnnl.dnnl_version();
    return version.major() + "." + version.minor() + "." + version.patch();
  }

  @Override
  public String settings() {
    return "blocked layouts, ReLU fused, one OpenMP team";
  }

  @Override
  public Cifar10.Layout layout() {
    return Cifar10.Layout.CHANNELS_FIRST;
  }

  @Override
  public Score train(Cifar10 images, int[] order, int from, int count) {
    BatchProgram program = program(count);
    program.forward(images, order, from);
    Score score = program.loss(images, order, from);
    program.backward();
    parameters.adamStep();
    return score;
  }

  @Override
  public int countCorrect(Cifar10 images, int[] order, int from, int count) {
    BatchProgram program = program(count);
    program.forward(images, order, from);
    return program.loss(images, order, from).correct();
  }

  private BatchProgram program(int batch) {
    return programs.computeIfAbsent(
        batch,
        size ->
            new BatchProgram(
                cpu, queue, new PrimitiveSet(cpu, size, fullBatch.parameterLayouts()), parameters));
  }

  @Override
  public void close() {
    scope.close();
  }
}
