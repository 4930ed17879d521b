/**
 * A model as a static program: an ordered list of ops over named values.
 *
 * <p>Ops live in {@link dev.gridstride.program.op}, rewrites in {@link
 * dev.gridstride.program.pass}. Nothing here computes; a {@linkplain dev.gridstride.backend
 * backend} compiles a program and runs it.
 */
package dev.gridstride.program;
