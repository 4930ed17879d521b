package dev.gridstride.backend.reference;

import dev.gridstride.program.op.Adam;
import dev.gridstride.program.op.LearningRate;
import dev.gridstride.program.op.Sgd;

/** Adam, SGD and the learning rate. Attributes are the floats given, widened to double. */
final class OptimizerKernels {
  private OptimizerKernels() {}

  static void adam(Adam op, Operands io) {
    double beta1 = op.beta1();
    double beta2 = op.beta2();
    double t = io.inIntegers(4)[0] + 1.0;
    double lr = io.in(5)[0];
    for (int i = 0; i < io.in(0).length; i++) {
      double w = io.in(0)[i];
      double g = io.in(1)[i];
      double m = beta1 * io.in(2)[i] + (1 - beta1) * g;
      double v = beta2 * io.in(3)[i] + (1 - beta2) * g * g;
      double mHat = m / (1 - Math.pow(beta1, t));
      double vHat = v / (1 - Math.pow(beta2, t));
      io.out(0)[i] = w - lr * (mHat / (Math.sqrt(vHat) + op.epsilon()) + op.weightDecay() * w);
      io.out(1)[i] = m;
      io.out(2)[i] = v;
    }
  }

  static void sgd(Sgd op, Operands io) {
    double momentum = op.momentum();
    double lr = io.in(3)[0];
    for (int i = 0; i < io.in(0).length; i++) {
      double w = io.in(0)[i];
      double g = io.in(1)[i] + op.weightDecay() * w;
      double u = momentum * io.in(2)[i] + g;
      io.out(0)[i] = w - lr * (op.nesterov() ? g + momentum * u : u);
      io.out(1)[i] = u;
    }
  }

  static void learningRate(LearningRate op, Operands io) {
    io.out(0)[0] = op.schedule().at(io.inIntegers(0)[0]) * io.in(1)[0];
  }
}
