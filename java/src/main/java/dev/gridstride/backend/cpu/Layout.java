package dev.gridstride.backend.cpu;

import static org.bytedeco.dnnl.global.dnnl.dnnl_memory_desc_equal;

import dev.gridstride.program.Shape;
import java.util.List;
import org.bytedeco.dnnl.memory;
import org.bytedeco.dnnl.memory.data_type;
import org.bytedeco.dnnl.memory.format_tag;

/**
 * Physical order of a tensor's elements: a format tag that fits any shape of its rank, or, for
 * weights, one fixed descriptor as a primitive chose it.
 */
final class Layout {
  /** Left to the primitive. */
  static final Layout ANY = new Layout("any", List.of(), 0, null);

  /** Row-major. */
  static final Layout PLAIN =
      new Layout(
          "plain",
          List.of(
              format_tag.a,
              format_tag.a,
              format_tag.ab,
              format_tag.abc,
              format_tag.abcd,
              format_tag.abcde,
              format_tag.abcdef),
          1,
          null);

  /** N, H, W, C in memory. */
  static final Layout CHANNELS_LAST = image("nhwc", format_tag.acdb, 0);

  private static final List<Layout> IMAGE_LAYOUTS =
      List.of(
          PLAIN,
          CHANNELS_LAST,
          image("nChw8c", format_tag.aBcd8b, 8),
          image("nChw16c", format_tag.aBcd16b, 16),
          image("nChw4c", format_tag.aBcd4b, 4));

  private final String name;
  private final List<format_tag> tagByRank;
  private final int channelBlock;
  private final memory.desc fixed;

  private Layout(String name, List<format_tag> tagByRank, int channelBlock, memory.desc fixed) {
    this.name = name;
    this.tagByRank = tagByRank;
    this.channelBlock = channelBlock;
    this.fixed = fixed;
  }

  private static Layout image(String name, format_tag tag, int channelBlock) {
    return new Layout(name, List.of(tag, tag, tag, tag, tag), channelBlock, null);
  }

  /** A layout for exactly this descriptor. */
  static Layout fixed(memory.desc desc) {
    return new Layout("blocked", List.of(), 0, new memory.desc(desc));
  }

  /** The layout with a tag that gives this descriptor for this shape, or null. */
  static Layout tagged(memory.desc desc, long... dims) {
    for (Layout layout : dims.length == 4 ? IMAGE_LAYOUTS : List.of(PLAIN)) {
      if (equal(desc, layout.desc(desc.get_data_type(), dims))) {
        return layout;
      }
    }
    return null;
  }

  static boolean equal(memory.desc a, memory.desc b) {
    return dnnl_memory_desc_equal(a.get(), b.get()) != 0;
  }

  /** Channels that lie side by side in memory: 1 if row-major, 0 if all of them or unknown. */
  int channelBlock() {
    return channelBlock;
  }

  boolean any() {
    return this == ANY;
  }

  /** Descriptor of a float32 tensor of these dimensions. */
  memory.desc desc(long... dims) {
    return desc(data_type.f32, dims);
  }

  memory.desc desc(data_type type, long... dims) {
    if (fixed != null) {
      return fixed;
    }
    return new memory.desc(dims, type, any() ? format_tag.any : tagByRank.get(dims.length));
  }

  memory.desc desc(Shape shape) {
    return desc(dims(shape));
  }

  /** Row-major descriptor of the same logical tensor as {@code shape} in this layout. */
  memory.desc plain(Shape shape) {
    if (fixed == null) {
      return PLAIN.desc(shape);
    }
    long[] dims = new long[fixed.get_ndims()];
    fixed.get_dims().get(dims);
    return dims.length <= 4
        ? PLAIN.desc(dims)
        : new memory.desc(dims, data_type.f32, format_tag.abcde);
  }

  /** Size in bytes of a float32 tensor in this layout, with padding. */
  long bytes(Shape shape) {
    return desc(shape).get_size();
  }

  /** Whether a tensor of this shape is the same bytes in both layouts. */
  boolean same(Layout other, Shape shape) {
    if (this == other) {
      return true;
    }
    if (rowMajor(shape) || other.rowMajor(shape)) {
      return rowMajor(shape) && other.rowMajor(shape);
    }
    return equal(desc(shape), other.desc(shape));
  }

  /** Whether a tensor of this shape lies in row-major order, whatever its rank is here. */
  boolean rowMajor(Shape shape) {
    return this == PLAIN || equal(desc(shape), plain(shape));
  }

  /**
   * Whether one reorder leads from here to {@code other}. Not so if both are weights' own layouts
   * and one primitive sees a flattened input where the other sees an image.
   */
  boolean reordersTo(Layout other, Shape shape) {
    return rowMajor(shape)
        || other.rowMajor(shape)
        || desc(shape).get_ndims() == other.desc(shape).get_ndims();
  }

  static long[] dims(Shape shape) {
    if (shape.rank() == 0) {
      return new long[] {1};
    }
    long[] dims = new long[shape.rank()];
    for (int i = 0; i < dims.length; i++) {
      dims[i] = shape.dim(i);
    }
    return dims;
  }

  @Override
  public String toString() {
    return name;
  }
}
