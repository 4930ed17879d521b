/**
 * The oracle of every test: each op as plain loops, written from its javadoc and sharing no code
 * with other backends. Slow, and never chosen by itself.
 *
 * <p>All float32 and float64 values are kept as {@code double}, inside a run and between runs;
 * nothing is rounded to float before the caller reads it. Integers are kept as {@code long}.
 */
package dev.gridstride.backend.reference;
