package dev.gridstride.data;

/**
 * What a reader returns.
 *
 * @param train training samples
 * @param test test samples
 */
record Parts(Dataset train, Dataset test) {}
