package dev.gridstride.backend.cuda.program;

import dev.gridstride.program.Op;

/** Says with which launches an op is computed. */
@FunctionalInterface
interface Lowering<T extends Op> {
  /**
   * Records the launches that compute {@code op} from the emitter's inputs into its outputs, whole:
   * an output holds nothing defined before. An output is never an input at the same time, unless
   * the op is listed as {@link Lowerings#inPlace}.
   *
   * @throws dev.gridstride.backend.BackendException if no kernel takes these shapes or attributes
   */
  void lower(T op, Emitter e);
}
