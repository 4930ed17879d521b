package dev.gridstride.backend.cuda;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The example in {@code kernels/README.md}, as it stands there, does what the text says. */
class OwnKernelTest {
  private static final Pattern SECTION =
      Pattern.compile("## Launch one of your own\n(.*?)\n## ", Pattern.DOTALL);

  @TempDir Path folder;

  private String section;

  @BeforeEach
  void read() throws IOException {
    Simulated.requireCompiler();
    Matcher matcher =
        SECTION.matcher(Files.readString(Path.of("..", "kernels", "README.md")) + "\n## ");
    assertTrue(matcher.find(), "kernels/README.md has no such section");
    section = matcher.group(1);
  }

  private String block(String language) {
    Matcher matcher =
        Pattern.compile("```" + language + "\n(.*?)```", Pattern.DOTALL).matcher(section);
    assertTrue(matcher.find(), "no block of " + language);
    return matcher.group(1);
  }

  /** Runs the example in a folder of its own and returns all that it prints. */
  private String run(String kernel, String... arguments) throws IOException, InterruptedException {
    Files.writeString(folder.resolve("saxpy.cu"), kernel);
    Files.writeString(folder.resolve("Saxpy.java"), block("java"));
    List<String> command =
        new ArrayList<>(
            List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-cp",
                System.getProperty("java.class.path"),
                "Saxpy.java"));
    command.addAll(List.of(arguments));
    Process process =
        new ProcessBuilder(command).directory(folder.toFile()).redirectErrorStream(true).start();
    String output =
        new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
    process.waitFor();
    return output;
  }

  @Test
  void theExamplePrintsWhatItSays() throws IOException, InterruptedException {
    Matcher matcher = Pattern.compile("It prints `(.*?)`").matcher(section);
    assertTrue(matcher.find());
    String output = run(block("cuda"));
    assertEquals(matcher.group(1), output.lines().reduce((first, last) -> last).orElse(""), output);
  }

  @Test
  void itsBugIsNamedAsItSays() throws IOException, InterruptedException {
    String kernel = block("cuda");
    assertTrue(kernel.contains("i < n"));
    String output = run(kernel.replace("i < n", "i <= n"));
    String said = block("text").strip().replace('\n', ' ');
    String pattern =
        Pattern.quote(said)
            .replaceAll("0x[0-9a-f]+", "\\\\E0x[0-9a-f]+\\\\Q")
            .replaceAll("#[0-9]+", "\\\\E#[0-9]+\\\\Q");
    assertTrue(Pattern.compile(pattern).matcher(output).find(), output);
  }
}
