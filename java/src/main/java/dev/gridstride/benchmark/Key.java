package dev.gridstride.benchmark;

import dev.gridstride.program.Padding2d;
import dev.gridstride.program.Size2d;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Something that a suite says of an op, such as {@code n=64} or {@code kernel=3x3}.
 *
 * @param name before the equals sign
 * @param form of its values
 * @param otherwise its value where nothing is said; null if something must be said
 * @param meaning for the user
 * @param parts names of height and width by themselves; empty if there are none
 */
public record Key(String name, Form form, String otherwise, String meaning, List<String> parts) {
  /** How values are written. */
  public enum Form {
    /** A whole number of at least 1; {@code 4Ki} is 4096, {@code 2Mi} is 2 * 1048576. */
    COUNT("a whole number from 1, such as 64, 4Ki or 2Mi"),
    /** {@code 3x5} is 3 high and 5 wide, {@code 3} is {@code 3x3}. */
    PAIR("a number for both or HEIGHTxWIDTH, each from 1, such as 3 or 3x5"),
    /** {@code 1}, {@code 1x2} (height and width) or {@code 0x0x1x1} (top, left, bottom, right). */
    PADDING(
        "a number for all sides, HEIGHTxWIDTH or TOPxLEFTxBOTTOMxRIGHT, each from 0, such as 1,"
            + " 1x2 or 0x0x1x1"),
    /** {@code yes} or {@code no}; the key alone is yes. */
    FLAG("yes or no; the key alone is yes"),
    /** A decimal number. */
    NUMBER("a number, such as 0.5");

    private final String expected;

    Form(String expected) {
      this.expected = expected;
    }
  }

  private static final Pattern COUNT = Pattern.compile("([0-9]{1,10})(Ki|Mi|Gi)?");
  private static final List<String> UNITS = List.of("Ki", "Mi", "Gi");

  /** Copies the list. */
  public Key {
    parts = List.copyOf(parts);
  }

  static Key count(String name, String meaning) {
    return new Key(name, Form.COUNT, null, meaning, List.of());
  }

  static Key pair(String name, String otherwise, String meaning, String height, String width) {
    return new Key(name, Form.PAIR, otherwise, meaning, List.of(height, width));
  }

  static Key padding() {
    return new Key(
        "padding", Form.PADDING, "0", "zeros round the image; ph, pw alone", List.of("ph", "pw"));
  }

  static Key flag(String name, String meaning) {
    return new Key(name, Form.FLAG, "no", meaning, List.of());
  }

  static Key number(String name, String otherwise, String meaning) {
    return new Key(name, Form.NUMBER, otherwise, meaning, List.of());
  }

  /** This key, which need not be said. */
  Key or(String value) {
    return new Key(name, form, value, meaning, parts);
  }

  /** Whether {@code word} names this key or one of its parts. */
  boolean named(String word) {
    return name.equals(word) || parts.contains(word);
  }

  /** How it is said; in brackets, with what it is otherwise, if it need not be. */
  String usage() {
    if (form == Form.FLAG) {
      return "[" + name + "]";
    }
    String number = form == Form.PAIR ? "HxW" : "N";
    return otherwise == null ? name + "=" + number : "[" + name + "=" + otherwise + "]";
  }

  /** How a value is written: what to tell those who wrote it otherwise. */
  String expected() {
    return form.expected;
  }

  /**
   * The value that a text stands for: Integer, {@link Size2d}, {@link Padding2d}, Boolean or
   * Double.
   *
   * @return null if the text is not of this form
   */
  Object parse(String text) {
    return switch (form) {
      case COUNT -> count(text, 1);
      case PAIR -> {
        int[] numbers = numbers(text, 1);
        yield switch (numbers.length) {
          case 1 -> Size2d.of(numbers[0]);
          case 2 -> new Size2d(numbers[0], numbers[1]);
          default -> null;
        };
      }
      case PADDING -> {
        int[] numbers = numbers(text, 0);
        yield switch (numbers.length) {
          case 1 -> Padding2d.of(numbers[0]);
          case 2 -> Padding2d.of(numbers[0], numbers[1]);
          case 4 -> new Padding2d(numbers[0], numbers[1], numbers[2], numbers[3]);
          default -> null;
        };
      }
      case FLAG -> text.equals("yes") ? Boolean.TRUE : text.equals("no") ? Boolean.FALSE : null;
      case NUMBER -> number(text);
    };
  }

  /** The value of a part by itself; null if the text is no such number. */
  Integer parsePart(String text) {
    return count(text, form == Form.PADDING ? 0 : 1);
  }

  /** The value with one of its parts replaced. */
  Object with(Object value, String part, int number) {
    boolean height = parts.indexOf(part) == 0;
    if (value instanceof Padding2d padding) {
      return height
          ? new Padding2d(number, padding.left(), number, padding.right())
          : new Padding2d(padding.top(), number, padding.bottom(), number);
    }
    Size2d size = (Size2d) value;
    return height ? new Size2d(number, size.width()) : new Size2d(size.height(), number);
  }

  /** As {@link #parse} reads it. */
  String write(Object value) {
    if (value instanceof Boolean flag) {
      return flag ? name : name + "=no";
    }
    if (value instanceof Padding2d p) {
      boolean even = p.top() == p.bottom() && p.left() == p.right();
      return name
          + "="
          + (even
              ? p.top() + "x" + p.left()
              : p.top() + "x" + p.left() + "x" + p.bottom() + "x" + p.right());
    }
    return name + "=" + value;
  }

  private static Integer count(String text, int least) {
    Matcher matcher = COUNT.matcher(text);
    if (!matcher.matches()) {
      return null;
    }
    long value = Long.parseLong(matcher.group(1));
    if (matcher.group(2) != null) {
      value <<= 10 * (1 + UNITS.indexOf(matcher.group(2)));
    }
    return value >= least && value <= Integer.MAX_VALUE ? (int) value : null;
  }

  /** Numbers with an x between them; none if one of them is none. */
  private static int[] numbers(String text, int least) {
    String[] words = text.split("x", -1);
    int[] numbers = new int[words.length];
    for (int i = 0; i < words.length; i++) {
      Integer number = count(words[i], least);
      if (number == null) {
        return new int[0];
      }
      numbers[i] = number;
    }
    return numbers;
  }

  private static Double number(String text) {
    try {
      double value = Double.parseDouble(text);
      return Double.isFinite(value) ? value : null;
    } catch (NumberFormatException e) {
      return null;
    }
  }
}
