package dev.gridstride.backend.cuda.program;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.gridstride.backend.BackendException;
import dev.gridstride.backend.Executable;
import dev.gridstride.backend.Explanation;
import dev.gridstride.backend.ImplementationChoice;
import dev.gridstride.backend.cuda.Simulated;
import dev.gridstride.backend.cuda.Simulator;
import dev.gridstride.program.Node;
import dev.gridstride.program.Program;
import dev.gridstride.program.Tensor;
import dev.gridstride.program.TensorType;
import dev.gridstride.program.Value;
import dev.gridstride.program.op.Relu;
import dev.gridstride.program.op.Softmax;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Choosing among implementations, with some that are made up, on the simulated device. */
class SelectionTest {
  private static final ImplementationChoice TUNE = ImplementationChoice.parse("tune");
  private static final ImplementationChoice AUTO = ImplementationChoice.parse("auto");

  @TempDir private Path folder;
  private final Value x;
  private final Value y;
  private final Program program;

  SelectionTest() {
    Program.Builder builder = new Program.Builder();
    x = builder.input("x", TensorType.float32(64, 512));
    y = builder.add("y", new Relu(), x);
    builder.output(builder.add("s", new Softmax(), y));
    program = builder.build();
  }

  @BeforeEach
  void simulated() {
    Simulated.require();
  }

  private String chosen(CudaSession session) {
    try (Executable executable = session.compile(program)) {
      return executable.explanation().rows().get(0).implementation();
    }
  }

