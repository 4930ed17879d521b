package dev.gridstride.benchmark;

import dev.gridstride.program.Padding2d;
import dev.gridstride.program.Size2d;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** The sizes and attributes of one op: a value for each of its keys. */
public final class Sizes {
  private final List<Key> keys;
  private final Map<String, Object> values;

  private Sizes(List<Key> keys, Map<String, Object> values) {
    this.keys = keys;
    this.values = values;
  }

  /**
   * The values that are said, and for other keys what they are otherwise.
   *
   * @param said texts by the name of a key or part; names that are none of these are passed over
   * @throws BenchmarkException if a text is not of the key's form, or a key without one has none
   */
  static Sizes of(List<Key> keys, Map<String, String> said) {
    Map<String, Object> values = new HashMap<>();
    for (Key key : keys) {
      values.put(key.name(), value(key, said));
    }
    return new Sizes(keys, values);
  }

  private static Object value(Key key, Map<String, String> said) {
    String text = said.getOrDefault(key.name(), key.otherwise());
    boolean whole = !key.parts().isEmpty() && said.keySet().containsAll(key.parts());
    if (text == null && !whole) {
      String parts = key.parts().isEmpty() ? "" : " (or " + String.join(" and ", key.parts()) + ")";
      throw new BenchmarkException(
          key.name() + parts + " is missing: " + key.meaning() + "; expected " + key.expected());
    }
    Object value = parse(key, text == null ? "1" : text);
    for (String part : key.parts()) {
      if (said.containsKey(part)) {
        Integer number = key.parsePart(said.get(part));
        if (number == null) {
          throw new BenchmarkException(
              part + "=" + said.get(part) + ": expected a whole number, part of " + key.name());
        }
        value = key.with(value, part, number);
      }
    }
    return value;
  }

  private static Object parse(Key key, String text) {
    Object value = key.parse(text);
    if (value == null) {
      throw new BenchmarkException(key.name() + "=" + text + ": expected " + key.expected());
    }
    return value;
  }

  /** The same without a flag, whether it has it or not. */
  Sizes without(String flag) {
    Map<String, Object> fewer = new HashMap<>(values);
    fewer.replace(flag, false);
    return new Sizes(keys, fewer);
  }

  int count(String key) {
    return (Integer) get(key);
  }

  Size2d pair(String key) {
    return (Size2d) get(key);
  }

  Padding2d padding() {
    return (Padding2d) get("padding");
  }

  boolean flag(String key) {
    return (Boolean) get(key);
  }

  float number(String key) {
    return ((Double) get(key)).floatValue();
  }

  private Object get(String key) {
    Object value = values.get(key);
    if (value == null) {
      throw new IllegalStateException("no key " + key);
    }
    return value;
  }

  /** The values as a suite says them, without those that need not be said. */
  @Override
  public String toString() {
    StringBuilder text = new StringBuilder();
    for (Key key : keys) {
      Object value = values.get(key.name());
      boolean usual = key.otherwise() != null && value.equals(key.parse(key.otherwise()));
      if (!usual) {
        text.append(text.isEmpty() ? "" : " ").append(key.write(value));
      }
    }
    return text.toString();
  }
}
