package dev.gridstride.program;

/**
 * A named tensor of a {@link Program}. Two values are the same only if they are one object;
 * persistent values of different programs are the same storage if their names are equal.
 */
public final class Value {
  private final String name;
  private final TensorType type;
  private final Role role;
  private final boolean batched;

  private Value(String name, TensorType type, Role role, boolean batched) {
    this.name = name;
    this.type = type;
    this.role = role;
    this.batched = batched;
  }

  /**
   * A value that belongs to no builder, for passes and backends that add nodes of their own.
   *
   * @param batched see {@link #batched()}
   */
  public static Value of(String name, TensorType type, Role role, boolean batched) {
    return new Value(name, type, role, batched);
  }

  /** Unique within its program, for example {@code conv1.weight}. */
  public String name() {
    return name;
  }

  /** Element type and shape. */
  public TensorType type() {
    return type;
  }

  /** Logical shape. */
  public Shape shape() {
    return type.shape();
  }

  /** What the value is for. */
  public Role role() {
    return role;
  }

  /**
   * Whether dimension 0 counts samples of the batch, so that a backend may compute its rows apart
   * from each other. A weight gradient is not batched even if its first dimension equals the batch
   * size.
   */
  public boolean batched() {
    return batched;
  }

  /** For example {@code conv1.weight: float32[32,3,3,3]}. */
  @Override
  public String toString() {
    return name + ": " + type;
  }
}
