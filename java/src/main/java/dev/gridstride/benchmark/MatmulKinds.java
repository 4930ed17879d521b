package dev.gridstride.benchmark;

import dev.gridstride.program.Value;
import dev.gridstride.program.op.Dense;
import dev.gridstride.program.op.DenseBackwardData;
import dev.gridstride.program.op.DenseBackwardWeights;
import dev.gridstride.program.op.Matmul;
import java.util.ArrayList;
import java.util.List;

/** Matrix products and fully connected layers. */
final class MatmulKinds {
  private static final List<Key> DENSE =
      List.of(
          Key.count("n", "rows of the batch"),
          Key.count("ic", "input features"),
          Key.count("oc", "output features"));
  private static final Key BIAS = Key.flag("bias", "a number added to each output feature");
  private static final Key BIAS_GRADIENT = Key.flag("bias", "the bias's gradient too");
  private static final Key RELU = Key.flag("relu", "max(y, 0) of the result");

  private MatmulKinds() {}

  static List<Kind> all() {
    List<Key> matmul =
        List.of(
            Key.count("m", "rows of the result"),
            Key.count("n", "columns of the result"),
            Key.count("k", "terms of each sum"),
            Key.flag("ta", "a is stored transposed, [k,m]"),
            Key.flag("tb", "b is stored transposed, [n,k]"));
    return List.of(
        new Kind("matmul", true, matmul, MatmulKinds::matmul),
        new Kind("dense", true, with(BIAS, RELU), MatmulKinds::dense),
        new Kind("dense_backward_data", true, DENSE, MatmulKinds::denseBackwardData),
        new Kind(
            "dense_backward_weights",
            true,
            with(BIAS_GRADIENT),
            MatmulKinds::denseBackwardWeights));
  }

  private static List<Key> with(Key... more) {
    List<Key> keys = new ArrayList<>(DENSE);
    keys.addAll(List.of(more));
    return keys;
  }

  private static void matmul(Sizes sizes, Draft draft) {
    Dim m = draft.free("m", sizes.count("m"));
    Dim n = draft.free("n", sizes.count("n"));
    Dim k = Dim.whole(sizes.count("k"));
    boolean ta = sizes.flag("ta");
    boolean tb = sizes.flag("tb");
    Value a = draft.input("a", draft.factor(), Fill.REALS, ta ? pair(k, m) : pair(m, k));
    Value b = draft.weight("b", tb ? pair(n, k) : pair(k, n));
    Value c = draft.add(new Matmul(ta, tb), a, b).get(0);
    draft.result(c, Bound.ofProducts(k.size(), draft.precision()), m, n);
  }

  private static Dim[] pair(Dim first, Dim second) {
    return new Dim[] {first, second};
  }

  private static void dense(Sizes sizes, Draft draft) {
    Dim n = draft.free("n", sizes.count("n"));
    Dim in = Dim.whole(sizes.count("ic"));
    Dim out = draft.free("oc", sizes.count("oc"));
    List<Value> inputs = new ArrayList<>();
    inputs.add(draft.input("x", draft.factor(), Fill.REALS, n, in));
    inputs.add(draft.weight("w", out, in));
    if (sizes.flag("bias")) {
      inputs.add(draft.parameter("b", Fill.REALS, out));
    }
    Value y = draft.add(new Dense(sizes.flag("relu")), inputs.toArray(Value[]::new)).get(0);
    draft.result(y, Bound.ofProducts(in.size(), draft.precision()), n, out);
  }

  private static void denseBackwardData(Sizes sizes, Draft draft) {
    Dim n = draft.free("n", sizes.count("n"));
    Dim in = draft.free("ic", sizes.count("ic"));
    Dim out = Dim.whole(sizes.count("oc"));
    Value dy = draft.input("dy", draft.factor(), Fill.REALS, n, out);
    Value w = draft.weight("w", out, in);
    Value dx = draft.add(new DenseBackwardData(Draft.shape(n, in)), dy, w).get(0);
    draft.result(dx, Bound.ofProducts(out.size(), draft.precision()), n, in);
  }

  private static void denseBackwardWeights(Sizes sizes, Draft draft) {
    Dim n = Dim.whole(sizes.count("n"));
    Dim in = draft.free("ic", sizes.count("ic"));
    Dim out = draft.free("oc", sizes.count("oc"));
    Value x = draft.input("x", draft.factor(), Fill.REALS, n, in);
    Value dy = draft.input("dy", draft.factor(), Fill.REALS, n, out);
    boolean bias = sizes.flag("bias");
    List<Value> gradients = draft.add(new DenseBackwardWeights(bias), x, dy);
    draft.result(gradients.get(0), Bound.ofProducts(n.size(), draft.precision()), out, in);
    if (bias) {
      draft.result(gradients.get(1), Bound.ofSum(n.size()), out);
    }
  }
}
