/**
 * The oracle of every test: each op as plain loops, written from its javadoc and sharing no code
 * with other backends. Slow, and never chosen by itself.
 *
 * <p>All float32 and float64 values are kept as {@code double}, inside a run and between runs;
 * nothing is rounded to float before the caller reads it. So what is read, saved and written back
 * loses digits, and a run resumed that way is near to an uninterrupted one but not the same.
 * Integers are kept as {@code long}.
 */
package dev.gridstride.backend.reference;
