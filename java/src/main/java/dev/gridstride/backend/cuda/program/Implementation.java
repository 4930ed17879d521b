package dev.gridstride.backend.cuda.program;

import dev.gridstride.program.Op;

/**
 * One way to compute an op.
 *
 * @param name {@code own}, {@code cudnn} or {@code cublas}, see {@link
 *     dev.gridstride.backend.ImplementationChoice}
 * @param inPlace whether an output may be an input at the same time
 */
record Implementation(String name, Lowering<Op> lowering, boolean inPlace) {}
