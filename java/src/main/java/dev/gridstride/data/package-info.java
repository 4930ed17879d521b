/**
 * Data sets: where they are found, how they are read, checked and split.
 *
 * <p>{@link dev.gridstride.data.Datasets} is the door. Every reader checks sizes against the file
 * before it allocates and either returns all of the data or throws a {@link
 * dev.gridstride.data.DataException} that names the file, what was expected and what was got.
 */
package dev.gridstride.data;
