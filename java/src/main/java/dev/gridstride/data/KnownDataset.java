package dev.gridstride.data;

import dev.gridstride.program.Shape;

/**
 * What is known of a public data set without having it.
 *
 * @param name what {@link Datasets#load} calls it
 * @param title what people call it
 * @param classes number of classes
 * @param sampleShape [channels, height, width]
 * @param trainSize number of training samples
 * @param testSize number of test samples
 * @param home its page
 * @param licence its licence, as far as its authors state one
 */
public record KnownDataset(
    String name,
    String title,
    int classes,
    Shape sampleShape,
    int trainSize,
    int testSize,
    String home,
    String licence) {}
