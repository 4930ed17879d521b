package dev.gridstride.backend;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.ServiceLoader;
import java.util.stream.Collectors;

/** Looks backends up by the name a user gives: {@code auto}, {@code cpu}, {@code cuda:1}. */
public final class Backends {
  private Backends() {}

  /**
   * A device that was chosen and opened.
   *
   * @param session the open device
   * @param reason one line that says what was chosen, and why if the user did not name it
   */
  public record Choice(Session session, String reason) {}

  /** All backends, those that {@code auto} prefers first. */
  public static List<Backend> all() {
    List<Backend> found = new ArrayList<>();
    ServiceLoader.load(Backend.class, Backends.class.getClassLoader()).forEach(found::add);
    found.sort(Comparator.comparingInt(Backend::priority).reversed());
    return found;
  }

  /**
   * Opens the device of this name: a backend's name, with {@code :index} for the second and later
   * devices of a kind, or {@code auto} for the first available in order of priority.
   *
   * @param threads as in {@link DeviceOptions}
   * @throws BackendException if the name is unknown or the device is not available; it is never
   *     replaced by another
   */
  public static Choice open(String device, int threads) {
    return open(device, DeviceOptions.DEFAULT.withThreads(threads));
  }

  /**
   * As {@link #open(String, int)}.
   *
   * @param wanted all but the index, which the name says
   */
  public static Choice open(String device, DeviceOptions wanted) {
    String[] parts = device.toLowerCase(Locale.ROOT).split(":", 2);
    int index = parts.length == 1 ? 0 : parseIndex(device, parts[1]);
    DeviceOptions options = wanted.withIndex(index);
    if (parts[0].equals("auto")) {
      return auto(options);
    }
    for (Backend backend : all()) {
      if (backend.name().equals(parts[0])) {
        String problem = backend.unavailableReason();
        if (problem != null) {
          throw new BackendException("device " + device + " is not available: " + problem);
        }
        Session session = backend.open(options);
        return new Choice(session, "device: " + session.description());
      }
    }
    throw new BackendException(
        "unknown device "
            + device
            + "; known: auto, "
            + all().stream().map(Backend::name).collect(Collectors.joining(", ")));
  }

  private static Choice auto(DeviceOptions options) {
    List<String> refused = new ArrayList<>();
    for (Backend backend : all()) {
      if (backend.priority() <= 0) {
        continue;
      }
      String problem = backend.unavailableReason();
      if (problem == null) {
        Session session = backend.open(options);
        String why = refused.isEmpty() ? "" : "; " + String.join("; ", refused);
        return new Choice(session, "device: " + session.description() + " (auto" + why + ")");
      }
      refused.add("not " + backend.name() + ": " + problem);
    }
    throw new BackendException("no device is available: " + String.join("; ", refused));
  }

  private static int parseIndex(String device, String digits) {
    try {
      return Integer.parseInt(digits);
    } catch (NumberFormatException e) {
      throw new BackendException("device " + device + ": expected NAME or NAME:INDEX", e);
    }
  }
}
