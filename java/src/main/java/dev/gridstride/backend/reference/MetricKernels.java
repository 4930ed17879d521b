package dev.gridstride.backend.reference;

import dev.gridstride.program.DataType;
import dev.gridstride.program.op.Accumulate;
import dev.gridstride.program.op.CheckFinite;
import dev.gridstride.program.op.ConfusionCounts;
import dev.gridstride.program.op.Hits;
import dev.gridstride.program.op.Increment;

/** Counters and metrics. */
final class MetricKernels {
  private MetricKernels() {}

  static void hits(Hits op, Operands io) {
    double[] scores = io.in(0);
    int classes = io.inShape(0).dim(1);
    for (int n = 0; n < io.inShape(0).dim(0); n++) {
      int truth = Labels.trueClass(io, 1, n, classes);
      int before = 0;
      for (int k = 0; k < classes; k++) {
        double score = scores[n * classes + k];
        double own = scores[n * classes + truth];
        boolean equal = !Labels.beats(score, own) && !Labels.beats(own, score);
        if (Labels.beats(score, own) || (equal && k < truth)) {
          before++;
        }
      }
      io.outIntegers(0)[0] += before < op.k() ? 1 : 0;
    }
  }

  static void confusionCounts(ConfusionCounts op, Operands io) {
    int classes = io.inShape(1).dim(1);
    long[] counts = io.outIntegers(0);
    System.arraycopy(io.inIntegers(0), 0, counts, 0, counts.length);
    for (int n = 0; n < io.inShape(1).dim(0); n++) {
      int truth = Labels.trueClass(io, 2, n, classes);
      counts[truth * classes + Labels.best(io.in(1), n, classes)]++;
    }
  }

  static void accumulate(Accumulate op, Operands io) {
    if (io.inputs().get(0).type().dtype() == DataType.INT64) {
      io.outIntegers(0)[0] = io.inIntegers(0)[0] + op.factor() * io.inIntegers(1)[0];
    } else {
      io.out(0)[0] = io.in(0)[0] + op.factor() * io.inputs().get(1).get(0);
    }
  }

  static void increment(Increment op, Operands io) {
    io.outIntegers(0)[0] = io.inIntegers(0)[0] + op.by();
  }

  static void checkFinite(CheckFinite op, Operands io) {
    long first = io.inIntegers(0)[0];
    boolean bad = !Double.isFinite(io.in(1)[0]);
    io.outIntegers(0)[0] = first < 0 && bad ? io.inIntegers(2)[0] : first;
  }
}
