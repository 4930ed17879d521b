package dev.gridstride.peers.common;

import java.util.Locale;
import java.util.StringJoiner;

/** A flat JSON object on one line, its members in the order in which they are put. */
final class JsonLine {

  private final StringJoiner members = new StringJoiner(",", "{", "}");

  /** Adds a string. */
  JsonLine put(String name, String value) {
    return add(name, quote(value));
  }

  /** Adds a whole number. */
  JsonLine put(String name, int value) {
    return add(name, Integer.toString(value));
  }

  /** Adds a number with six decimals, or null; it must be finite, for JSON knows no others. */
  JsonLine put(String name, Double value) {
    return add(name, value == null ? "null" : String.format(Locale.ROOT, "%.6f", value));
  }

  private JsonLine add(String name, String json) {
    members.add(quote(name) + ":" + json);
    return this;
  }

  private static String quote(String text) {
    StringBuilder quoted = new StringBuilder("\"");
    for (char c : text.toCharArray()) {
      if (c == '"' || c == '\\') {
        quoted.append('\\').append(c);
      } else if (c < ' ') {
        quoted.append(String.format("\\u%04x", (int) c));
      } else {
        quoted.append(c);
      }
    }
    return quoted.append('"').toString();
  }

  @Override
  public String toString() {
    return members.toString();
  }
}
