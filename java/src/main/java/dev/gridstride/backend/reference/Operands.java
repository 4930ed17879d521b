package dev.gridstride.backend.reference;

import dev.gridstride.program.Shape;
import java.util.List;

/**
 * What a kernel reads and writes.
 *
 * @param inputs in the order that the op documents
 * @param outputs all zero when the kernel starts, and never the same memory as an input, even where
 *     the op works in place
 */
record Operands(List<Storage> inputs, List<Storage> outputs) {
  double[] in(int i) {
    return inputs.get(i).reals();
  }

  long[] inIntegers(int i) {
    return inputs.get(i).integers();
  }

  Shape inShape(int i) {
    return inputs.get(i).type().shape();
  }

  double[] out(int i) {
    return outputs.get(i).reals();
  }

  long[] outIntegers(int i) {
    return outputs.get(i).integers();
  }

  Shape outShape(int i) {
    return outputs.get(i).type().shape();
  }
}
