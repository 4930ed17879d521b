/** Benchmarks of what runs on the host. */
package dev.gridstride.bench;
