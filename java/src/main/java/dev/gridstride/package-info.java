/** Gridstride: CUDA kernels for Java, with a thin layer API and a oneDNN CPU backend. */
package dev.gridstride;
