/**
 * The interface between programs and what runs them. Implementations are found by {@link
 * java.util.ServiceLoader}; nothing above this package names one.
 */
package dev.gridstride.backend;
