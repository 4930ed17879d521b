package dev.gridstride.backend.cpu;

import com.sun.jna.Native;
import com.sun.jna.NativeLibrary;

/**
 * The two calls of libgomp that decide how many threads oneDNN uses. The number belongs to the
 * calling thread, so it is set round each piece of work and put back: with one, oneDNN never waits
 * for others, and so never spins.
 */
final class OpenMp {
  static {
    // oneDNN has loaded the library by now; this finds it by its name.
    Native.register(OpenMp.class, NativeLibrary.getInstance("libgomp.so.1"));
  }

  private OpenMp() {}

  /** Threads that a parallel region of the calling thread may use. */
  static native int omp_get_max_threads();

  /** Sets the number of threads for parallel regions of the calling thread. */
  static native void omp_set_num_threads(int threads);

  /** Runs work on the calling thread with one OpenMP thread. */
  static void single(Runnable work) {
    int before = omp_get_max_threads();
    omp_set_num_threads(1);
    try {
      work.run();
    } finally {
      omp_set_num_threads(before);
    }
  }
}
