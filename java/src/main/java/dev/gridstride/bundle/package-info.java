/**
 * One archive with all that Gridstride needs on another machine: a trimmed Java runtime, the jars
 * without what that machine has no use for, and a launcher.
 */
package dev.gridstride.bundle;
