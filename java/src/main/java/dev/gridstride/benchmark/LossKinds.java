package dev.gridstride.benchmark;

import dev.gridstride.program.DataType;
import dev.gridstride.program.Op;
import dev.gridstride.program.Value;
import dev.gridstride.program.op.ConfusionCounts;
import dev.gridstride.program.op.CrossEntropy;
import dev.gridstride.program.op.CrossEntropyBackward;
import dev.gridstride.program.op.Hits;
import dev.gridstride.program.op.MeanSquaredError;
import dev.gridstride.program.op.MeanSquaredErrorBackward;
import dev.gridstride.program.op.Softmax;
import dev.gridstride.program.op.SoftmaxBackward;
import dev.gridstride.program.op.SoftmaxCrossEntropy;
import dev.gridstride.program.op.SoftmaxCrossEntropyBackward;
import java.util.ArrayList;
import java.util.List;

/** Softmax, losses, and what is counted of the scores. Labels are class indices. */
final class LossKinds {
  private static final List<Key> ROWS =
      List.of(Key.count("n", "rows of the batch"), Key.count("classes", "columns"));
  private static final Key SMOOTHING = Key.number("smoothing", "0", "label smoothing, from 0");

  private LossKinds() {}

  static List<Kind> all() {
    List<Key> smooth = new ArrayList<>(ROWS);
    smooth.add(SMOOTHING);
    return List.of(
        new Kind("softmax", false, ROWS, LossKinds::softmax),
        new Kind("softmax_backward", false, ROWS, LossKinds::softmaxBackward),
        new Kind("cross_entropy", false, smooth, LossKinds::crossEntropy),
        new Kind("cross_entropy_backward", false, smooth, LossKinds::crossEntropyBackward),
        new Kind("softmax_cross_entropy", false, smooth, LossKinds::softmaxCrossEntropy),
        new Kind(
            "softmax_cross_entropy_backward",
            false,
            smooth,
            LossKinds::softmaxCrossEntropyBackward),
        new Kind("mean_squared_error", false, ROWS, LossKinds::meanSquaredError),
        new Kind("mean_squared_error_backward", false, ROWS, LossKinds::meanSquaredErrorBackward),
        new Kind("hits", false, ROWS, LossKinds::hits),
        new Kind("confusion_counts", false, ROWS, LossKinds::confusionCounts));
  }

  /** The rows and columns of a problem. */
  private record Rows(Dim n, Dim classes, Draft draft) {
    /** A loss is a mean over all rows, so none can be left out. */
    static Rows together(Sizes sizes, Draft draft) {
      Dim classes = Dim.whole(sizes.count("classes"));
      return new Rows(Dim.whole(sizes.count("n")), classes, draft);
    }

    static Rows apart(Sizes sizes, Draft draft) {
      Dim classes = Dim.whole(sizes.count("classes"));
      return new Rows(draft.free("n", sizes.count("n")), classes, draft);
    }

    Value reals(String name) {
      return draft.input(name, DataType.FLOAT32, Fill.REALS, n, classes);
    }

    Value distributions(String name) {
      return draft.input(name, DataType.FLOAT32, Fill.DISTRIBUTIONS, n, classes);
    }

    Value labels() {
      return draft.input("labels", DataType.INT32, Fill.classes(classes.size()), n);
    }

    /** The gradient that arrives at a loss. */
    Value one() {
      return draft.state("g", DataType.FLOAT32, Fill.scalar(1f));
    }

    void result(Op op, long terms, Value... inputs) {
      draft.result(draft.add(op, inputs).get(0), Bound.relative(terms), n, classes);
    }

    void loss(Op op, Value... inputs) {
      long terms = (long) n.size() + classes.size();
      draft.result(draft.add(op, inputs).get(0), Bound.ofSum(terms));
    }
  }

  private static void softmax(Sizes sizes, Draft draft) {
    Rows rows = Rows.apart(sizes, draft);
    rows.result(new Softmax(), rows.classes().size(), rows.reals("x"));
  }

  private static void softmaxBackward(Sizes sizes, Draft draft) {
    Rows rows = Rows.apart(sizes, draft);
    Value dy = rows.reals("dy");
    rows.result(new SoftmaxBackward(), rows.classes().size(), dy, rows.distributions("p"));
  }

  private static void crossEntropy(Sizes sizes, Draft draft) {
    Rows rows = Rows.together(sizes, draft);
    Value p = rows.distributions("p");
    rows.loss(new CrossEntropy(sizes.number("smoothing")), p, rows.labels());
  }

  private static void crossEntropyBackward(Sizes sizes, Draft draft) {
    Rows rows = Rows.together(sizes, draft);
    Op op = new CrossEntropyBackward(sizes.number("smoothing"));
    Value p = rows.distributions("p");
    rows.result(op, rows.classes().size(), p, rows.labels(), rows.one());
  }

  private static void softmaxCrossEntropy(Sizes sizes, Draft draft) {
    Rows rows = Rows.together(sizes, draft);
    Value x = rows.reals("x");
    rows.loss(new SoftmaxCrossEntropy(sizes.number("smoothing")), x, rows.labels());
  }

  private static void softmaxCrossEntropyBackward(Sizes sizes, Draft draft) {
    Rows rows = Rows.together(sizes, draft);
    Op op = new SoftmaxCrossEntropyBackward(sizes.number("smoothing"));
    Value p = rows.distributions("p");
    rows.result(op, rows.classes().size(), p, rows.labels(), rows.one());
  }

  private static void meanSquaredError(Sizes sizes, Draft draft) {
    Rows rows = Rows.together(sizes, draft);
    Value x = rows.reals("x");
    Value y = draft.add(new MeanSquaredError(), x, rows.reals("t")).get(0);
    draft.result(y, Bound.relative(x.shape().elements()));
  }

  private static void meanSquaredErrorBackward(Sizes sizes, Draft draft) {
    Rows rows = Rows.together(sizes, draft);
    Value x = rows.reals("x");
    rows.result(new MeanSquaredErrorBackward(), 4, x, rows.reals("t"), rows.one());
  }

  private static void hits(Sizes sizes, Draft draft) {
    Rows rows = Rows.together(sizes, draft);
    Value x = rows.reals("x");
    draft.result(draft.add(new Hits(1), x, rows.labels()).get(0), Bound.EXACT);
  }

  private static void confusionCounts(Sizes sizes, Draft draft) {
    Rows rows = Rows.together(sizes, draft);
    Dim k = rows.classes();
    Value counts = draft.state("counts", DataType.INT64, Fill.ZEROS, k, k);
    Value x = rows.reals("x");
    List<Value> inputs = List.of(counts, x, rows.labels());
    draft.update(new ConfusionCounts(), Bound.EXACT, inputs, counts);
  }
}
