package dev.gridstride.backend.cuda;

import jcuda.driver.CUfunction;

/** A kernel's handle whose number can be read, for calls that JCuda does not bind. */
final class FunctionHandle extends CUfunction {
  long value() {
    return getNativePointer();
  }
}
