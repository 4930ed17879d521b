package dev.gridstride.backend.cuda.vendor;

import com.sun.jna.Function;
import com.sun.jna.Memory;
import com.sun.jna.Native;
import com.sun.jna.NativeLibrary;
import com.sun.jna.Pointer;
import com.sun.jna.ptr.PointerByReference;
import dev.gridstride.backend.BackendException;

/** The dynamic linker of this process. */
final class DynamicLinker {
  private static final int RTLD_LAZY = 1;
  private static final int RTLD_NOLOAD = 4;
  private static final int RTLD_DI_LINKMAP = 2;

  private static final Function DLOPEN = call("dlopen");
  private static final Function DLERROR = call("dlerror");

  static {
    // Java asks the linker for its own functions at their first use, which would make the linker
    // forget its last error; so all that reads that error is used once here.
    try (Memory text = new Memory(1)) {
      text.setString(0, "");
      text.getString(0);
    }
    DLERROR.invokeString(new Object[0], false);
  }

  private DynamicLinker() {}

  /** A library that is loaded, until it is closed as often as it was opened. */
  static final class Library {
    private final Pointer handle;

    private Library(Pointer handle) {
      this.handle = handle;
    }

    /** The file that it comes from. */
    String file() {
      PointerByReference map = new PointerByReference();
      if (call("dlinfo").invokeInt(new Object[] {handle, RTLD_DI_LINKMAP, map}) != 0) {
        throw new BackendException("dlinfo failed: " + error());
      }
      // struct link_map begins with an address and the name.
      return map.getValue().getPointer(Native.POINTER_SIZE).getString(0);
    }

    /** A function of it, or null. */
    Function function(String name) {
      Pointer place = (Pointer) call("dlsym").invoke(Pointer.class, new Object[] {handle, name});
      return place == null ? null : Function.getFunction(place);
    }

    void close() {
      call("dlclose").invokeInt(new Object[] {handle});
    }
  }

  /**
   * Loads a library.
   *
   * @param name a file, or a bare name that is looked for as the system does
   * @throws BackendException with the linker's words if that fails
   */
  static Library open(String name) {
    Pointer handle = open(name, RTLD_LAZY);
    if (handle == null) {
      throw new BackendException(error());
    }
    return new Library(handle);
  }

  /** A library of this name that is loaded already, or null. */
  static Library loaded(String name) {
    Pointer handle = open(name, RTLD_LAZY | RTLD_NOLOAD);
    return handle == null ? null : new Library(handle);
  }

  private static Pointer open(String name, int mode) {
    return (Pointer) DLOPEN.invoke(Pointer.class, new Object[] {name, mode});
  }

  private static String error() {
    String text = DLERROR.invokeString(new Object[0], false);
    return text == null ? "the linker gives no reason" : text;
  }

  private static Function call(String name) {
    return NativeLibrary.getProcess().getFunction(name);
  }
}
