package dev.gridstride.benchmark;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/** The results as one page that needs nothing else: table, roofline and bars by Chart.js within. */
final class HtmlPage {
  private static final String TEMPLATE = "/dev/gridstride/benchmark/page.html";
  private static final String CHART = "/dev/gridstride/benchmark/chart.js/dist/chart.umd.js";
  private static final Pattern PLACE = Pattern.compile("@([A-Z]+)@");

  private HtmlPage() {}

  static String of(Results results) {
    Map<String, String> parts =
        Map.of(
            "TITLE", escaped("Gridstride bench, " + results.head().path("device").asText("")),
            "WARNING",
                results.isSimulated()
                    ? "<p class=\"warning\">" + escaped(Results.SIMULATED) + "</p>"
                    : "",
            "HEAD", head(results),
            "TABLE", table(results),
            "CHART", chart(),
            // No text within a script may end it.
            "RESULTS", results.head().toString().replace("<", "\\u003c"));
    return PLACE
        .matcher(resource(TEMPLATE))
        .replaceAll(place -> Matcher.quoteReplacement(parts.get(place.group(1))));
  }

  private static String head(Results results) {
    return results.headLines().stream()
        .filter(line -> !line.equals(Results.SIMULATED))
        .map(line -> "<li>" + escaped(line) + "</li>")
        .collect(Collectors.joining("\n"));
  }

  private static String table(Results results) {
    List<Column> columns = Column.ofTables();
    StringBuilder text = new StringBuilder("<tr>");
    for (Column column : columns) {
      text.append(column.isNumber() ? "<th class=\"number\">" : "<th>")
          .append(escaped(column.heading()))
          .append("</th>");
    }
    text.append("</tr>");
    for (JsonNode row : results.rows()) {
      text.append("\n<tr class=\"").append(escaped(row.path("status").asText())).append("\">");
      for (Column column : columns) {
        String style = column.isNumber() ? "number" : column.field();
        text.append("<td class=\"")
            .append(style)
            .append("\">")
            .append(escaped(column.cell(row)))
            .append("</td>");
      }
      text.append("</tr>");
    }
    return text.toString();
  }

  /** The library without links: its own address and that of a map for debuggers. */
  private static String chart() {
    return resource(CHART)
        .replaceAll("(?m)^//# sourceMappingURL=.*$", "")
        .replaceAll("https?://", "")
        .replace("</script", "<\\/script");
  }

  private static String resource(String name) {
    try (InputStream in = HtmlPage.class.getResourceAsStream(name)) {
      if (in == null) {
        throw new BenchmarkException(
            "the page cannot be made: " + name + " is not packaged; build with Maven");
      }
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new BenchmarkException("the page cannot be made: " + e, e);
    }
  }

  private static String escaped(String text) {
    return text.replace("&", "&amp;")
        .replace("<", "&lt;")
        .replace(">", "&gt;")
        .replace("\"", "&quot;");
  }
}
