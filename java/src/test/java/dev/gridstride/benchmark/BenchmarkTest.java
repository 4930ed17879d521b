package dev.gridstride.benchmark;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import dev.gridstride.backend.Backend;
import dev.gridstride.backend.Backends;
import dev.gridstride.backend.DeviceOptions;
import dev.gridstride.backend.Precision;
import dev.gridstride.backend.TimingOptions;
import dev.gridstride.backend.cuda.Simulated;
import dev.gridstride.backend.cuda.Simulator;
import dev.gridstride.program.Shape;
import dev.gridstride.program.Tensor;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class BenchmarkTest {
  private static final TimingOptions SHORT =
      TimingOptions.COLD.withSamples(1, 3).withLimit(Duration.ZERO).withWarmUp(Duration.ZERO);
  private static final Benchmark.Settings SETTINGS =
      new Benchmark.Settings(SHORT, Duration.ofHours(1), Set.of());

  private static final Benchmark.Settings CHECKED =
      new Benchmark.Settings(null, Duration.ofHours(1), Set.of());

  private static Backend backend(String name) {
    return Backends.all().stream().filter(b -> b.name().equals(name)).findFirst().orElseThrow();
  }

  private static List<Request> requests(String... words) {
    return Suites.ofWords(List.of(words), List.of(Precision.FLOAT32));
  }

  private static List<Row> run(Backend backend, Backend cpu, List<Request> requests) {
    List<Row> told = new ArrayList<>();
    List<Row> rows =
        new Benchmark(backend, DeviceOptions.DEFAULT, cpu, SETTINGS)
            .run(requests, told::add, () -> false);
    assertEquals(rows, told);
    return rows;
  }

  @Test
  void everyOpIsRightByEveryImplementationThatTakesIt() {
    Simulated.require();
    List<Request> requests = Suites.read("smoke", List.of(Precision.FLOAT32), List.of());
    List<Row> rows =
        new Benchmark(backend("sim"), DeviceOptions.DEFAULT, backend("cpu"), CHECKED)
            .run(requests, row -> {}, () -> false);
    for (Row row : rows) {
      JsonNode cells = row.json();
      boolean refused = row.status() == Row.Status.REFUSED;
      assertTrue(refused || row.status() == Row.Status.RIGHT, cells::toString);
      assertEquals(refused, cells.get("max_error").isNull(), cells::toString);
      assertEquals(refused, !row.reason().isEmpty(), cells::toString);
      assertFalse(refused && row.implementation().equals("own"), cells::toString);
      assertTrue(
          !refused || cells.get("op").asText().equals("cast") || isVendors(row), row::reason);
    }
    long own = rows.stream().filter(row -> row.implementation().equals("own")).count();
    assertEquals(requests.size(), own);
  }

  private static boolean isVendors(Row row) {
    return row.implementation().startsWith("cu");
  }

  @Test
  void theSimulatedDeviceHasEachImplementationAndTheCpuBesideIt() {
    Simulated.require();
    List<Row> rows =
        run(
            backend("sim"),
            backend("cpu"),
            requests("matmul m=20 n=9 k=17 precision=float32,tf32,bf16".split(" ")));
    List<String> own =
        rows.stream()
            .filter(row -> row.implementation().equals("own"))
            .map(
                row -> row.json().get("precision").asText() + " " + row.json().get("type").asText())
            .toList();
    assertEquals(List.of("float32 float32", "tf32 float32", "bf16 bfloat16"), own);
    assertEquals(1, rows.stream().filter(row -> row.implementation().equals("onednn")).count());
    for (Row row : rows) {
      JsonNode cells = row.json();
      boolean timed = row.status() == Row.Status.OK || row.status() == Row.Status.NOISY;
      assertTrue(timed || row.status() == Row.Status.REFUSED, cells::toString);
      assertEquals(timed, row.reason().isEmpty() || !cells.get("median").isNull());
      assertEquals(2 * 20 * 9 * 17, cells.get("flop").asLong());
      assertEquals(
          timed && !row.implementation().equals("onednn"),
          cells.get("host_launch_time").isNumber(),
          cells::toString);
      assertEquals(timed, cells.get("ratio_to_cpu").isNumber(), cells::toString);
    }
  }

  @Test
  void aVendorsImplementationStandsBesideOurs() {
    Simulated.require();
    List<Request> conv = requests("conv2d n=1 ic=2 oc=3 image=5 kernel=3".split(" "));
    List<Row> rows = run(backend("sim"), null, conv);
    assertEquals(
        List.of("own", "cudnn", "cublas"), rows.stream().map(Row::implementation).toList());
    assertEquals(Row.Status.REFUSED, rows.get(2).status());
    assertTrue(rows.get(2).reason().contains("1x1"), rows.get(2).reason());
    assertTrue(rows.get(2).json().get("median").isNull());
    double own = rows.get(0).nanos();
    double cudnn = rows.get(1).nanos();
    assertEquals(own / cudnn, rows.get(0).json().get("ratio_to_vendor").asDouble(), 1e-9);
    assertEquals(1, rows.get(1).json().get("ratio_to_vendor").asDouble());
    assertTrue(rows.get(1).json().get("how").asText().contains("cudnn"));
    Benchmark.Settings one = new Benchmark.Settings(SHORT, Duration.ofHours(1), Set.of("cudnn"));
    Benchmark benchmark = new Benchmark(backend("sim"), DeviceOptions.DEFAULT, null, one);
    assertEquals(1, benchmark.run(conv, row -> {}, () -> false).size());
    assertTrue(benchmark.libraries().containsKey("cudnn"));
  }

  @Test
  void whatNoImplementationTakesSaysSoWithEachReason() {
    Simulated.require();
    Simulator.get().set("compute_capability", "7.5");
    try {
      List<Row> rows =
          new Benchmark(backend("sim"), DeviceOptions.DEFAULT, null, CHECKED)
              .run(requests("matmul m=4 n=4 k=4 precision=tf32".split(" ")), r -> {}, () -> false);
      Row last = rows.get(rows.size() - 1);
      assertEquals("none", last.implementation());
      assertTrue(rows.stream().allMatch(row -> row.status() == Row.Status.REFUSED));
      for (String name : List.of("own", "cudnn", "cublas")) {
        assertTrue(last.reason().contains(name + ": "), last.reason());
      }
      assertTrue(last.reason().contains("needs compute capability 8.0"), last.reason());
    } finally {
      Simulator.get().set("compute_capability", "9.0");
    }
  }

  @Test
  void whatTheCpuDoesNotTakeItRefuses() {
    Row row = run(backend("cpu"), null, requests("cast", "elements=3")).get(0);
    assertEquals(Row.Status.REFUSED, row.status());
    assertTrue(row.reason().contains("only CUDA devices compute with bfloat16"), row.reason());
    assertTrue(row.json().get("median").isNull());
  }

  @Test
  void aWrongResultIsMarkedAndNotTimed() {
    List<Row> rows =
        run(
            new WrongBackend(1),
            null,
            requests("softmax n=2 classes=3 adam elements=5".split(" ")));
    for (Row row : rows) {
      assertEquals(Row.Status.WRONG, row.status());
      assertTrue(row.reason().contains("expected "), row.reason());
      JsonNode cells = row.json();
      assertTrue(cells.get("median").isNull() && cells.get("cold").isNull());
      assertTrue(cells.get("max_error").asDouble() > cells.get("allowed_error").asDouble());
    }
    assertEquals(2, rows.size());
  }

  @ParameterizedTest
  @ValueSource(floats = {Float.NaN, Float.POSITIVE_INFINITY})
  void aResultThatIsNotFiniteIsWrong(float mistake) {
    Row row = run(new WrongBackend(mistake), null, requests("softmax", "n=2", "classes=3")).get(0);
    assertEquals(Row.Status.WRONG, row.status());
    assertTrue(row.reason().contains("got " + mistake), row.reason());
  }

  @Test
  void aBoundIsFiniteWhateverTheReferenceHas() {
    Tensor expected = Tensor.of(Shape.of(3), 2, Float.POSITIVE_INFINITY, Float.NaN);
    for (Bound bound : List.of(Bound.ofSum(9), Bound.relative(9), Bound.EXACT)) {
      assertTrue(bound.of(expected) < 1e-4);
    }
  }

  /** Names, order and kinds of the fields: what readers of the files rely on. */
  @Test
  void aRowHasAllColumnsInTheirOrder() {
    Row row =
        run(
                backend("reference"),
                null,
                requests("conv2d n=1 ic=2 oc=3 image=5 kernel=3".split(" ")))
            .get(0);
    Results results = new Results();
    results.head().put("device", "d");
    results.add(List.of(row));
    JsonNode cells = results.rows().get(0);
    List<String> names = new ArrayList<>();
    cells.fieldNames().forEachRemaining(names::add);
    assertEquals(
        Column.ALL.stream().map(Column::field).sorted().toList(), names.stream().sorted().toList());
    Stream.of(
            "samples median p20 p80 noise gb_per_s percent_of_copy_rate gflop_per_s cold warm"
                + " max_error allowed_error share_checked flop bytes")
        .flatMap(text -> Stream.of(text.split(" ")))
        .filter(name -> !name.startsWith("percent") && !name.equals("noise"))
        .forEach(name -> assertTrue(cells.get(name).isNumber(), name));
    assertEquals("n=1 ic=2 oc=3 image=5x5 kernel=3x3", cells.get("shape").asText());
    assertEquals(2L * 3 * 9 * 2 * 9, cells.get("flop").asLong());
    assertEquals(4L * (2 * 25 + 3 * 2 * 9 + 3 * 9), cells.get("bytes").asLong());
    assertEquals(1, cells.get("share_checked").asDouble());
  }

  @Test
  void aLargeProblemIsCheckedInPartsThatReachItsEnds() {
    Request request = requests("matmul", "m=600", "n=700", "k=2000").get(0);
    Row row = run(backend("cpu"), null, List.of(request)).get(0);
    double share = row.json().get("share_checked").asDouble();
    assertTrue(share > 0.01 && share < 0.2, "share " + share);
    assertFalse(row.status() == Row.Status.WRONG, row::reason);
    Row wrong = run(new WrongBackend(1), null, List.of(request)).get(0);
    assertEquals(Row.Status.WRONG, wrong.status(), "the last element alone is wrong");
  }

  @Test
  void whatTheBudgetLeavesOutSaysSo() {
    Benchmark.Settings none = new Benchmark.Settings(SHORT, Duration.ZERO, Set.of());
    List<Row> rows =
        new Benchmark(backend("cpu"), DeviceOptions.DEFAULT, null, none)
            .run(requests("softmax", "n=1", "classes=2"), row -> {}, () -> false);
    assertEquals(Row.Status.NOT_RUN, rows.get(0).status());
    assertTrue(rows.get(0).reason().contains("budget"), rows.get(0).reason());
  }
}
