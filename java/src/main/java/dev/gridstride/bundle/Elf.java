package dev.gridstride.bundle;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;

/**
 * What the loader reads of a 64-bit little-endian ELF file: which libraries it needs, and which
 * versions of their symbols.
 *
 * @param needed names of libraries, such as {@code libc.so.6}
 * @param versions names of symbol versions, such as {@code GLIBC_2.34}
 * @param loaded bytes at the beginning of the file that the loader maps; symbols for debuggers and
 *     the table of sections come after them
 */
record Elf(List<String> needed, Set<String> versions, int loaded) {
  private static final byte[] MAGIC = {0x7f, 'E', 'L', 'F', 2, 1};

  // The file's header and its program headers.
  private static final int PROGRAM_HEADERS = 32;
  private static final int SECTION_HEADERS = 40;
  private static final int PROGRAM_HEADER_COUNT = 56;
  private static final int SECTION_HEADER_COUNT = 60;
  private static final int HEADER_BYTES = 64;
  private static final int PROGRAM_HEADER_BYTES = 56;
  private static final int LOAD = 1;
  private static final int DYNAMIC = 2;

  // Entries of the dynamic section.
  private static final long NEEDED = 1;
  private static final long STRINGS = 5;
  private static final long VERSIONS = 0x6ffffffe;
  private static final long VERSION_COUNT = 0x6fffffff;

  /** A part of the file and the address to which it is mapped. */
  private record Segment(long offset, long address, long bytes) {}

  static boolean is(byte[] file) {
    return file.length > HEADER_BYTES
        && Arrays.equals(file, 0, MAGIC.length, MAGIC, 0, MAGIC.length);
  }

  /** Reads a file for which {@link #is} holds. */
  static Elf of(byte[] file) {
    ByteBuffer bytes = ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN);
    List<Segment> loads = new ArrayList<>();
    Segment dynamic = null;
    int at = Math.toIntExact(bytes.getLong(PROGRAM_HEADERS));
    int count = bytes.getShort(PROGRAM_HEADER_COUNT);
    long loaded = at + (long) count * PROGRAM_HEADER_BYTES;
    for (int i = 0; i < count; i++, at += PROGRAM_HEADER_BYTES) {
      Segment segment =
          new Segment(bytes.getLong(at + 8), bytes.getLong(at + 16), bytes.getLong(at + 32));
      loaded = Math.max(loaded, segment.offset + segment.bytes);
      if (bytes.getInt(at) == LOAD) {
        loads.add(segment);
      } else if (bytes.getInt(at) == DYNAMIC) {
        dynamic = segment;
      }
    }
    List<String> needed = new ArrayList<>();
    Set<String> versions = new TreeSet<>();
    if (dynamic != null) {
      readDynamic(bytes, dynamic, loads, needed, versions);
    }
    return new Elf(needed, versions, Math.toIntExact(Math.min(loaded, file.length)));
  }

  private static void readDynamic(
      ByteBuffer bytes,
      Segment dynamic,
      List<Segment> loads,
      List<String> needed,
      Set<String> versions) {
    List<Long> names = new ArrayList<>();
    int strings = 0;
    int versionNeeds = 0;
    long versionCount = 0;
    for (long i = dynamic.offset; i + 16 <= dynamic.offset + dynamic.bytes; i += 16) {
      long tag = bytes.getLong((int) i);
      long value = bytes.getLong((int) i + 8);
      if (tag == NEEDED) {
        names.add(value);
      } else if (tag == STRINGS) {
        strings = offset(loads, value);
      } else if (tag == VERSIONS) {
        versionNeeds = offset(loads, value);
      } else if (tag == VERSION_COUNT) {
        versionCount = value;
      }
    }
    for (long name : names) {
      needed.add(text(bytes, strings + (int) name));
    }
    int library = versionNeeds;
    for (long i = 0; i < versionCount; i++) {
      int symbol = library + bytes.getInt(library + 8);
      for (int k = 0; k < bytes.getShort(library + 2); k++) {
        versions.add(text(bytes, strings + bytes.getInt(symbol + 8)));
        symbol += bytes.getInt(symbol + 12);
      }
      library += bytes.getInt(library + 12);
    }
  }

  private static int offset(List<Segment> loads, long address) {
    for (Segment load : loads) {
      if (address >= load.address && address < load.address + load.bytes) {
        return Math.toIntExact(address - load.address + load.offset);
      }
    }
    throw new IllegalArgumentException("ELF file: address " + address + " is in no segment");
  }

  private static String text(ByteBuffer bytes, int at) {
    int end = at;
    while (bytes.get(end) != 0) {
      end++;
    }
    byte[] text = new byte[end - at];
    bytes.get(at, text);
    return new String(text, StandardCharsets.US_ASCII);
  }

  /** The same file without what only debuggers and linkers read. */
  static byte[] strip(byte[] file) {
    byte[] stripped = Arrays.copyOf(file, of(file).loaded);
    ByteBuffer header = ByteBuffer.wrap(stripped).order(ByteOrder.LITTLE_ENDIAN);
    header.putLong(SECTION_HEADERS, 0);
    header.putShort(SECTION_HEADER_COUNT, (short) 0);
    header.putShort(SECTION_HEADER_COUNT + 2, (short) 0);
    return stripped;
  }
}
