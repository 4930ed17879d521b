package dev.gridstride.backend.reference;

import dev.gridstride.program.Op;

/** Computes one kind of op. */
@FunctionalInterface
interface Kernel<O extends Op> {
  void run(O op, Operands io);
}
