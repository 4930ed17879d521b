/**
 * The kernel benchmark: suites of ops and sizes as text, each op a program of one node, every
 * implementation that a device has of it checked against the reference and then timed, and the rows
 * that come out of it as JSON, CSV, Markdown and a page with charts, to read and to compare.
 */
package dev.gridstride.benchmark;
