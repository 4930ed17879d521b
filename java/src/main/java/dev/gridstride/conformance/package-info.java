/**
 * One suite for every backend: programs with their data ({@link dev.gridstride.conformance.Cases}),
 * run on a backend and on the reference and compared. {@code gridstride selftest} runs it on the
 * device at hand; the tests run it on every device.
 */
package dev.gridstride.conformance;
