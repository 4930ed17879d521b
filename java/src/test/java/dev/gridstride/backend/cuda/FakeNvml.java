package dev.gridstride.backend.cuda;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.sun.jna.NativeLibrary;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/** A library with the functions of NVML that are called, whose card does as the test says. */
public final class FakeNvml {
  static final String BUS = "00000000:0a:00.0";
  private static final String SOURCE =
      """
      static unsigned mhz = 1980;
      static unsigned long long reasons[8];
      static int next, count, failure;
      void fake_set(unsigned clock, int status) { mhz = clock; failure = status; }
      void fake_reasons(int which, unsigned long long bits) {
        reasons[which] = bits; next = 0; count = which + 1;
      }
      int nvmlInit_v2(void) { return 0; }
      const char* nvmlErrorString(int status) { return status == 3 ? "Not Supported" : "Not Found"; }
      int nvmlDeviceGetHandleByPciBusId_v2(const char* bus, void** device) {
        for (int i = 0; i < 17; i++) if (bus[i] != "00000000:0a:00.0"[i]) return 6;
        *device = &mhz;
        return 0;
      }
      int nvmlDeviceGetClockInfo(void* device, int clock, unsigned* out) {
        *out = clock == 1 ? mhz : clock == 2 ? 2619 : 0;
        return device == &mhz ? failure : 2;
      }
      int NAME(void* device, unsigned long long* out) {
        *out = next < count ? reasons[next++] : 0;
        return device == &mhz ? 0 : 2;
      }
      """;

  private final Nvml nvml;
  private final NativeLibrary library;

  private FakeNvml(Path file) {
    nvml = Nvml.open(file.toString());
    library = NativeLibrary.getInstance(file.toString());
  }

  /**
   * Compiles and loads it; skips the test where there is no C compiler.
   *
   * @param old whether the function for the reasons has the name that it had before driver 535
   */
  public static FakeNvml load(Path folder, boolean old) throws Exception {
    Path source = Files.writeString(folder.resolve("nvml.c"), SOURCE);
    Path library = folder.resolve("libnvidia-ml.so.1");
    String name =
        old
            ? "nvmlDeviceGetCurrentClocksThrottleReasons"
            : "nvmlDeviceGetCurrentClocksEventReasons";
    try {
      Process gcc =
          new ProcessBuilder(
                  "gcc",
                  "-shared",
                  "-fPIC",
                  "-DNAME=" + name,
                  "-o",
                  library.toString(),
                  source.toString())
              .redirectErrorStream(true)
              .start();
      String out = new String(gcc.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      assertEquals(0, gcc.waitFor(), out);
    } catch (IOException e) {
      assumeTrue(
          false, "skipped, no C compiler (gcc) to build a stand-in of NVML: " + e.getMessage());
    }
    return new FakeNvml(library);
  }

  /** Watches the card. */
  public CardClocks clocks() {
    return CardClocks.of(nvml, BUS);
  }

  Nvml nvml() {
    return nvml;
  }

  /** The clock from now on, and the status with which it is told. */
  void set(int processorMhz, int status) {
    library.getFunction("fake_set").invokeVoid(new Object[] {processorMhz, status});
  }

  /** The reasons that the next looks find; none after those. */
  public void reasons(long... bits) {
    for (int i = 0; i < bits.length; i++) {
      library.getFunction("fake_reasons").invokeVoid(new Object[] {i, bits[i]});
    }
  }
}
