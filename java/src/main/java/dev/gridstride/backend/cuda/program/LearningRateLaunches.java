package dev.gridstride.backend.cuda.program;

import dev.gridstride.backend.cuda.Dim;
import dev.gridstride.program.op.LearningRate;
import dev.gridstride.program.op.Schedule;
import java.util.ArrayList;
import java.util.List;

/** Launches of {@code learning_rate.cu}. */
final class LearningRateLaunches {
  private LearningRateLaunches() {}

  /** One launch; one more for each warm-up round a warm-up. */
  static void learningRate(LearningRate op, Emitter e) {
    Schedule schedule = op.schedule();
    List<Long> warmups = new ArrayList<>();
    while (schedule instanceof Schedule.Warmup warmup) {
      warmups.add(warmup.steps());
      schedule = warmup.after();
    }
    long warmup = warmups.isEmpty() ? 0 : warmups.get(0);
    if (schedule instanceof Schedule.Constant s) {
      launch(e, "constant", warmup, s.rate());
    } else if (schedule instanceof Schedule.Step s) {
      launch(e, "step", warmup, s.rate(), s.every(), s.factor());
    } else if (schedule instanceof Schedule.Cosine s) {
      launch(e, "cosine", warmup, s.rate(), s.steps(), s.last());
    } else if (schedule instanceof Schedule.Linear s) {
      launch(e, "linear", warmup, s.rate(), s.steps(), s.last());
    } else {
      throw e.unsupported("no kernel for the schedule " + schedule);
    }
    for (long more : warmups.subList(Math.min(1, warmups.size()), warmups.size())) {
      scalar(e, "learning_rate_warmup_f32", e.out(0), e.out(0), e.in(0), more);
    }
  }

  private static void launch(Emitter e, String schedule, Object... attributes) {
    List<Object> args = new ArrayList<>(List.of(e.out(0), e.in(0), e.in(1)));
    args.addAll(List.of(attributes));
    scalar(e, "learning_rate_" + schedule + "_f32", args.toArray());
  }

  private static void scalar(Emitter e, String kernel, Object... args) {
    e.launch("learning_rate", kernel, Dim.of(1), Dim.of(1), 0, args);
  }
}
