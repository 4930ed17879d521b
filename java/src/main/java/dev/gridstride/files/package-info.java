/** Writing files so that they are never found half-written, and where a user's files are kept. */
package dev.gridstride.files;
