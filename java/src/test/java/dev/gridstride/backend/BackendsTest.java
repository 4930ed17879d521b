package dev.gridstride.backend;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.gridstride.backend.cuda.Simulated;
import dev.gridstride.program.DataType;
import dev.gridstride.program.Program;
import dev.gridstride.program.TensorType;
import dev.gridstride.program.Value;
import dev.gridstride.program.op.Cast;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class BackendsTest {
  @Test
  void theReferenceIsFoundByName() {
    Backends.Choice choice = Backends.open("Reference", 2);
    try (Session session = choice.session()) {
      assertEquals("device: " + session.description(), choice.reason());
    }
  }

  @Test
  void backendsComeInOrderOfPriority() {
    List<Integer> priorities = Backends.all().stream().map(Backend::priority).toList();
    assertEquals(priorities.stream().sorted((a, b) -> b - a).toList(), priorities);
  }

  @Test
  void autoNeverChoosesTheReference() {
    Backend best = Backends.all().get(0);
    if (best.priority() > 0) {
      try (Session session = Backends.open("auto", 1).session()) {
        assertTrue(!session.description().contains("reference"), session.description());
      }
    } else {
      BackendException error = assertThrows(BackendException.class, () -> Backends.open("auto", 1));
      assertTrue(error.getMessage().startsWith("no device is available"), error.getMessage());
    }
  }

  @Test
  void aPrecisionThatTheChosenDeviceLacksIsAnErrorWithTheReasonsForTheChoice() {
    Backend cuda = Backends.all().get(0);
    assumeTrue(cuda.name().equals("cuda") && cuda.unavailableReason() != null, "there is a card");
    DeviceOptions options = DeviceOptions.DEFAULT.withPrecision(Precision.BF16);
    BackendException error =
        assertThrows(BackendException.class, () -> Backends.open("auto", options));
    String message = error.getMessage();
    assertTrue(message.startsWith("cpu: precision bf16 needs a CUDA card"), message);
    assertTrue(message.contains("(auto; not cuda: " + cuda.unavailableReason()), message);
  }

  @Test
  void theCpuRefusesBfloat16() {
    Program.Builder builder = new Program.Builder();
    Value x = builder.input("x", TensorType.float32(2, 3));
    builder.output(builder.add("half", new Cast(DataType.BFLOAT16), x));
    try (Session session = Backends.open("cpu", 1).session()) {
      BackendException error =
          assertThrows(BackendException.class, () -> session.compile(builder.build()));
      assertEquals(
          "cpu: half: bfloat16[2,3]: only CUDA devices compute with bfloat16 (--device cuda or sim);"
              + " this device computes in float32",
          error.getMessage());
    }
  }

  @Test
  void anUnknownDeviceIsAnErrorThatNamesTheKnownOnes() {
    BackendException error = assertThrows(BackendException.class, () -> Backends.open("gpu", 0));
    assertEquals(
        "unknown device gpu; known: auto, cuda, cpu, reference, sim, and cuda:1 and so on for"
            + " further cards",
        error.getMessage());
  }

  @ParameterizedTest
  @ValueSource(strings = {"reference:first", "reference:-1", "reference:", "sim:1:2"})
  void aBadIndexIsAnError(String device) {
    BackendException error = assertThrows(BackendException.class, () -> Backends.open(device, 0));
    assertEquals(
        "device " + device + ": expected NAME or NAME:INDEX with an index from 0, as in cuda:1",
        error.getMessage());
  }

  @Test
  void autoHasNoIndex() {
    BackendException error = assertThrows(BackendException.class, () -> Backends.open("auto:1", 0));
    assertEquals(
        "device auto:1: auto picks by itself; name the device, for example cuda:1",
        error.getMessage());
  }

  @Test
  void threadsAreNotNegative() {
    assertThrows(BackendException.class, () -> Backends.open("reference", -1));
  }

  @Test
  void aDeviceThatIsNotThereIsNeverReplaced() {
    for (Backend backend : Backends.all()) {
      String problem = backend.unavailableReason();
      if (problem != null) {
        BackendException error =
            assertThrows(BackendException.class, () -> Backends.open(backend.name(), 0));
        assertEquals(
            "device " + backend.name() + " is not available: " + problem, error.getMessage());
      } else if (!backend.name().equals("cuda")) {
        String name = backend.name();
        BackendException error =
            assertThrows(BackendException.class, () -> Backends.open(name + ":63", 0));
        assertTrue(error.getMessage().startsWith(name + ": no device " + name + ":63; there is"));
      }
    }
  }

  /** Looking for a card must not take the process's one libcuda from the simulated device. */
  @Test
  void autoSaysWhyAndLeavesRoomForTheSimulatedDevice() {
    Map<String, Backend> backends =
        Backends.all().stream().collect(Collectors.toMap(Backend::name, Function.identity()));
    String noCard = backends.get("cuda").unavailableReason();
    assumeTrue(noCard != null, "skipped: this machine has a card");
    String noCpu = backends.get("cpu").unavailableReason();
    assumeTrue(noCpu == null, "skipped, no device cpu: " + noCpu);
    Backends.Choice choice = Backends.open("auto", 1);
    choice.session().close();
    assertEquals(
        "device: " + choice.session().description() + " (auto; not cuda: " + noCard + ")",
        choice.reason());
    Simulated.require();
    Backends.open("sim:0", 1).session().close();
    assertTrue(backends.get("cuda").unavailableReason().contains("this process "));
  }
}
