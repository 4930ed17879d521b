/**
 * The oracle of every test: each op as plain loops, written from its javadoc and sharing no code
 * with other backends. Slow, and never chosen by itself.
 *
 * <p>Within a run everything real is a {@code double}. Persistent float32 values are rounded when a
 * run writes them, so that a run restored from a file goes on with the same numbers. Integers are
 * {@code long}.
 */
package dev.gridstride.backend.reference;
