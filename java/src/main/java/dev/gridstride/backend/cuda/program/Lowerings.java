package dev.gridstride.backend.cuda.program;

import dev.gridstride.backend.BackendException;
import dev.gridstride.backend.ImplementationChoice;
import dev.gridstride.program.Node;
import dev.gridstride.program.Op;
import dev.gridstride.program.op.Accumulate;
import dev.gridstride.program.op.Adam;
import dev.gridstride.program.op.Add;
import dev.gridstride.program.op.AvgPool2d;
import dev.gridstride.program.op.AvgPool2dBackward;
import dev.gridstride.program.op.BatchNorm;
import dev.gridstride.program.op.BatchNormBackward;
import dev.gridstride.program.op.BatchNormInference;
import dev.gridstride.program.op.BiasAdd;
import dev.gridstride.program.op.BiasBackward;
import dev.gridstride.program.op.Cast;
import dev.gridstride.program.op.CheckFinite;
import dev.gridstride.program.op.ConfusionCounts;
import dev.gridstride.program.op.Conv2d;
import dev.gridstride.program.op.Conv2dBackwardData;
import dev.gridstride.program.op.Conv2dBackwardWeights;
import dev.gridstride.program.op.CrossEntropy;
import dev.gridstride.program.op.CrossEntropyBackward;
import dev.gridstride.program.op.Dense;
import dev.gridstride.program.op.DenseBackwardData;
import dev.gridstride.program.op.DenseBackwardWeights;
import dev.gridstride.program.op.Dropout;
import dev.gridstride.program.op.FetchBatch;
import dev.gridstride.program.op.Fill;
import dev.gridstride.program.op.GlobalAvgPool2d;
import dev.gridstride.program.op.GlobalAvgPool2dBackward;
import dev.gridstride.program.op.Hits;
import dev.gridstride.program.op.Increment;
import dev.gridstride.program.op.LearningRate;
import dev.gridstride.program.op.Matmul;
import dev.gridstride.program.op.MaxPool2d;
import dev.gridstride.program.op.MaxPool2dBackward;
import dev.gridstride.program.op.MeanSquaredError;
import dev.gridstride.program.op.MeanSquaredErrorBackward;
import dev.gridstride.program.op.MovingAverage;
import dev.gridstride.program.op.Relu;
import dev.gridstride.program.op.ReluBackward;
import dev.gridstride.program.op.Reshape;
import dev.gridstride.program.op.Sgd;
import dev.gridstride.program.op.Softmax;
import dev.gridstride.program.op.SoftmaxBackward;
import dev.gridstride.program.op.SoftmaxCrossEntropy;
import dev.gridstride.program.op.SoftmaxCrossEntropyBackward;
import dev.gridstride.program.op.WeightPenalty;
import dev.gridstride.program.op.WeightPenaltyBackward;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/**
 * Which lowerings compute which op, in the order in which they are tried when nothing else is asked
 * for: a line an op and implementation, kernel file by kernel file, libraries behind.
 */
final class Lowerings {
  private static final Map<Class<? extends Op>, List<Implementation>> TABLE = new HashMap<>();

