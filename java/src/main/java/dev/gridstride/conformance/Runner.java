package dev.gridstride.conformance;

import dev.gridstride.backend.Executable;
import dev.gridstride.backend.Session;
import dev.gridstride.program.Node;
import dev.gridstride.program.Tensor;
import dev.gridstride.program.Value;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Runs a case in a session. */
public final class Runner {
  private static final String SEPARATOR = ": ";

  private Runner() {}

  /**
   * All results: each output after each run, and at the end each persistent value that a node
   * writes.
   */
  public static Map<String, Tensor> run(Case test, Session session) {
    Map<String, Tensor> results = new LinkedHashMap<>();
    List<Executable> executables = new ArrayList<>();
    test.runs().forEach(run -> executables.add(session.compile(run.program())));
    test.data().forEach(session::write);
    for (int i = 0; i < executables.size(); i++) {
      for (int time = 0; time < test.runs().get(i).times(); time++) {
        executables.get(i).run();
        for (Value output : test.runs().get(i).program().outputs()) {
          String when = "program " + i + ", run " + time;
          results.put(when + SEPARATOR + output.name(), executables.get(i).read(output));
        }
      }
    }
    for (Case.Run run : test.runs()) {
      for (Node node : run.program().nodes()) {
        for (Value target : node.outputs()) {
          if (target.role().persistent()) {
            results.put("at the end" + SEPARATOR + target.name(), session.read(target));
          }
        }
      }
    }
    executables.forEach(Executable::close);
    return results;
  }

  /** The value's name in a key of the results. */
  static String valueName(String key) {
    return key.substring(key.indexOf(SEPARATOR) + SEPARATOR.length());
  }
}
