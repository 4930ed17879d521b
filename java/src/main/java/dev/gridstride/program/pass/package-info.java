/** Rewrites of programs, one file each. Each takes a program and returns a new one. */
package dev.gridstride.program.pass;
