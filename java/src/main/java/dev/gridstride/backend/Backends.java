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
   * @param backend what opened it
   * @param options with which, to open more sessions
   */
  public record Choice(Session session, String reason, Backend backend, DeviceOptions options) {}

  /** All backends, those that {@code auto} prefers first. */
  public static List<Backend> all() {
    List<Backend> found = new ArrayList<>();
    ServiceLoader.load(Backend.class, Backends.class.getClassLoader()).forEach(found::add);
    found.sort(Comparator.comparingInt(Backend::priority).reversed());
    return found;
  }

  /**
   * Opens the device of this name: a backend's name, with {@code :index} for the second and later
   * devices of a kind, or {@code auto} for the first available in order of priority. Names are
   * {@code cuda}, {@code cpu}, {@code sim} and {@code reference} as far as they are on the class
   * path.
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
      if (parts.length > 1) {
        throw new BackendException(
            "device " + device + ": auto picks by itself; name the device, for example cuda:1");
      }
      return auto(options);
    }
    for (Backend backend : all()) {
      if (backend.name().equals(parts[0])) {
        String problem = backend.unavailableReason();
        if (problem != null) {
          throw new BackendException("device " + device + " is not available: " + problem);
        }
        return choice(backend.open(options), "", backend, options);
      }
    }
    throw new BackendException(
        "unknown device "
            + device
            + "; known: auto, "
            + all().stream().map(Backend::name).collect(Collectors.joining(", "))
            + ", and cuda:1 and so on for further cards");
  }

  private static Choice auto(DeviceOptions options) {
    List<String> reasons = new ArrayList<>();
    List<Backend> candidates = all().stream().filter(backend -> backend.priority() > 0).toList();
    for (Backend backend : candidates) {
      String problem = backend.unavailableReason();
      if (problem == null) {
        Session session = openAsAuto(backend, options, reasons);
        candidates.stream()
            .skip(candidates.indexOf(backend) + 1L)
            .forEach(other -> reasons.add("preferred to " + other.name()));
        reasons.add(0, "auto");
        return choice(session, " (" + String.join("; ", reasons) + ")", backend, options);
      }
      reasons.add("not " + backend.name() + ": " + problem);
    }
    throw new BackendException("no device is available: " + String.join("; ", reasons));
  }

  /** Opens the backend; if an option does not fit it, the error has the reasons for taking it. */
  private static Session openAsAuto(Backend backend, DeviceOptions options, List<String> reasons) {
    try {
      return backend.open(options);
    } catch (BackendException e) {
      String why = reasons.isEmpty() ? "" : " (auto; " + String.join("; ", reasons) + ")";
      throw new BackendException(e.getMessage() + why, e);
    }
  }

  /** The session with its description; closes it if that fails. */
  private static Choice choice(
      Session session, String why, Backend backend, DeviceOptions options) {
    boolean complete = false;
    try {
      Choice choice =
          new Choice(session, "device: " + session.description() + why, backend, options);
      complete = true;
      return choice;
    } finally {
      if (!complete) {
        session.close();
      }
    }
  }

  private static int parseIndex(String device, String digits) {
    try {
      int index = Integer.parseInt(digits);
      if (index >= 0) {
        return index;
      }
    } catch (NumberFormatException e) {
      // Said below, as for a negative one.
    }
    throw new BackendException(
        "device " + device + ": expected NAME or NAME:INDEX with an index from 0, as in cuda:1");
  }
}
