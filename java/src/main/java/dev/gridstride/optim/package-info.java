/** Optimisers: they add updates of the parameters to a training program. */
package dev.gridstride.optim;
