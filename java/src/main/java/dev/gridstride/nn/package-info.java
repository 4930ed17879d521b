/** Layers and models: thin descriptions that add ops to programs. */
package dev.gridstride.nn;
