package dev.gridstride.benchmark;

import java.util.List;
import java.util.function.BiConsumer;
import java.util.stream.Collectors;

/**
 * An op that can be measured.
 *
 * @param op its name, as its record has it
 * @param multiplies whether it multiplies in a precision, and so takes {@code precision}
 * @param keys what a suite may say of it
 * @param draw draws up the op of these sizes
 */
public record Kind(String op, boolean multiplies, List<Key> keys, BiConsumer<Sizes, Draft> draw) {
  /** Copies the list. */
  public Kind {
    keys = List.copyOf(keys);
  }

  /** What can be said of it, in a line. */
  public String usage() {
    String said = keys.stream().map(Key::usage).collect(Collectors.joining(" "));
    return op + " " + said + (multiplies ? " [precision=float32]" : "");
  }

  /** The key that has this name or a part of this name; null if there is none. */
  Key key(String word) {
    for (Key key : keys) {
      if (key.named(word)) {
        return key;
      }
    }
    return null;
  }
}
