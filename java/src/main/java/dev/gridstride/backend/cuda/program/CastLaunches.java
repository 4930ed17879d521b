package dev.gridstride.backend.cuda.program;

import dev.gridstride.backend.cuda.Dim;
import dev.gridstride.program.DataType;
import dev.gridstride.program.op.Cast;

/** Launches of {@code cast.cu}: between float32 and bfloat16. */
final class CastLaunches {
  private static final String FILE = "cast";

  private CastLaunches() {}

  static void cast(Cast op, Emitter e) {
    if (op.to() == DataType.BFLOAT16) {
      toBfloat16(e, e.out(0), e.in(0), e.inElements(0));
    } else {
      toFloat32(e, e.out(0), e.in(0), e.inElements(0));
    }
  }

  /** {@code count} elements, rounded to nearest, ties to even. */
  static void toBfloat16(Emitter e, Place bfloat16, Place float32, long count) {
    e.launch(FILE, "cast_f32_to_bf16", grid(count), Blocks.ALL, 0, bfloat16, float32, count);
  }

  /** {@code count} elements, exactly. */
  static void toFloat32(Emitter e, Place float32, Place bfloat16, long count) {
    e.launch(FILE, "cast_bf16_to_f32", grid(count), Blocks.ALL, 0, float32, bfloat16, count);
  }

  private static Dim grid(long count) {
    return Dim.of(Dim.ceilDiv(count, 2048));
  }
}
