package dev.gridstride.backend.cuda;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** The table in {@code kernels/README.md} has every kernel, as the sources and the report say. */
class KernelsReadmeTest {
  private static final Path README = Path.of("..", "kernels", "README.md");
  private static final Pattern TABLE =
      Pattern.compile("<!-- table -->\n(.*)<!-- /table -->", Pattern.DOTALL);
  private static final Pattern NUMBERS = Pattern.compile(" \\d+ \\| [0-9,]+ \\|$");

  private static final Map<String, String> TYPES =
      Map.of(
          "float*", "float32",
          "double*", "float64",
          "bf16*", "bfloat16",
          "int*", "int32",
          "i64*", "int64",
          "u64*", "int64",
          "u32*", "32 bits",
          "u16*", "16 bits",
          "u8*", "uint8");

  @Test
  void theTableIsTrue() throws IOException {
    String readme = Files.readString(README);
    Matcher matcher = TABLE.matcher(readme);
    assertTrue(matcher.find(), README + " has no table");
    List<String> written = matcher.group(1).lines().toList();
    String report = Resources.text(Resources.KERNELS + "kernels.txt");
    boolean sameCompiler =
        report != null && readme.contains(report.lines().findFirst().orElseThrow() + ";");
    List<String> expected = table(sameCompiler ? columns(report) : Map.of(), written);
    assertEquals(
        String.join("\n", expected),
        String.join("\n", written),
        () -> "the table should be\n" + String.join("\n", expected) + "\n");
  }

  /**
   * The table.
   *
   * @param report the last two columns by kernel; where it has none, they are kept as written
   */
  private static List<String> table(Map<String, String> report, List<String> written) {
    List<String> lines = new ArrayList<>();
    lines.add("| file | entry point | types | deterministic | registers | shared |");
    lines.add("|---|---|---|---|---:|---:|");
    for (String file : KernelImages.names()) {
      KernelDeclarations.parse(KernelImages.source(file).text())
          .kernels()
          .forEach(
              (kernel, parameters) -> {
                String row =
                    "| [`%s.cu`](%s.cu) | `%s` | %s | yes |"
                        .formatted(file, file, kernel, types(parameters));
                lines.add(row + report.getOrDefault(kernel, numbers(row, written)));
              });
    }
    return lines;
  }

  private static String types(List<KernelParameter> parameters) {
    return String.join(
        ", ",
        parameters.stream()
            .filter(parameter -> parameter.kind() == KernelParameter.Kind.POINTER)
            .map(parameter -> TYPES.getOrDefault(parameter.type(), parameter.type()))
            .distinct()
            .toList());
  }

  private static String numbers(String row, List<String> written) {
    for (String line : written) {
      Matcher matcher = NUMBERS.matcher(line);
      if (line.startsWith(row) && matcher.find()) {
        return matcher.group();
      }
    }
    return " ? | ? |";
  }

  /** The columns for registers on sm_90 and shared memory, by kernel. */
  private static Map<String, String> columns(String report) {
    Map<String, String> columns = new HashMap<>();
    List<String> heading = null;
    for (String line : report.lines().toList()) {
      List<String> fields = List.of(line.trim().split("\\s+"));
      if (fields.get(0).equals("kernel")) {
        heading = fields;
      } else if (heading != null && fields.size() == heading.size()) {
        int registers = heading.indexOf("sm_90");
        int shared = heading.indexOf("shared");
        if (registers > 0) {
          columns.put(
              fields.get(0),
              String.format(
                  Locale.ROOT,
                  " %s | %,d |",
                  fields.get(registers),
                  Integer.valueOf(fields.get(shared))));
        }
      }
    }
    return columns;
  }
}
