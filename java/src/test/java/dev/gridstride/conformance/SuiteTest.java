package dev.gridstride.conformance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gridstride.backend.Backend;
import dev.gridstride.backend.BackendException;
import dev.gridstride.backend.DeviceOptions;
import dev.gridstride.backend.Executable;
import dev.gridstride.backend.SelfCheck;
import dev.gridstride.backend.Session;
import dev.gridstride.conformance.Suite.Outcome;
import dev.gridstride.conformance.Suite.Verdict;
import dev.gridstride.program.Tensor;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;

/** The suite finds devices that are wrong, that fail, and that are lost. */
class SuiteTest {
  private static final String FILTER = "dense [";

  /** The reference, except for what is done to its sessions. */
  private record Planted(UnaryOperator<Session> change, List<SelfCheck> checks) implements Backend {
    @Override
    public String name() {
      return "planted";
    }

    @Override
    public int priority() {
      return 0;
    }

    @Override
    public String unavailableReason() {
      return null;
    }

    @Override
    public List<SelfCheck> checks(DeviceOptions options) {
      return checks;
    }

    @Override
    public Session open(DeviceOptions options) {
      return change.apply(Device.reference().open());
    }
  }

  private static Backend planted(UnaryOperator<Session> change) {
    return new Planted(change, List.of());
  }

  private static Suite suite(Backend backend) {
    return new Suite(backend, DeviceOptions.DEFAULT, FILTER);
  }

  private static List<Outcome> run(Suite suite) {
    List<Outcome> told = new ArrayList<>();
    List<Outcome> outcomes = suite.run(told::add, () -> false);
    assertEquals(told, outcomes);
    assertEquals(suite.size(), outcomes.size());
    assertTrue(outcomes.size() > 10, "only " + outcomes.size());
    return outcomes;
  }

  /** A session whose executables read through {@code reading}. */
  private static Session reading(Session session, UnaryOperator<Tensor> reading) {
    return intercept(
        Session.class,
        session,
        (name, result) ->
            name.equals("compile")
                ? intercept(
                    Executable.class,
                    result,
                    (called, read) -> called.equals("read") ? reading.apply((Tensor) read) : read)
                : result);
  }

  @FunctionalInterface
  private interface Interception {
    Object of(String method, Object result);
  }

  private static <T> T intercept(Class<T> type, Object target, Interception interception) {
    return type.cast(
        Proxy.newProxyInstance(
            type.getClassLoader(),
            new Class<?>[] {type},
            (proxy, method, args) -> {
              try {
                return interception.of(method.getName(), method.invoke(target, args));
              } catch (InvocationTargetException e) {
                throw e.getCause();
              }
            }));
  }

  @Test
  void theReferencePassesItself() {
    for (Outcome outcome : run(suite(planted(session -> session)))) {
      assertEquals(Verdict.PASSED, outcome.verdict(), outcome.toString());
      assertEquals("", outcome.problem());
      assertEquals(0, outcome.worst().error());
    }
  }

  @Test
  void oneWrongElementFailsAndIsShown() {
    UnaryOperator<Tensor> wrong =
        tensor -> {
          if (tensor.shape().elements() < 2) {
            return tensor;
          }
          float[] values = tensor.floats().clone();
          values[1] += 1;
          return Tensor.of(tensor.shape(), values);
        };
    for (Outcome outcome : run(suite(planted(session -> reading(session, wrong))))) {
      if (outcome.name().startsWith("dense [1,1] to 1")) {
        continue;
      }
      assertEquals(Verdict.FAILED, outcome.verdict(), outcome.name());
      Comparison.Difference worst = outcome.worst();
      assertEquals(1, worst.wrong());
      assertEquals(1, worst.error(), 1e-5);
      assertEquals(worst.expected() + 1, worst.got(), 1e-5);
      assertTrue(outcome.problem().contains("1 of "), outcome.problem());
    }
  }

  @Test
  void aNumberThatIsNoneFails() {
    UnaryOperator<Tensor> none =
        tensor -> {
          float[] values = tensor.floats().clone();
          values[0] = Float.NaN;
          return Tensor.of(tensor.shape(), values);
        };
    for (Outcome outcome : run(suite(planted(session -> reading(session, none))))) {
      assertEquals(Verdict.FAILED, outcome.verdict(), outcome.name());
      assertEquals(Double.POSITIVE_INFINITY, outcome.worst().error());
    }
  }

