package dev.gridstride.backend.cuda;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeMap;

/**
 * What a cubin says of its kernels. It is an ELF file of machine 190; section {@code .nv.info.NAME}
 * holds attributes of a kernel, among them one for each parameter (EIATTR_KPARAM_INFO).
 */
final class Cubin {
  private static final int MACHINE_CUDA = 190;
  private static final int SECTION_SYMBOLS = 2;
  private static final int SYMBOL_FUNCTION = 2;
  private static final int GLOBAL = 1;
  private static final int FORMAT_SIZED = 4;
  private static final int PARAMETER_INFO = 0x17;
  private static final String INFO = ".nv.info.";

  /** Where a parameter lies and how large it is, in bytes. */
  record Parameter(int offset, int bytes) {}

  private final ByteBuffer elf;
  private final Map<String, Map<Integer, Parameter>> kernels = new LinkedHashMap<>();

  private Cubin(byte[] bytes) {
    elf = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    if (elf.getInt(0) != 0x464c457f || elf.getShort(18) != MACHINE_CUDA) {
      throw new IllegalArgumentException("not a cubin");
    }
    for (int i = 0; i < sections(); i++) {
      if (elf.getInt(section(i) + 4) == SECTION_SYMBOLS) {
        symbols(section(i));
      }
    }
    int names = offset(section(elf.getShort(0x3e)));
    for (int i = 0; i < sections(); i++) {
      String name = text(names + elf.getInt(section(i)));
      if (name.startsWith(INFO)) {
        parameters(kernels.get(name.substring(INFO.length())), section(i));
      }
    }
  }

  /** Parameters in their order, by the kernel's name. */
  static Map<String, Map<Integer, Parameter>> kernels(byte[] cubin) {
    return new Cubin(cubin).kernels;
  }

  private void symbols(int section) {
    int names = offset(section(elf.getInt(section + 40)));
    for (int at = offset(section); at < offset(section) + size(section); at += 24) {
      int info = elf.get(at + 4);
      if ((info & 15) == SYMBOL_FUNCTION && info >> 4 == GLOBAL) {
        kernels.put(text(names + elf.getInt(at)), new TreeMap<>());
      }
    }
  }

  private void parameters(Map<Integer, Parameter> found, int section) {
    int at = offset(section);
    int end = at + size(section);
    while (at < end) {
      boolean sized = elf.get(at) == FORMAT_SIZED;
      if (sized && elf.get(at + 1) == PARAMETER_INFO) {
        int bytes = elf.getInt(at + 12) >>> 18;
        found.put((int) elf.getShort(at + 8), new Parameter(elf.getShort(at + 10), bytes));
      }
      at += 4 + (sized ? elf.getShort(at + 2) : 0);
    }
  }

  private int sections() {
    return elf.getShort(0x3c);
  }

  private int section(int i) {
    return (int) elf.getLong(0x28) + i * elf.getShort(0x3a);
  }

  private int offset(int section) {
    return (int) elf.getLong(section + 24);
  }

  private int size(int section) {
    return (int) elf.getLong(section + 32);
  }

  private String text(int at) {
    int end = at;
    while (elf.get(end) != 0) {
      end++;
    }
    return new String(elf.array(), at, end - at, StandardCharsets.UTF_8);
  }
}
