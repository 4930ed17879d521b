package dev.gridstride.nn;

import dev.gridstride.program.Philox;
import dev.gridstride.program.ProgramException;
import dev.gridstride.program.Shape;
import java.util.Arrays;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The initialisers. Random ones draw element {@code i} from {@link Philox} under the parameter's
 * seed: uniform ones from counter ({@code i / 4}, 0), word {@code i % 4}; normal ones by Box and
 * Muller's method from the two words {@code 2 * (i / 2 % 2)} and the next of counter ({@code i /
 * 4}, 0), the cosine for even {@code i} and the sine for odd.
 */
public final class Initializers {
  private static final Pattern WITH_NUMBER = Pattern.compile("(\\w+)\\(([^()]+)\\)");

  private Initializers() {}

  /**
   * Uniform in [-a, a) with {@code a = sqrt(6 / (fanIn + fanOut))} (Glorot and Bengio, 2010): the
   * default for weights, as in Keras. PyTorch's default is uniform with {@code a = 1 /
   * sqrt(fanIn)}.
   */
  public static Initializer glorotUniform() {
    return new Scaled("glorot_uniform", true, false);
  }

  /**
   * Normal with standard deviation {@code sqrt(2 / (fanIn + fanOut))}; not truncated at two
   * deviations, as Keras's is.
   */
  public static Initializer glorotNormal() {
    return new Scaled("glorot_normal", false, false);
  }

  /** Uniform in [-a, a) with {@code a = sqrt(6 / fanIn)} (He et al., 2015). */
  public static Initializer heUniform() {
    return new Scaled("he_uniform", true, true);
  }

  /**
   * Normal with standard deviation {@code sqrt(2 / fanIn)}; not truncated at two deviations, as
   * Keras's is.
   */
  public static Initializer heNormal() {
    return new Scaled("he_normal", false, true);
  }

  /** All 0; the default for biases. */
  public static Initializer zeros() {
    return new Constant(0);
  }

  /** All 1. */
  public static Initializer ones() {
    return new Constant(1);
  }

  /** All {@code value}. */
  public static Initializer constant(float value) {
    return new Constant(value);
  }

  /**
   * A weight that hands channels through: 1 where output channel equals input channel, at the
   * middle tap {@code (KH / 2, KW / 2)} of a convolution, and 0 elsewhere. Channels without a
   * partner get or give nothing.
   */
  public static Initializer identity() {
    return identity(1);
  }

  /** As {@link #identity()}, within each of {@code groups} groups of a convolution. */
  public static Initializer identity(int groups) {
    return new Identity(groups);
  }

  /**
   * The initialiser whose {@code toString} is {@code text}: {@code glorot_uniform}, {@code
   * glorot_normal}, {@code he_uniform}, {@code he_normal}, {@code zeros}, {@code ones}, {@code
   * constant(0.1)}, {@code identity}, {@code identity(4)}.
   *
   * @throws ProgramException if there is none
   */
  public static Initializer parse(String text) {
    List<Initializer> plain =
        List.of(
            glorotUniform(), glorotNormal(), heUniform(), heNormal(), zeros(), ones(), identity());
    for (Initializer candidate : plain) {
      if (candidate.toString().equals(text)) {
        return candidate;
      }
    }
    Matcher matcher = WITH_NUMBER.matcher(text);
    try {
      if (matcher.matches() && matcher.group(1).equals("constant")) {
        return constant(Float.parseFloat(matcher.group(2)));
      }
      if (matcher.matches() && matcher.group(1).equals("identity")) {
        return identity(Integer.parseInt(matcher.group(2)));
      }
    } catch (NumberFormatException e) {
      throw new ProgramException("initializer: expected a number in " + text);
    }
    throw new ProgramException(
        "initializer: unknown "
            + text
            + "; known: "
            + plain
            + ", constant(VALUE), identity(GROUPS)");
  }

  private record Scaled(String name, boolean uniform, boolean fanInOnly) implements Initializer {
    @Override
    public float[] values(Shape shape, long seed) {
      double fans = fanInOnly ? fanIn(shape) : fanIn(shape) + fanOut(shape);
      double deviation = Math.sqrt(2 / fans);
      float[] values = new float[Math.toIntExact(shape.elements())];
      for (int i = 0; i < values.length; i++) {
        double standard = uniform ? Math.sqrt(3) * symmetric(seed, i) : normal(seed, i);
        values[i] = (float) (deviation * standard);
      }
      return values;
    }

    private static double symmetric(long seed, int i) {
      return 2.0 * Philox.uniform(Philox.word(seed, i / 4, 0, i % 4)) - 1;
    }

    private static double normal(long seed, int i) {
      int first = i % 4 & 2;
      double u = 1 - (double) Philox.uniform(Philox.word(seed, i / 4, 0, first));
      double v = Philox.uniform(Philox.word(seed, i / 4, 0, first + 1));
      double radius = StrictMath.sqrt(-2 * StrictMath.log(u));
      double angle = 2 * Math.PI * v;
      return radius * (i % 2 == 0 ? StrictMath.cos(angle) : StrictMath.sin(angle));
    }

    private static double fanIn(Shape shape) {
      return shape.rank() == 1 ? shape.dim(0) : shape.elementsPerRow();
    }

    private static double fanOut(Shape shape) {
      return shape.rank() < 2 ? shape.elements() : (double) shape.elements() / shape.dim(1);
    }

    @Override
    public String toString() {
      return name;
    }
  }

  private record Constant(float value) implements Initializer {
    Constant {
      if (!Float.isFinite(value)) {
        throw new ProgramException("initializer: constant must be finite, got " + value);
      }
    }

    @Override
    public float[] values(Shape shape, long seed) {
      float[] values = new float[Math.toIntExact(shape.elements())];
      Arrays.fill(values, value);
      return values;
    }

    @Override
    public String toString() {
      return value == 0 ? "zeros" : value == 1 ? "ones" : "constant(" + value + ")";
    }
  }

  private record Identity(int groups) implements Initializer {
    Identity {
      if (groups < 1) {
        throw new ProgramException("initializer: groups must be at least 1, got " + groups);
      }
    }

    @Override
    public float[] values(Shape shape, long seed) {
      boolean convolution = shape.rank() == 4;
      if ((!convolution && shape.rank() != 2) || shape.dim(0) % groups != 0) {
        throw new ProgramException(
            "initializer: " + this + " needs a weight [O,K] or [O,C/G,KH,KW], got " + shape);
      }
      int taps = convolution ? shape.dim(2) * shape.dim(3) : 1;
      int middle = convolution ? shape.dim(2) / 2 * shape.dim(3) + shape.dim(3) / 2 : 0;
      int outPerGroup = shape.dim(0) / groups;
      float[] values = new float[Math.toIntExact(shape.elements())];
      for (int group = 0; group < groups; group++) {
        for (int c = 0; c < Math.min(outPerGroup, shape.dim(1)); c++) {
          int row = group * outPerGroup + c;
          values[(row * shape.dim(1) + c) * taps + middle] = 1;
        }
      }
      return values;
    }

    @Override
    public String toString() {
      return groups == 1 ? "identity" : "identity(" + groups + ")";
    }
  }
}