  @Test
  void anErrorOfTheDeviceDoesNotStopTheOthers() {
    AtomicInteger sessions = new AtomicInteger();
    Backend third =
        planted(
            session -> {
              if (sessions.incrementAndGet() == 3) {
                throw new BackendException("planted: the device failed");
              }
              return session;
            });
    List<Outcome> outcomes = run(suite(third));
    for (int i = 0; i < outcomes.size(); i++) {
      Outcome outcome = outcomes.get(i);
      assertEquals(i == 2 ? Verdict.FAILED : Verdict.PASSED, outcome.verdict(), outcome.name());
    }
    assertEquals("planted: the device failed", outcomes.get(2).problem());
  }

  @Test
  void aLostDeviceIsSaidAndTheRestIsNotRun() {
    AtomicInteger sessions = new AtomicInteger();
    Backend lost =
        planted(
            session -> {
              if (sessions.incrementAndGet() >= 3) {
                throw new BackendException("planted: no context");
              }
              return session;
            });
    List<Outcome> outcomes = run(suite(lost));
    assertEquals(Verdict.PASSED, outcomes.get(1).verdict());
    assertEquals(Verdict.FAILED, outcomes.get(2).verdict());
    for (Outcome outcome : outcomes.subList(3, outcomes.size())) {
      assertEquals(Verdict.NOT_RUN, outcome.verdict(), outcome.name());
      assertTrue(outcome.problem().contains("lost to this process"), outcome.problem());
      assertTrue(outcome.problem().contains("planted: no context"), outcome.problem());
    }
    assertEquals(4, sessions.get(), "one session to find out whether it is lost, and no more");
  }

  @Test
  void itStopsWhenTold() {
    AtomicInteger asked = new AtomicInteger();
    List<Outcome> outcomes =
        suite(planted(session -> session)).run(outcome -> {}, () -> asked.incrementAndGet() > 2);
    assertEquals(2, outcomes.stream().filter(o -> o.verdict() == Verdict.PASSED).count());
    assertEquals(Verdict.NOT_RUN, outcomes.get(2).verdict());
    assertEquals("the suite was stopped", outcomes.get(2).problem());
  }

  @Test
  void whatSessionsPromiseIsChecked() {
    AtomicInteger reads = new AtomicInteger();
    UnaryOperator<Tensor> everyOther =
        tensor -> reads.incrementAndGet() % 2 == 0 ? tensor : Tensor.zeros(tensor.type());
    Backend backend = planted(session -> reading(session, everyOther));
    List<Outcome> outcomes =
        new Suite(backend, DeviceOptions.DEFAULT, "contract").run(outcome -> {}, () -> false);
    assertEquals(Contract.all().size(), outcomes.size());
    Outcome bits =
        outcomes.stream().filter(o -> o.name().contains("another session")).findFirst().get();
    assertEquals(Verdict.FAILED, bits.verdict());
    assertTrue(bits.problem().contains("has other bits in another session"), bits.problem());
  }

  @Test
  void theContractHoldsForEveryDevice() {
    for (Device device : Device.all()) {
      for (Contract check : Contract.all()) {
        assertEquals(List.of(), check.run(device::open), device + ", " + check.title());
      }
    }
  }

  @Test
  void checksOfTheBackendAreRun() {
    SelfCheck good = new SelfCheck("direct: good", "nothing", List::of);
    SelfCheck bad = new SelfCheck("direct: bad", "nothing", () -> List.of("it is bad"));
    Backend backend = new Planted(session -> session, List.of(good, bad));
    List<Outcome> outcomes =
        new Suite(backend, DeviceOptions.DEFAULT, "direct").run(outcome -> {}, () -> false);
    assertEquals(Verdict.PASSED, outcomes.get(0).verdict());
    assertEquals(Verdict.FAILED, outcomes.get(1).verdict());
    assertEquals("it is bad", outcomes.get(1).problem());
  }
}
