package dev.gridstride.backend.cuda;

import java.nio.ByteBuffer;

/**
 * A parameter of a kernel.
 *
 * @param name as declared, empty if not known
 * @param type as declared, without qualifiers, empty if not known
 * @param kind what a caller may pass
 * @param bytes its size; 0 if not known
 * @param alignment what its offset must be a multiple of; 0 if not known
 */
record KernelParameter(String name, String type, Kind kind, int bytes, int alignment) {
  enum Kind {
    POINTER,
    BOOLEAN,
    INTEGER,
    FLOATING,
    /** Passed by its bytes. */
    STRUCTURE,
    /** Only the size is known. */
    UNKNOWN
  }

  static KernelParameter scalar(String name, String type, Kind kind, int bytes) {
    return new KernelParameter(name, type, kind, bytes, bytes);
  }

  /** A parameter of which only the size is known. */
  static KernelParameter unknown(int bytes) {
    int alignment = Math.min(16, Integer.lowestOneBit(bytes));
    return new KernelParameter("", "", Kind.UNKNOWN, bytes, alignment);
  }

  /** Whether an argument fits. */
  boolean takes(Object argument) {
    return switch (kind) {
      case POINTER -> argument instanceof DeviceBuffer;
      case BOOLEAN -> argument instanceof Boolean;
      case INTEGER ->
          switch (bytes) {
            case 1 -> argument instanceof Byte;
            case 2 -> argument instanceof Short || argument instanceof Character;
            case 4 -> argument instanceof Integer;
            default -> argument instanceof Long || argument instanceof Integer;
          };
      case FLOATING ->
          switch (bytes) {
            case 2 -> argument instanceof Short;
            case 4 -> argument instanceof Float;
            default -> argument instanceof Double;
          };
      case STRUCTURE -> argument instanceof ByteBuffer buffer && buffer.remaining() == bytes;
      case UNKNOWN -> size(argument) == bytes;
    };
  }

  /** Bytes that an argument takes by itself; -1 if it can be none. */
  static int size(Object argument) {
    if (argument instanceof DeviceBuffer
        || argument instanceof Long
        || argument instanceof Double) {
      return 8;
    }
    if (argument instanceof Integer || argument instanceof Float) {
      return 4;
    }
    if (argument instanceof Short || argument instanceof Character) {
      return 2;
    }
    if (argument instanceof Byte || argument instanceof Boolean) {
      return 1;
    }
    return argument instanceof ByteBuffer buffer ? buffer.remaining() : -1;
  }

  /** What to pass, for messages. */
  String expected() {
    return switch (kind) {
      case POINTER -> "a DeviceBuffer";
      case BOOLEAN -> "a boolean";
      case INTEGER ->
          switch (bytes) {
            case 1 -> "a byte";
            case 2 -> "a short";
            case 4 -> "an int";
            default -> "a long";
          };
      case FLOATING -> bytes == 2 ? "a short with the bits" : bytes == 4 ? "a float" : "a double";
      case STRUCTURE -> "a ByteBuffer of " + bytes + " bytes";
      case UNKNOWN -> "something of " + bytes + " bytes";
    };
  }

  /** What was passed, for messages. */
  static String got(Object argument) {
    if (argument == null) {
      return "null (the null pointer is DeviceBuffer.NULL)";
    }
    if (argument instanceof DeviceBuffer buffer) {
      return "the buffer " + buffer;
    }
    if (argument instanceof ByteBuffer buffer) {
      return "a ByteBuffer of " + buffer.remaining() + " bytes";
    }
    String type =
        argument instanceof Integer
            ? "int"
            : argument instanceof Number || argument instanceof Boolean
                ? argument.getClass().getSimpleName().toLowerCase(java.util.Locale.ROOT)
                : argument.getClass().getSimpleName();
    return type + " " + argument;
  }

  /** Writes a fitting argument at a place in the packed parameters. */
  static void put(ByteBuffer packed, int at, int bytes, Object argument) {
    if (argument instanceof DeviceBuffer buffer) {
      packed.putLong(at, buffer.address());
    } else if (argument instanceof Integer value) {
      if (bytes == Long.BYTES) {
        packed.putLong(at, value);
      } else {
        packed.putInt(at, value);
      }
    } else if (argument instanceof Long value) {
      packed.putLong(at, value);
    } else if (argument instanceof Float value) {
      packed.putFloat(at, value);
    } else if (argument instanceof Double value) {
      packed.putDouble(at, value);
    } else if (argument instanceof Short value) {
      packed.putShort(at, value);
    } else if (argument instanceof Character value) {
      packed.putChar(at, value);
    } else if (argument instanceof Byte value) {
      packed.put(at, value);
    } else if (argument instanceof Boolean value) {
      packed.put(at, (byte) (value ? 1 : 0));
    } else {
      ByteBuffer source = (ByteBuffer) argument;
      packed.put(at, source, source.position(), source.remaining());
    }
  }

  @Override
  public String toString() {
    if (type.isEmpty()) {
      return bytes + " bytes";
    }
    return name.isEmpty() ? type : type + " " + name;
  }
}
