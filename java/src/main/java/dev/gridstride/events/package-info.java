/**
 * What the library tells Java's flight recorder and NVIDIA's profilers while it works: events of
 * {@code jdk.jfr}, named {@code dev.gridstride.*}, and NVTX ranges. Where nobody records, they cost
 * a look at a flag and make no objects.
 */
package dev.gridstride.events;
