package dev.gridstride.backend.cuda.program;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.gridstride.backend.BackendException;
import dev.gridstride.backend.cuda.program.TunedFile.Entry;
import dev.gridstride.backend.cuda.program.TunedFile.Measured;
import dev.gridstride.backend.cuda.program.TunedFile.Origin;
import dev.gridstride.backend.cuda.program.TunedFile.Times;
import dev.gridstride.files.FileException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TunedFileTest {
  private static final Origin ORIGIN =
      new Origin("NVIDIA H100 80GB", "9.0", 132, "CUDA 12.8", "0.5", "12.6.4", "none");
  private static final int EACH = 15;

  @TempDir private Path folder;

  private static TunedFile open(Path folder) {
    return new TunedFile(folder, ORIGIN, "");
  }

  private static NodeKey key(String op, int n) {
    return new NodeKey(op, op + "[]", List.of("float32[" + n + "]"), List.of(), "tf32", false);
  }

  private static Entry entry(NodeKey key, double micros) {
    Times times = new Times(micros, micros, micros, 7, "noise 0.10 % within 1.00 %");
    Measured own = new Measured("own", "kernel", 0, times, times, 0.0, 1e-6);
    return new Entry(
        key,
        "own",
        "fastest",
        "2026-01-02T03:04:05Z",
        List.of(own, Measured.refused("cudnn", "?")));
  }

  @Test
  void whatIsStoredIsFoundAgain() throws IOException {
    Entry entry = entry(key("conv2d", 1), 12.5);
    open(folder).add(entry);
    TunedFile again = open(folder);
    assertEquals(entry, again.find(key("conv2d", 1)));
    assertNull(again.find(key("conv2d", 2)));
    assertEquals(
        "nvidia-h100-80gb_sm90_cuda-12.8_gridstride-0.5_cublas-12.6.4_cudnn-none.json",
        again.path().getFileName().toString());
    String text = Files.readString(again.path());
    assertTrue(text.contains("\"compute_capability\" : \"9.0\""), text);
    assertTrue(text.contains("\"median_us\" : 12.5"), text);
  }

  @Test
  void whoComesFirstIsKept() {
    TunedFile one = open(folder);
    TunedFile other = open(folder);
    one.add(entry(key("conv2d", 1), 1));
    assertEquals(entry(key("conv2d", 1), 1), other.add(entry(key("conv2d", 1), 2)));
    other.add(entry(key("dense", 1), 3));
    one.add(entry(key("relu", 1), 4));
    assertEquals(3, open(folder).size());
    assertNotNull(one.find(key("dense", 1)));
  }

  /** Adds results; run as a process of its own. */
  public static void main(String[] arguments) {
    for (int i = 0; i < EACH; i++) {
      open(Path.of(arguments[0])).add(entry(key(arguments[1], i), i));
    }
  }

  @Test
  void processesAndThreadsThatStoreAtOnceLoseNothing() throws Exception {
    List<Process> processes = List.of(start("conv2d"), start("dense"));
    Thread thread =
        new Thread(() -> main(new String[] {folder.toString(), "relu"}), "another writer");
    thread.start();
    main(new String[] {folder.toString(), "softmax"});
    thread.join();
    for (Process process : processes) {
      assertEquals(0, process.waitFor());
    }
    TunedFile all = open(folder);
    for (String op : List.of("conv2d", "dense", "relu", "softmax")) {
      for (int i = 0; i < EACH; i++) {
        assertEquals(entry(key(op, i), i), all.find(key(op, i)));
      }
    }
  }

  private Process start(String op) throws IOException {
    return new ProcessBuilder(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "-XX:TieredStopAtLevel=1",
            "-cp",
            classPath(
                TunedFileTest.class,
                TunedFile.class,
                JsonMapper.class,
                JsonFactory.class,
                JsonProperty.class),
            TunedFileTest.class.getName(),
            folder.toString(),
            op)
        .inheritIO()
        .start();
  }

  private static String classPath(Class<?>... classes) {
    return Arrays.stream(classes)
        .map(type -> type.getProtectionDomain().getCodeSource().getLocation().getPath())
        .collect(Collectors.joining(":"));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '^',
      value = {
        "\"format\" : 1 | \"format\" : 7 | has format 7, expected 1",
        "NVIDIA H100 80GB | Other card | device: Other card, here NVIDIA H100 80GB;",
        "\"12.6.4\" | \"12.9.1\" | is of another origin: cublas: 12.9.1, here 12.6.4;",
        "\"winner\" : \"own\" | \"winner\" : \"cudnn\" | cudnn, which is not among the candidates that",
        "\"median_us\" : 12.5 | \"median_us\" : fast | is damaged in line",
        "\"results\" : [ | \"results\" : [ { | is damaged in line",
        "\"node\" : { | \"node\" : null, \"x\" : { | is damaged in line",
        "\"samples\" : 7, | | is damaged in line"
      })
  void aDamagedOrForeignFileIsAnErrorWithACure(String from, String to, String problem)
      throws IOException {
    TunedFile file = open(folder);
    file.add(entry(key("conv2d", 1), 12.5));
    String text = Files.readString(file.path());
    String changed = text.replace(from, to == null ? "" : to);
    Files.writeString(file.path(), changed);
    BackendException error = assertThrows(BackendException.class, () -> open(folder));
    String message = error.getMessage();
    assertTrue(message.startsWith("the file of measured times " + file.path()), message);
    assertTrue(message.contains(problem), message);
    assertTrue(message.contains("move it away and measure again with --impl tune"), message);
    // Nor is it overwritten by who has results.
    assertThrows(BackendException.class, () -> file.add(entry(key("dense", 1), 1)));
    assertEquals(changed, Files.readString(file.path()));
  }

  @Test
  void halfAFileIsDamaged() throws IOException {
    TunedFile file = open(folder);
    file.add(entry(key("conv2d", 1), 12.5));
    byte[] bytes = Files.readAllBytes(file.path());
    for (int length : new int[] {0, 1, bytes.length / 2, bytes.length - 2}) {
      Files.write(file.path(), Arrays.copyOf(bytes, length));
      assertThrows(BackendException.class, () -> open(folder), () -> length + " bytes");
    }
  }

  @Test
  void whatCannotBeWrittenIsKnownToThisProcess() throws IOException {
    TunedFile file = open(folder);
    Files.createDirectory(folder.resolve(file.path().getFileName() + ".lock"));
    assertThrows(FileException.class, () -> file.add(entry(key("conv2d", 1), 1)));
    assertNotNull(file.find(key("conv2d", 1)));
  }
}
