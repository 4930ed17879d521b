/**
 * Programs on a CUDA device: each op becomes launches of this project's kernels ({@link
 * dev.gridstride.backend.cuda.program.Lowering}, one class a kernel file), recorded once when a
 * program is compiled, as a graph that every run replays with one launch on one stream. Nothing on
 * the host changes from run to run: counters, rates, orders and seeds are values on the device.
 *
 * <p>Layout: a value of logical rank 4 [N,C,H,W] is stored channels-last, [N,H,W,C]; convolution
 * weights, image data sets and argmax included. Values of any other rank are stored row-major, but
 * for one case: the weight [N,C*H*W] of a dense layer that reads images, with its gradient and its
 * moments, has its columns in the order H, W, C ({@link
 * dev.gridstride.backend.cuda.program.StoredShapes}). The host converts when it writes and reads.
 *
 * <p>Memory of a session: parameters, states and gradients lie in one block each a program that
 * brings them ({@link dev.gridstride.backend.cuda.program.Persistents}); what programs compute on
 * the way lies in a workspace that they share; outputs and constants are each program's own. {@link
 * dev.gridstride.backend.Session#plan} says what a program would add.
 *
 * <p>Data sets lie on the device where there is room for them beside the program ({@link
 * dev.gridstride.backend.cuda.program.DataPlacement}). Others stay on the host and stream: the rows
 * that the next runs fetch are copied ahead of them, through two pinned buffers on a stream of
 * their own, into a ring from which the same kernel fetches ({@link
 * dev.gridstride.backend.cuda.program.RowRing}). The host knows them in advance, since the order is
 * a pure function of seed and position, and the position is what was written plus the increments
 * since ({@link dev.gridstride.backend.cuda.program.Cursors}).
 *
 * <p>Nothing here asks whether the device is a card or simulated, except where {@link
 * dev.gridstride.backend.cuda.program.CudaBackend} and {@link
 * dev.gridstride.backend.cuda.program.SimulatedBackend} choose the device.
 */
package dev.gridstride.backend.cuda.program;
