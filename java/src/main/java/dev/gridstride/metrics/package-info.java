/** What a trained model is judged by: the confusion matrix and all that follows from it, top k. */
package dev.gridstride.metrics;