  private JsonNode file() throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      List<Path> json = files.filter(file -> file.toString().endsWith(".json")).toList();
      assertEquals(1, json.size(), json.toString());
      return new JsonMapper().readTree(Files.readString(json.get(0)));
    }
  }

  @Test
  void theFastestIsMeasuredOnceAndThenKnown() throws IOException {
    // Own's kernel goes 3 times in "cudnn" and not at all, but wrongly, in "cublas".
    AtomicInteger asked = new AtomicInteger();
    var table = Stand.table(Stand.counted(Stand.relu("cudnn", 3), asked), Stand.zero("cublas"));
    try (CudaSession session = Stand.open(folder, table, TUNE)) {
      assertEquals("own", chosen(session));
      assertTrue(session.implementationUse().tuning().contains("1 of them now"));
    }
    JsonNode result = file().path("results").path(0);
    assertEquals("relu", result.path("node").path("op").asText());
    assertEquals("float32[64,512]", result.path("node").path("inputs").path(0).asText());
    assertEquals("own", result.path("winner").asText());
    for (int i = 0; i < 2; i++) {
      JsonNode candidate = result.path("candidates").path(i);
      assertTrue(candidate.path("cold").path("median_us").asDouble() > 0, candidate.toString());
      assertTrue(candidate.path("warm").path("samples").asInt() > 0, candidate.toString());
    }
    JsonNode wrong = result.path("candidates").path(2);
    assertTrue(wrong.path("detail").asText().startsWith("its result is not own's"), "" + wrong);
    assertTrue(wrong.path("cold").isNull());
    assertTrue(wrong.path("max_error").asDouble() > 0.9);
    assertTrue(file().path("note").asText().contains("say nothing about a card"));

    asked.set(0);
    try (CudaSession session = Stand.open(folder, table, TUNE)) {
      assertEquals("own", chosen(session));
      // Only to explain itself: it was not even compiled.
      assertEquals(1, asked.get());
      assertTrue(!session.implementationUse().tuning().contains("now"));
    }
  }

  @Test
  void aWinnerOtherThanOwnIsUsedAndExplained() {
    // As if own's kernel took so much longer that it shows on a busy machine too.
    List<Implementation> relus = List.of(Stand.relu("own", 30), Stand.relu("cudnn", 1));
    Function<Node, List<Implementation>> swapped =
        node -> node.op() instanceof Relu ? relus : Stand.own(node);
    try (CudaSession session = Stand.open(folder, swapped, TUNE)) {
      assertEquals("cudnn", chosen(session));
    }
    try (CudaSession session = Stand.open(folder, swapped, AUTO);
        Executable executable = session.compile(program)) {
      Explanation.Row row = executable.explanation().rows().get(0);
      assertEquals("cudnn", row.implementation());
      assertTrue(row.candidates().get(0).coldNanos() > row.candidates().get(1).coldNanos());
      assertEquals(Map.of("cudnn", 1, "own", 1), session.implementationUse().nodes());
      assertEquals(List.of("cudnn"), List.copyOf(session.implementationUse().byNode().values()));
      Tensor data = Tensor.of(x.shape(), new float[64 * 512]);
      data.floats()[0] = 3;
      session.write(x, data);
      executable.run();
      Tensor result = executable.read(program.outputs().get(0));
      assertTrue(result.get(0) > 2 * result.get(1), result.get(0) + " " + result.get(1));
    }
    // Another device or none measured: own.
    try (CudaSession session = Stand.open(folder.resolve("other"), swapped, AUTO)) {
      assertEquals("own", chosen(session));
    }
  }

  @Test
  void aRunThatGoesOnUsesWhatItUsed() {
    var table = Stand.table(Stand.relu("cudnn", 1));
    Map<String, String> record;
    try (CudaSession session = Stand.open(folder, table, AUTO)) {
      assertEquals("own", chosen(session));
      record = session.implementationUse().byNode();
    }
    String key = record.keySet().iterator().next();
    assertEquals("Relu[] float32[64,512] to float32[64,512] float32", key);
    assertEquals("own", record.get(key));
    var recorded = AUTO.following(Map.of(key, "cudnn"));
    try (CudaSession session = Stand.open(folder, table, recorded)) {
      assertEquals("cudnn", chosen(session));
    }
    var refusing = Stand.table(Stand.refusing("cudnn", "it is not at home"));
    try (CudaSession session = Stand.open(folder, refusing, recorded)) {
      BackendException error = assertThrows(BackendException.class, () -> session.compile(program));
      assertTrue(
          error
              .getMessage()
              .contains(
                  "computed it by cudnn, which does not take it here; cudnn: it"
                      + " is not at home; mend that, or go on with --impl own"),
          error.getMessage());
    }
  }

  @Test
  void everyCandidateHasItsReason() {
    var table = Stand.table(Stand.refusing("cudnn", "no such layout"), Stand.relu("cublas", 2));
    try (CudaSession session = Stand.open(folder, table, ImplementationChoice.DEFAULT);
        Executable executable = session.compile(program)) {
      List<Explanation.Candidate> all = executable.explanation().rows().get(0).candidates();
      assertEquals(
          List.of("own chosen", "cudnn refused", "cublas possible"),
          all.stream().map(one -> one.name() + " " + one.verdict()).toList());
      assertEquals("no such layout", all.get(1).detail());
      assertTrue(all.get(2).detail().contains("relu"), all.get(2).detail());
      assertEquals("own 2 nodes", session.implementationUse().toString());
    }
    try (CudaSession session = Stand.open(folder, table, AUTO)) {
      session.compile(program);
    }
  }

  /** Times are kept by the versions of libraries, which cost memory once they are opened. */
  @Test
  void librariesAreNotOpenedToAskForTheirVersions() {
    try (CudaSession session = Stand.open(folder, Stand.table(Stand.relu("cudnn", 1)), AUTO)) {
      assertEquals("own", chosen(session));
      String file = session.implementationUse().tuning();
      assertTrue(file.matches(".*_cublas-[0-9.]+_cudnn-[0-9.]+[.]json.*"), file);
      assertEquals(0, Simulator.get().count("cublas_handles"));
      assertEquals(0, Simulator.get().count("cudnn_handles"));
      assertEquals(Map.of(), session.implementationUse().libraries());
    }
  }

  @Test
  void unknownOpsAreNamed() {
    BackendException error =
        assertThrows(
            BackendException.class,
            () -> Stand.open(folder, Lowerings::of, ImplementationChoice.parse("conv2x=own")));
    assertTrue(error.getMessage().contains("unknown op conv2x; known: accumulate, adam, add,"));
    assertTrue(error.getMessage().contains(" softmax_cross_entropy_backward,"));
  }

  @Test
  void anImplementationThatFailsIsPassedOver() throws IOException {
    Implementation failing =
        new Implementation("cudnn", (op, e) -> e.call(new Stand.FailingCall(), e.out(0)), true);
    try (CudaSession session =
        Stand.open(folder, Stand.table(failing, Stand.relu("cublas", 3)), TUNE)) {
      assertEquals("own", chosen(session));
      assertTrue(session.implementationUse().tuning().contains("1 of them now"));
    }
    JsonNode failed = file().path("results").path(0).path("candidates").path(1);
    assertTrue(failed.path("detail").asText().contains("the library says no"), "" + failed);
    assertTrue(failed.path("warm").isNull());
  }
}
