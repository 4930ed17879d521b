package dev.gridstride.conformance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.fail;
import static org.junit.jupiter.api.Assumptions.abort;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import dev.gridstride.backend.Backends;
import dev.gridstride.backend.Session;
import dev.gridstride.program.Op;
import dev.gridstride.program.Tensor;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicContainer;
import org.junit.jupiter.api.DynamicNode;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/**
 * Every case on every device, against the reference. {@code -Dgridstride.case=TEXT} runs only the
 * cases whose name contains the text.
 */
class ConformanceTest {
  private static final String FILTER = "gridstride.case";

  private final Map<String, Map<String, Tensor>> expected = new HashMap<>();

  @TestFactory
  Stream<DynamicNode> everyDevice() {
    String wanted = System.getProperty(FILTER, "");
    List<Case> cases = Cases.all().stream().filter(test -> test.name().contains(wanted)).toList();
    Stream<DynamicNode> here =
        Device.all().stream()
            .map(
                device ->
                    DynamicContainer.dynamicContainer(
                        device.toString(),
                        cases.stream()
                            .map(
                                test ->
                                    DynamicTest.dynamicTest(
                                        test.name(), () -> compare(device, test)))));
    return Stream.concat(here, missing());
  }

  /** A skipped test for each backend that this machine lacks, with the reason. */
  private static Stream<DynamicNode> missing() {
    return Backends.all().stream()
        .filter(backend -> backend.unavailableReason() != null)
        .map(
            backend ->
                DynamicTest.dynamicTest(
                    backend.name() + " is not available",
                    () -> abort(backend.unavailableReason())));
  }

  private void compare(Device device, Case test) {
    String skip = test.skipReason(device.backend().name());
    assumeTrue(skip == null, skip);
    Map<String, Tensor> reference =
        expected.computeIfAbsent(test.name(), name -> results(Device.reference(), test));
    List<String> differences = Comparison.differences(test, reference, results(device, test));
    if (!differences.isEmpty()) {
      fail(
          device
              + ", "
              + test.name()
              + " (seed "
              + test.seed()
              + "; "
              + test.reason()
              + "):\n  "
              + String.join("\n  ", differences)
              + "\nrerun: mvn -q -B -pl java test -Dtest=ConformanceTest -D"
              + FILTER
              + "='"
              + test.name()
              + "'");
    }
  }

  private static Map<String, Tensor> results(Device device, Case test) {
    try (Session session = device.open()) {
      return Runner.run(test, session);
    }
  }

  @Test
  void everyOpHasACase() {
    Set<String> covered =
        Cases.all().stream()
            .flatMap(test -> test.runs().stream())
            .flatMap(run -> run.program().nodes().stream())
            .map(node -> node.op().getClass().getName())
            .collect(Collectors.toCollection(TreeSet::new));
    Set<String> ops =
        new ClassFileImporter()
            .importPackagesOf(Op.class, dev.gridstride.program.op.Add.class).stream()
                .filter(type -> type.isAssignableTo(Op.class) && !type.isInterface())
                .filter(type -> type.getPackageName().equals("dev.gridstride.program.op"))
                .map(JavaClass::getName)
                .collect(Collectors.toCollection(TreeSet::new));
    assertEquals(ops, covered);
  }
}
