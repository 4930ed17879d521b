package dev.gridstride.backend.cuda;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The plain JCuda program in {@code java/README.md}, as it stands there, in a process of its own.
 */
class EmbedTest {
  private static final Pattern EXAMPLE =
      Pattern.compile(
          "`Embed.java`.*?```java\n(.*?)```.*?It prints\n\n```text\n(.*?)```", Pattern.DOTALL);

  @TempDir Path folder;

  @Test
  void theExamplePrintsWhatItSays() throws IOException, InterruptedException {
    Simulated.require();
    Matcher matcher = EXAMPLE.matcher(Files.readString(Path.of("..", "java", "README.md")));
    assertTrue(matcher.find(), "java/README.md has no such example");
    Files.writeString(folder.resolve("Embed.java"), matcher.group(1));
    List<String> command =
        List.of(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "-cp",
            System.getProperty("java.class.path"),
            "Embed.java");
    Process process =
        new ProcessBuilder(command).directory(folder.toFile()).redirectErrorStream(true).start();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertEquals(0, process.waitFor(), output);
    assertTrue(output.endsWith(matcher.group(2)), output);
  }
}
