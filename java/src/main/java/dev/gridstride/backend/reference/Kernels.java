package dev.gridstride.backend.reference;

import dev.gridstride.backend.BackendException;
import dev.gridstride.program.HostOp;
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
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Which kernel computes which op. */
final class Kernels {
  private static final Map<Class<? extends Op>, Kernel<Op>> TABLE = new HashMap<>();

  static {
    add(Conv2d.class, ConvolutionKernels::forward);
    add(Conv2dBackwardData.class, ConvolutionKernels::backwardData);
    add(Conv2dBackwardWeights.class, ConvolutionKernels::backwardWeights);

    add(MaxPool2d.class, PoolingKernels::max);
    add(MaxPool2dBackward.class, PoolingKernels::maxBackward);
    add(AvgPool2d.class, PoolingKernels::average);
    add(AvgPool2dBackward.class, PoolingKernels::averageBackward);
    add(GlobalAvgPool2d.class, PoolingKernels::globalAverage);
    add(GlobalAvgPool2dBackward.class, PoolingKernels::globalAverageBackward);

    add(Dense.class, DenseKernels::forward);
    add(DenseBackwardData.class, DenseKernels::backwardData);
    add(DenseBackwardWeights.class, DenseKernels::backwardWeights);
    add(Matmul.class, DenseKernels::matmul);
    add(BiasAdd.class, Channels::biasAdd);
    add(BiasBackward.class, Channels::biasBackward);

    add(Add.class, ElementwiseKernels::add);
    add(Cast.class, ElementwiseKernels::cast);
    add(Fill.class, ElementwiseKernels::fill);
    add(Relu.class, ElementwiseKernels::relu);
    add(ReluBackward.class, ElementwiseKernels::reluBackward);
    add(Reshape.class, ElementwiseKernels::reshape);
    add(Dropout.class, ElementwiseKernels::dropout);

    add(BatchNorm.class, BatchNormKernels::training);
    add(BatchNormInference.class, BatchNormKernels::inference);
    add(BatchNormBackward.class, BatchNormKernels::backward);
    add(MovingAverage.class, BatchNormKernels::movingAverage);

    add(Softmax.class, LossKernels::softmax);
    add(SoftmaxBackward.class, LossKernels::softmaxBackward);
    add(CrossEntropy.class, LossKernels::crossEntropy);
    add(CrossEntropyBackward.class, LossKernels::crossEntropyBackward);
    add(SoftmaxCrossEntropy.class, LossKernels::softmaxCrossEntropy);
    add(SoftmaxCrossEntropyBackward.class, LossKernels::softmaxCrossEntropyBackward);
    add(MeanSquaredError.class, LossKernels::meanSquaredError);
    add(MeanSquaredErrorBackward.class, LossKernels::meanSquaredErrorBackward);
    add(WeightPenalty.class, LossKernels::weightPenalty);
    add(WeightPenaltyBackward.class, LossKernels::weightPenaltyBackward);

    add(Adam.class, OptimizerKernels::adam);
    add(Sgd.class, OptimizerKernels::sgd);
    add(LearningRate.class, OptimizerKernels::learningRate);

    add(FetchBatch.class, FetchKernels::fetchBatch);

    add(Hits.class, MetricKernels::hits);
    add(ConfusionCounts.class, MetricKernels::confusionCounts);
    add(Accumulate.class, MetricKernels::accumulate);
    add(Increment.class, MetricKernels::increment);
    add(CheckFinite.class, MetricKernels::checkFinite);
  }

  private Kernels() {}

  private static <O extends Op> void add(Class<O> type, Kernel<O> kernel) {
    TABLE.put(type, (op, io) -> kernel.run(type.cast(op), io));
  }

  private static void onHost(Op op, Operands io) {
    List<double[]> results = io.outputs().stream().map(Storage::toDoubles).toList();
    ((HostOp) op)
        .compute(
            io.inputs().stream().map(Storage::toDoubles).toList(),
            io.inputs().stream().map(Storage::type).toList(),
            results);
    for (int i = 0; i < results.size(); i++) {
      io.outputs().get(i).write(results.get(i));
    }
  }

  /**
   * The kernel of the node's op.
   *
   * @throws BackendException if there is none
   */
  static Kernel<Op> of(Node node) {
    if (node.op() instanceof HostOp) {
      return Kernels::onHost;
    }
    Kernel<Op> kernel = TABLE.get(node.op().getClass());
    if (kernel == null) {
      throw new BackendException(
          "reference: op "
              + node.op().name()
              + " has no double loops here ("
              + node
              + "); an op of your own runs here if it is a HostOp too, else use the device cuda or"
              + " sim");
    }
    return kernel;
  }
}
