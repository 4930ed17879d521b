package dev.gridstride.benchmark;

import dev.gridstride.backend.Backend;
import dev.gridstride.backend.DeviceOptions;
import dev.gridstride.backend.Executable;
import dev.gridstride.backend.Explanation;
import dev.gridstride.backend.ImplementationChoice;
import dev.gridstride.backend.Session;
import dev.gridstride.backend.UnsupportedOpException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Which implementations a device has of an op, and how to have just that one. */
final class Implementations {
  private static final Set<String> WITH_A_CHOICE = Set.of("cuda", "sim");

  /** Those of the devices with a choice. */
  private static final List<String> ALL =
      List.of(ImplementationChoice.OWN, ImplementationChoice.CUDNN, ImplementationChoice.CUBLAS);

  /**
   * An implementation.
   *
   * @param name as the device has it
   * @param options with which a session uses it and no other
   * @param refusal why it does not take the op; empty if it does
   */
  record Candidate(String name, DeviceOptions options, String refusal) {}

  private final Backend backend;
  private final DeviceOptions options;

  Implementations(Backend backend, DeviceOptions options) {
    this.backend = backend;
    this.options = options;
  }

  static List<String> names(Backend backend) {
    return WITH_A_CHOICE.contains(backend.name()) ? ALL : List.of(backend.name());
  }

  /** All that there are of the op, in the device's order. */
  List<Candidate> of(Problem problem) {
    if (!WITH_A_CHOICE.contains(backend.name())) {
      return List.of(new Candidate(backend.name(), options, ""));
    }
    String op = problem.request().kind().op();
    DeviceOptions own = demanding(op, ImplementationChoice.OWN);
    try (Session session = backend.open(own.withPrecision(problem.request().precision()));
        Executable executable = session.compile(problem.program())) {
      return executable.explanation().rows().get(0).candidates().stream()
          .filter(candidate -> candidate.verdict() != Explanation.Verdict.ABSENT)
          .map(candidate -> candidate(op, candidate))
          .toList();
    } catch (UnsupportedOpException e) {
      return oneByOne(op, problem);
    }
  }

  private Candidate candidate(String op, Explanation.Candidate candidate) {
    boolean refuses = candidate.verdict() == Explanation.Verdict.REFUSED;
    return new Candidate(
        candidate.name(), demanding(op, candidate.name()), refuses ? candidate.detail() : "");
  }

  private List<Candidate> oneByOne(String op, Problem problem) {
    List<Candidate> candidates = new ArrayList<>();
    for (String name : ALL) {
      DeviceOptions one = demanding(op, name);
      String refusal = "";
      try (Session session = backend.open(one.withPrecision(problem.request().precision()))) {
        session.compile(problem.program()).close();
      } catch (UnsupportedOpException e) {
        refusal = e.getMessage();
      }
      candidates.add(new Candidate(name, one, refusal));
    }
    return candidates;
  }

  private DeviceOptions demanding(String op, String name) {
    boolean nondeterministic = options.implementations().nondeterministic();
    return options.withImplementations(
        new ImplementationChoice(ImplementationChoice.OWN, Map.of(op, name), nondeterministic));
  }
}
