package dev.gridstride.backend.cuda.program;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gridstride.backend.Executable;
import dev.gridstride.backend.MemoryUse;
import dev.gridstride.backend.Session;
import dev.gridstride.conformance.Case;
import dev.gridstride.conformance.Cases;
import dev.gridstride.conformance.Device;
import dev.gridstride.program.Program;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What a session says that programs would take, and what they take. */
class PlanTest {
  static List<Device> devices() {
    return Device.all();
  }

  /** Whole nets, and cases of several programs. */
  private static List<List<Program>> programs() {
    List<List<Program>> all = new ArrayList<>();
    for (Case test : Cases.all()) {
      List<Program> programs = test.runs().stream().map(Case.Run::program).distinct().toList();
      if (test.name().startsWith("training") || programs.size() > 1) {
        all.add(programs);
      }
    }
    return all;
  }

  private static MemoryUse minus(MemoryUse after, MemoryUse before) {
    return new MemoryUse(
        after.persistentBytes() - before.persistentBytes(),
        after.programBytes() - before.programBytes(),
        after.allocations() - before.allocations());
  }

  @ParameterizedTest
  @MethodSource("devices")
  void aPlanIsWhatCompilingAdds(Device device) {
    int checked = 0;
    for (List<Program> programs : programs()) {
      try (Session session = device.open()) {
        Executable first = session.compile(programs.get(0));
        MemoryUse before = session.memoryUse();
        List<Program> twice = new ArrayList<>(programs);
        twice.addAll(programs);
        MemoryUse plan = session.plan(twice);
        assertEquals(before, session.memoryUse(), "a plan allocates nothing");
        if (device.backend().name().equals("cpu")) {
          assertTrue(plan.bytes() > 0, "an estimate");
        } else {
          twice.forEach(session::compile);
          assertEquals(plan, minus(session.memoryUse(), before), device + ", " + programs);
        }
        first.close();
        checked++;
      }
    }
    assertTrue(checked > 3, "only " + checked);
  }
}
