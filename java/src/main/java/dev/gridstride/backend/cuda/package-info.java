/**
 * The CUDA driver from Java: devices, contexts, streams, events, memory, modules, kernels and
 * graphs, on a card or on the simulated device. Usable by itself, without programs or layers: load
 * a {@code .cu} file of your own with {@link dev.gridstride.backend.cuda.CudaContext#compile},
 * launch it on buffers of your own.
 *
 * <p>Every status is checked. A wrong argument is an {@link IllegalArgumentException}, something
 * used after it was closed an {@link IllegalStateException}, a range outside a buffer an {@link
 * IndexOutOfBoundsException}, all of them before anything runs; a call that the driver refuses is a
 * {@link dev.gridstride.backend.cuda.CudaException}. Kernels and asynchronous copies run later than
 * the call that asks for them, so their errors can surface in a later call.
 *
 * <p>What owns native memory is {@link AutoCloseable}. Closing twice does nothing, and closing
 * never throws: what goes wrong is logged. What is never closed is freed with its context and
 * reported in the log.
 *
 * <p>Only this package and {@code vendor} name JCuda.
 */
package dev.gridstride.backend.cuda;