  static {
    // conv2d.cu
    add(Conv2d.class, Conv2dLaunches::forward);
    add(Conv2dBackwardData.class, Conv2dLaunches::backwardData);
    add(Conv2dBackwardWeights.class, Conv2dLaunches::backwardWeights);
    vendor(Conv2d.class, ImplementationChoice.CUDNN, CudnnConv2d::forward);
    vendor(Conv2dBackwardData.class, ImplementationChoice.CUDNN, CudnnConv2d::backwardData);
    vendor(Conv2dBackwardWeights.class, ImplementationChoice.CUDNN, CudnnConv2d::backwardWeights);
    vendor(Conv2d.class, ImplementationChoice.CUBLAS, CublasMatmul::conv2d);
    vendor(Conv2dBackwardData.class, ImplementationChoice.CUBLAS, CublasMatmul::conv2dBackwardData);
    vendor(
        Conv2dBackwardWeights.class,
        ImplementationChoice.CUBLAS,
        CublasMatmul::conv2dBackwardWeights);

    // matmul.cu
    add(Matmul.class, MatmulLaunches::matmul);
    add(Dense.class, MatmulLaunches::dense);
    add(DenseBackwardData.class, MatmulLaunches::denseBackwardData);
    add(DenseBackwardWeights.class, MatmulLaunches::denseBackwardWeights);
    vendor(Matmul.class, ImplementationChoice.CUBLAS, CublasMatmul::matmul);
    vendor(Dense.class, ImplementationChoice.CUBLAS, CublasMatmul::dense);
    vendor(DenseBackwardData.class, ImplementationChoice.CUBLAS, CublasMatmul::denseBackwardData);
    vendor(
        DenseBackwardWeights.class,
        ImplementationChoice.CUBLAS,
        CublasMatmul::denseBackwardWeights);

    // pool2d.cu
    add(MaxPool2d.class, Pool2dLaunches::max);
    add(MaxPool2dBackward.class, Pool2dLaunches::maxBackward);
    add(AvgPool2d.class, Pool2dLaunches::average);
    add(AvgPool2dBackward.class, Pool2dLaunches::averageBackward);
    add(GlobalAvgPool2d.class, Pool2dLaunches::globalAverage);
    add(GlobalAvgPool2dBackward.class, Pool2dLaunches::globalAverageBackward);
    vendor(MaxPool2d.class, ImplementationChoice.CUDNN, CudnnPool2d::max);
    vendor(MaxPool2dBackward.class, ImplementationChoice.CUDNN, CudnnPool2d::maxBackward);
    vendor(AvgPool2d.class, ImplementationChoice.CUDNN, CudnnPool2d::average);
    vendor(AvgPool2dBackward.class, ImplementationChoice.CUDNN, CudnnPool2d::averageBackward);
    vendor(GlobalAvgPool2d.class, ImplementationChoice.CUDNN, CudnnPool2d::globalAverage);
    vendor(
        GlobalAvgPool2dBackward.class,
        ImplementationChoice.CUDNN,
        CudnnPool2d::globalAverageBackward);

    // elementwise.cu
    inPlace(Add.class, ElementwiseLaunches::add);
    add(Fill.class, ElementwiseLaunches::fill);
    inPlace(Relu.class, ElementwiseLaunches::relu);
    inPlace(ReluBackward.class, ElementwiseLaunches::reluBackward);
    inPlace(BiasAdd.class, ElementwiseLaunches::biasAdd);
    vendor(Relu.class, ImplementationChoice.CUDNN, CudnnActivation::relu);
    vendor(ReluBackward.class, ImplementationChoice.CUDNN, CudnnActivation::reluBackward);

    // reduce.cu
    add(BiasBackward.class, ReduceLaunches::biasBackward);
    vendor(BiasBackward.class, ImplementationChoice.CUDNN, CudnnActivation::biasBackward);

    // layout.cu
    add(Reshape.class, LayoutLaunches::reshape);

    // dropout.cu
    inPlace(Dropout.class, DropoutLaunches::dropout);
    vendor(Dropout.class, ImplementationChoice.CUDNN, CudnnDropoutCalls::dropout);

    // batch_norm.cu
    add(BatchNorm.class, BatchNormLaunches::training);
    add(BatchNormInference.class, BatchNormLaunches::inference);
    add(BatchNormBackward.class, BatchNormLaunches::backward);
    inPlace(MovingAverage.class, BatchNormLaunches::movingAverage);
    vendor(BatchNorm.class, ImplementationChoice.CUDNN, CudnnBatchNorm::training);
    vendor(BatchNormInference.class, ImplementationChoice.CUDNN, CudnnBatchNorm::inference);
    vendor(BatchNormBackward.class, ImplementationChoice.CUDNN, CudnnBatchNorm::backward);

    // softmax.cu
    add(Softmax.class, SoftmaxLaunches::forward);
    add(SoftmaxBackward.class, SoftmaxLaunches::backward);
    vendor(Softmax.class, ImplementationChoice.CUDNN, CudnnSoftmax::forward);
    vendor(SoftmaxBackward.class, ImplementationChoice.CUDNN, CudnnSoftmax::backward);

    // cross_entropy.cu
    add(CrossEntropy.class, CrossEntropyLaunches::crossEntropy);
    add(CrossEntropyBackward.class, CrossEntropyLaunches::crossEntropyBackward);
    add(SoftmaxCrossEntropy.class, CrossEntropyLaunches::softmaxCrossEntropy);
    add(SoftmaxCrossEntropyBackward.class, CrossEntropyLaunches::softmaxCrossEntropyBackward);

    // mean_squared_error.cu
    add(MeanSquaredError.class, MeanSquaredErrorLaunches::forward);
    add(MeanSquaredErrorBackward.class, MeanSquaredErrorLaunches::backward);

    // weight_penalty.cu
    add(WeightPenalty.class, WeightPenaltyLaunches::forward);
    inPlace(WeightPenaltyBackward.class, WeightPenaltyLaunches::backward);

    // adam.cu
    inPlace(Adam.class, AdamLaunches::step);

    // sgd.cu
    inPlace(Sgd.class, SgdLaunches::step);

    // learning_rate.cu
    add(LearningRate.class, LearningRateLaunches::learningRate);

    // cast.cu
    add(Cast.class, CastLaunches::cast);

    // fetch_batch.cu
    add(FetchBatch.class, FetchBatchLaunches::fetchBatch);

    // metrics.cu
    add(Hits.class, MetricsLaunches::hits);
    inPlace(ConfusionCounts.class, MetricsLaunches::confusionCounts);
    inPlace(Accumulate.class, MetricsLaunches::accumulate);
    inPlace(Increment.class, MetricsLaunches::increment);
    inPlace(CheckFinite.class, MetricsLaunches::checkFinite);
  }

