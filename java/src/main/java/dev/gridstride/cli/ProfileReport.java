package dev.gridstride.cli;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.gridstride.backend.Profile;
import java.io.PrintStream;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** A profile of a training step in words and as JSON. */
final class ProfileReport {
  /** All launches of one kernel in a step. */
  private record Kernel(String name, int launches, double nanos) {
    Kernel plus(Profile.Launch launch) {
      return new Kernel(name, launches + 1, nanos + launch.nanos());
    }
  }

  private final Profile profile;
  private final int samples;
  private final List<Kernel> kernels;

  ProfileReport(Profile profile, int samples) {
    this.profile = profile;
    this.samples = samples;
    Map<String, Kernel> byName = new LinkedHashMap<>();
    for (Profile.Step step : profile.steps()) {
      for (Profile.Launch launch : step.launches()) {
        byName.merge(
            launch.kernel(),
            new Kernel(launch.kernel(), 1, launch.nanos()),
            (sum, one) -> sum.plus(launch));
      }
    }
    kernels = new ArrayList<>(byName.values());
    kernels.sort(Comparator.comparingDouble(Kernel::nanos).reversed());
  }

  private double share(double nanos) {
    return nanos / profile.stepNanos();
  }

  void print(PrintStream out) {
    if (!profile.note().isEmpty()) {
      out.println("note: " + profile.note());
    }
    out.println();
    out.println("        us      %  launches   GFLOP/s     GB/s  op, and its kernels");
    for (Profile.Step step : profile.steps()) {
      out.println(
          line(step.nanos(), step.launches().size())
              + rate(step.flops(), step.nanos(), 10)
              + rate(step.bytes(), step.nanos(), 9)
              + "  "
              + title(step));
      step.launches()
          .forEach(
              launch ->
                  out.println(
                      String.format(
                          Locale.ROOT,
                          "%10.1f %6s %9s %10s %8s      %s%s",
                          launch.nanos() / 1e3,
                          "",
                          "",
                          "",
                          "",
                          launch.kernel(),
                          geometry(launch))));
    }
    if (!kernels.isEmpty()) {
      out.println();
      out.println("        us      %  launches  kernel");
      kernels.forEach(
          kernel -> out.println(line(kernel.nanos(), kernel.launches()) + "  " + kernel.name()));
    }
    out.println();
    out.println("        us      %  launches  phase");
    for (Profile.Phase phase : Profile.Phase.values()) {
      out.println(line(profile.nanos(phase), launches(phase)) + "  " + name(phase));
    }
    out.println(line(profile.stepNanos(), profile.launches()) + "  all");
    out.println();
    total(out, profile.replayNanos(), "a step as training runs it");
    out.println(
        String.format(
            Locale.ROOT, "%,12.0f images/s at that rate", samples / (profile.replayNanos() / 1e9)));
    if (Double.isFinite(profile.hostNanos())) {
      total(out, profile.hostNanos(), "of it the host is busy with the launch (median)");
    }
    total(out, profile.runNanos(), "a step with clocks");
  }

  /** The first output and the op, for a table. */
  private static String title(Profile.Step step) {
    String outputs = step.name().split(" = ", 2)[0];
    int comma = outputs.indexOf(", ");
    return step.launches().isEmpty()
        ? step.name()
        : (comma < 0 ? outputs : outputs.substring(0, comma) + ", ...") + " = " + step.op();
  }

  /**
   * How a kernel was launched, as in CUDA's own notation, or what there is to say of the others.
   */
  private static String geometry(Profile.Launch launch) {
    String geometry = launch.geometry();
    return geometry.startsWith("(")
        ? " <<<" + geometry + ">>>"
        : geometry.isEmpty() ? "" : ", " + geometry;
  }

  private int launches(Profile.Phase phase) {
    return profile.steps().stream()
        .filter(step -> step.phase() == phase)
        .mapToInt(step -> step.launches().size())
        .sum();
  }

  private String line(double nanos, int launches) {
    return String.format(
        Locale.ROOT,
        "%10.1f %6.1f %9s",
        nanos / 1e3,
        100 * share(nanos),
        launches == 0 ? "" : "" + launches);
  }

  /** Billions a second, which is one a nanosecond; blank where there is nothing to say. */
  private static String rate(long number, double nanos, int width) {
    return number <= 0 || nanos <= 0
        ? " ".repeat(width)
        : String.format(Locale.ROOT, "%" + width + ".1f", number / nanos);
  }

  private static void total(PrintStream out, double nanos, String what) {
    out.println(String.format(Locale.ROOT, "%,12.1f us %s", nanos / 1e3, what));
  }

  private static String name(Profile.Phase phase) {
    return phase.name().toLowerCase(Locale.ROOT);
  }

  /** Adds the figures; names of fields stay as they are. */
  Report addTo(Report report) {
    ObjectNode root = report.root();
    root.put("note", profile.note());
    root.put("images", samples);
    micros(root, "step_us", profile.replayNanos());
    micros(root, "host_us", profile.hostNanos());
    micros(root, "timed_step_us", profile.runNanos());
    micros(root, "sum_us", profile.stepNanos());
    root.put("launches", profile.launches());
    ArrayNode phases = root.putArray("phases");
    for (Profile.Phase phase : Profile.Phase.values()) {
      ObjectNode node = phases.addObject().put("phase", name(phase));
      time(node, profile.nanos(phase));
      node.put("launches", launches(phase));
    }
    ArrayNode ops = root.putArray("ops");
    for (Profile.Step step : profile.steps()) {
      ObjectNode node = ops.addObject().put("node", step.name()).put("op", step.op());
      node.put("phase", name(step.phase()));
      time(node, step.nanos());
      known(node, "flops", step.flops());
      known(node, "bytes", step.bytes());
      ArrayNode launches = node.putArray("launches");
      for (Profile.Launch launch : step.launches()) {
        ObjectNode entry = launches.addObject().put("kernel", launch.kernel());
        entry.put("geometry", launch.geometry());
        time(entry, launch.nanos());
      }
    }
    ArrayNode list = root.putArray("kernels");
    for (Kernel kernel : kernels) {
      ObjectNode node = list.addObject().put("kernel", kernel.name());
      time(node, kernel.nanos());
      node.put("launches", kernel.launches());
    }
    return report;
  }

  private void time(ObjectNode node, double nanos) {
    micros(node, "us", nanos);
    Report.number(node, "share", share(nanos));
  }

  private static void micros(ObjectNode node, String name, double nanos) {
    Report.number(node, name, nanos / 1e3);
  }

  private static void known(ObjectNode node, String name, long value) {
    if (value == Profile.UNKNOWN) {
      node.putNull(name);
    } else {
      node.put(name, value);
    }
  }
}
