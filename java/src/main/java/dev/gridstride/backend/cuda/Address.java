package dev.gridstride.backend.cuda;

import jcuda.driver.CUdeviceptr;

/** A device address whose number can be read. */
final class Address extends CUdeviceptr {
  /** Null, for the driver to fill in. */
  Address() {}

  Address(CUdeviceptr base, long offset) {
    super(base, offset);
  }

  long value() {
    return getNativePointer() + getByteOffset();
  }
}
