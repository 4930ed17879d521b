/**
 * NVIDIA's libraries beside the project's own kernels: found at run time, done without if absent.
 */
package dev.gridstride.backend.cuda.vendor;
