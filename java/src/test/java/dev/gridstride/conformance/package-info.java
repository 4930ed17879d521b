/**
 * One suite for every backend: programs with their data ({@link dev.gridstride.conformance.Cases}),
 * run on a backend and on the reference and compared. Only {@code ConformanceTest} and {@code
 * SessionContractTest} know JUnit, so that the cases can be run from elsewhere.
 */
package dev.gridstride.conformance;
