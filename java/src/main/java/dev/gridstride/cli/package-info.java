/** The command line: {@code gridstride train}, {@code evaluate}, {@code predict} and the others. */
package dev.gridstride.cli;
