/**
 * Programs on a CUDA device: each op becomes launches of this project's kernels ({@link
 * dev.gridstride.backend.cuda.program.Lowering}, one class a kernel file), recorded once when a
 * program is compiled and replayed in node order on one stream.
 *
 * <p>Layout: a value of logical rank 4 [N,C,H,W] is stored channels-last, [N,H,W,C]; convolution
 * weights, image data sets and argmax included. Values of any other rank are stored row-major, as
 * they are. The host converts when it writes and reads.
 *
 * <p>Nothing here asks whether the device is a card or simulated, except where {@link
 * dev.gridstride.backend.cuda.program.CudaBackend} and {@link
 * dev.gridstride.backend.cuda.program.SimulatedBackend} choose the device.
 */
package dev.gridstride.backend.cuda.program;
