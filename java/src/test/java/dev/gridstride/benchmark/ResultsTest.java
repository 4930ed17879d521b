package dev.gridstride.benchmark;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.gridstride.benchmark.Comparisons.Line;
import dev.gridstride.benchmark.Comparisons.Verdict;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ResultsTest {
  @TempDir private Path folder;

  private static String row(String shape, String status, Double median, double spread) {
    String times =
        median == null
            ? "\"median\": null, \"p20\": null, \"p80\": null, \"noise\": null"
            : "\"median\": %s, \"p20\": %s, \"p80\": %s, \"noise\": %s"
                .formatted(median, median * (1 - spread), median * (1 + spread), spread);
    return """
        {"op": "softmax", "shape": "%s", "precision": "float32", "implementation": "own",
         "type": "float32", "status": "%s", "gflop_per_s": 1.5, "flop": 10, "bytes": 5,
         "max_error": 1e-7, "reason": "</script> | \\"quoted\\", <b>", %s}"""
        .formatted(shape, status, times);
  }

  private Results results(String head, String... rows) throws IOException {
    Path file = folder.resolve("results.json");
    Files.writeString(file, "{" + head + "\"rows\": [" + String.join(",", rows) + "]}");
    return Results.read(file);
  }

  @Test
  void rowsAreFasterSlowerSameUnclearOrLost() throws IOException {
    Results before =
        results(
            "",
            row("faster", "ok", 100.0, 0.01),
            row("slower", "ok", 100.0, 0.01),
            row("same", "ok", 100.0, 0.01),
            row("near, but noisy", "noisy", 100.0, 0.3),
            row("within its noise", "ok", 100.0, 0.11),
            row("within the threshold", "ok", 100.0, 0.001),
            row("lost", "ok", 100.0, 0.01),
            row("gone", "ok", 100.0, 0.01),
            row("mended", "wrong", null, 0),
            row("never", "refused", null, 0));
    Results after =
        results(
            "",
            row("faster", "ok", 90.0, 0.01),
            row("slower", "ok", 110.0, 0.01),
            row("same", "ok", 101.0, 0.01),
            row("near, but noisy", "noisy", 101.0, 0.3),
            row("within its noise", "ok", 110.0, 0.1),
            row("within the threshold", "ok", 101.9, 0.001),
            row("lost", "wrong", null, 0),
            row("mended", "ok", 100.0, 0.01),
            row("never", "refused", null, 0),
            row("added", "ok", 100.0, 0.01));
    List<Line> lines = Comparisons.of(before, after, 0.02);
    assertEquals(
        List.of(
            Verdict.FASTER,
            Verdict.SLOWER,
            Verdict.SAME,
            Verdict.UNCLEAR,
            Verdict.UNCLEAR,
            Verdict.SAME,
            Verdict.LOST,
            Verdict.LOST,
            Verdict.NEW,
            Verdict.UNTIMED,
            Verdict.NEW),
        lines.stream().map(Line::verdict).toList());
    assertEquals(0.9, lines.get(0).ratio(), 1e-12);
    assertTrue(lines.get(6).why().startsWith("wrong: "), lines.get(6).why());
    assertEquals("not there", lines.get(7).why());
    assertEquals(Verdict.SAME, Comparisons.of(before, after, 0.2).get(1).verdict());
  }

  @Test
  void whatMakesThemDifferIsSaid() throws IOException {
    Results before = results("\"gridstride\": \"1\", \"complete\": true,");
    Results after = results("\"gridstride\": \"2\", \"complete\": false,");
    assertEquals(
        List.of(
            "note: the second of the results was interrupted before its end",
            "note: another gridstride: '1', then '2'"),
        Comparisons.warnings(before, after));
    assertEquals(List.of(), Comparisons.warnings(before, before));
  }

  @Test
  void thePageNeedsNothingElse() throws IOException {
    Results results =
        results(
            "\"device\": \"<a card>\", \"simulated\": true,"
                + " \"device_rates\": {\"copy_gb_per_s\": 5, \"peak_gflop_per_s\": {}},",
            row("n=1 classes=2", "noisy", 3.25, 0.5));
    String page = results.html();
    assertFalse(Pattern.compile("https?://|src=|@import|url\\(").matcher(page).find());
    assertFalse(page.contains("<a card>") || page.contains("<b>"), "text is escaped");
    assertTrue(page.contains("Simulated device: its times are"));
    assertTrue(page.contains("<td class=\"shape\">n=1 classes=2</td>"));
    assertTrue(page.contains("new Chart("));
    Matcher data = Pattern.compile("const results = (.*);\n").matcher(page);
    assertTrue(data.find());
    JsonNode embedded = new ObjectMapper().readTree(data.group(1));
    assertEquals(3.25, embedded.path("rows").get(0).path("median").asDouble());
    assertEquals(2, page.split("</script>", -1).length - 1, "no text ends a script early");
    assertTrue(page.length() < 300_000);
  }

  @Test
  void tablesHaveARowALine() throws IOException {
    Results results =
        results("\"device\": \"d\",", row("a", "ok", 1234.5, 0.1), row("b", "ok", 0.5, 0.1));
    List<String> table = results.markdown().lines().filter(line -> line.startsWith("|")).toList();
    assertEquals(4, table.size());
    assertTrue(table.get(2).contains("| 1,235 |"), table.get(2));
    assertTrue(table.get(2).contains("\\|"), "a bar within a cell");
    List<String> csv = results.csv().lines().toList();
    assertEquals(3, csv.size());
    assertTrue(csv.get(0).startsWith("op,shape,type,precision,implementation,device,"));
    assertTrue(csv.get(1).endsWith("\"</script> | \"\"quoted\"\", <b>\""), csv.get(1));
  }

  @Test
  void numbersHaveTheirDigits() {
    assertEquals("0", Column.significant(0, 3));
    assertEquals("1.2e-07", Column.significant(1.23e-7, 2));
    assertEquals("0.0123", Column.significant(0.01234, 3));
    assertEquals("1.23", Column.significant(1.234, 3));
    assertEquals("12,345", Column.significant(12345, 3));
  }

  @Test
  void filesThatAreNoResultsSaySo() throws IOException {
    Path file = folder.resolve("no.json");
    String otherVersion = "{\"rows\": [" + row("a", "ok", 1.0, 0).replace("median", "p50") + "]}";
    for (String text : List.of("{", "[]", "{}", "{\"rows\": [{}]}", otherVersion)) {
      Files.writeString(file, text);
      BenchmarkException e = assertThrows(BenchmarkException.class, () -> Results.read(file), text);
      assertTrue(e.getMessage().contains("no.json: "), e.getMessage());
    }
    assertThrows(BenchmarkException.class, () -> Results.read(folder.resolve("nowhere")));
  }
}
