/** Writing files so that they are never found half-written. */
package dev.gridstride.files;
