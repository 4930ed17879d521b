package dev.gridstride.train;

import dev.gridstride.backend.Executable;
import dev.gridstride.backend.OutOfDeviceMemoryException;
import dev.gridstride.nn.Model;
import dev.gridstride.nn.ParameterSpec;
import dev.gridstride.program.Node;
import dev.gridstride.program.Tensor;
import dev.gridstride.program.Value;
import java.util.Locale;
import java.util.Map;

/**
 * Stops a run whose loss is NaN or infinite, and finds out where that began.
 *
 * <p>By the time the host sees it, the bad step has spoiled every weight. But steps are
 * reproducible: the epoch is repeated from its beginning up to the bad step, and that step's
 * forward pass is run once more with every layer's output in view. Afterwards the weights are those
 * from before the bad step.
 */
final class NanGuard {
  private final Fit fit;
  private Map<String, Tensor> epochBegin;
  private int epochBeginPosition;

  NanGuard(Fit fit) {
    this.fit = fit;
  }

  void beginEpoch() {
    epochBegin = fit.snapshot();
    epochBeginPosition = fit.position();
  }

  /** Stops the run if its recent figures show a bad step. Does not wait for the device. */
  void checkRecent() {
    if (fit.recentFirstBadStep() >= 0) {
      stop();
    }
  }

  /** Stops the run if there was a bad step up to now. */
  void check() {
    if (fit.firstBadStep() >= 0) {
      stop();
    }
  }

  private void stop() {
    long bad = fit.firstBadStep();
    double rate =
        fit.trainer().programs().optimizer().schedule().at(bad) * fit.learningRateFactor();
    fit.restore(epochBegin, epochBeginPosition);
    while (fit.step() < bad && !fit.trainer().interrupted()) {
      fit.runSteps(Math.min(bad - fit.step(), fit.trainer().stepsPerLaunch()));
    }
    String where = fit.step() < bad ? "not looked for: interrupted" : find();
    fit.stop(
        History.StopReason.NOT_FINITE,
        String.format(
            Locale.ROOT,
            "the loss became NaN or infinite at step %d (epoch %d), learning rate %s; where: %s",
            bad,
            fit.epoch(),
            (float) rate,
            where));
  }

  /** Whether there was a bad step, or there will be one since weights are not finite. */
  static boolean isSpoiled(Map<String, Tensor> snapshot, Model model) {
    return snapshot.get(States.FIRST_BAD_STEP).scalar() >= 0
        || model.parameters().stream()
            .anyMatch(parameter -> describe(snapshot.get(parameter.name())) != null);
  }

  private String find() {
    Trainer trainer = fit.trainer();
    Map<String, Tensor> good = fit.snapshot();
    for (ParameterSpec parameter : trainer.model().parameters()) {
      String bad = describe(good.get(parameter.name()));
      if (bad != null) {
        return parameter.name() + ", " + bad + " after the update before";
      }
    }
    StepProgram inspection = trainer.programs().inspection(fit.source(), fit.nextBatch());
    try (Executable executable = trainer.state().compile(inspection.program())) {
      executable.run();
      for (Node node : inspection.program().nodes()) {
        for (Value output : node.outputs()) {
          if (inspection.program().outputs().contains(output)) {
            String bad = describe(executable.read(output));
            if (bad != null) {
              return "layer " + output.name() + " (" + node.op().name() + "), " + bad;
            }
          }
        }
      }
    } catch (OutOfDeviceMemoryException e) {
      return "not looked for: the device has no memory to keep every layer's output";
    } finally {
      fit.restore(good, fit.position());
    }
    return "not to be seen in any layer when the step is repeated";
  }

  /** How many values are not finite, or null if all are. */
  private static String describe(Tensor tensor) {
    int count = 0;
    float[] values = tensor.floats();
    for (float value : values) {
      if (!Float.isFinite(value)) {
        count++;
      }
    }
    return count == 0 ? null : count + " of " + values.length + " values not finite";
  }
}