  private Lowerings() {}

  /** An op whose outputs are never its inputs. If they are in a program, they are copied. */
  private static <T extends Op> void add(Class<T> type, Lowering<T> lowering) {
    put(type, ImplementationChoice.OWN, lowering, false);
  }

  /** An op that may overwrite an input: every thread reads an element before it writes it. */
  private static <T extends Op> void inPlace(Class<T> type, Lowering<T> lowering) {
    put(type, ImplementationChoice.OWN, lowering, true);
  }

  /** What a library of NVIDIA computes. */
  static <T extends Op> void vendor(Class<T> type, String name, Lowering<T> lowering) {
    put(type, name, lowering, false);
  }

  private static <T extends Op> void put(
      Class<T> type, String name, Lowering<T> lowering, boolean inPlace) {
    TABLE
        .computeIfAbsent(type, t -> new ArrayList<>())
        .add(new Implementation(name, (op, e) -> lowering.lower(type.cast(op), e), inPlace));
  }

  /** Names of all ops, in order. */
  static Set<String> names() {
    Set<String> names = new TreeSet<>();
    for (Class<? extends Op> type : TABLE.keySet()) {
      names.add(
          type.getSimpleName().replaceAll("(?<=[a-z0-9])(?=[A-Z])", "_").toLowerCase(Locale.ROOT));
    }
    return names;
  }

  /**
   * All implementations of the node's op, in their order.
   *
   * @throws BackendException if there is none
   */
  static List<Implementation> of(Node node) {
    if (node.op() instanceof CudaOp own) {
      Lowering<Op> lowering = (op, e) -> own.launch(new Launcher(e, own.kernels()));
      return List.of(new Implementation(ImplementationChoice.OWN, lowering, own.inPlace()));
    }
    List<Implementation> all = TABLE.get(node.op().getClass());
    if (all == null) {
      throw new BackendException(
          "cuda: op "
              + node.op().name()
              + " has no kernel for CUDA ("
              + node
              + "); an op of your own must be a CudaOp");
    }
    return all;
  }
}
