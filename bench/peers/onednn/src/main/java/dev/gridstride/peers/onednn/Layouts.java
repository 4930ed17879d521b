package dev.gridstride.peers.onednn;

import org.bytedeco.dnnl.memory;

/** Memory descriptors of float32 tensors. */
final class Layouts {

  private Layouts() {}

  /** A layout that the primitive may choose. */
  static memory.desc any(long... dims) {
    return new memory.desc(dims, memory.data_type.f32, memory.format_tag.any);
  }

  /** The layout in which the last dimension is dense and the first is outermost; 1 to 4 dims. */
  static memory.desc plain(long... dims) {
    memory.format_tag tag =
        switch (dims.length) {
          case 1 -> memory.format_tag.a;
          case 2 -> memory.format_tag.ab;
          case 4 -> memory.format_tag.abcd;
          default -> throw new IllegalArgumentException("no plain layout for " + dims.length);
        };
    return new memory.desc(dims, memory.data_type.f32, tag);
  }
}
