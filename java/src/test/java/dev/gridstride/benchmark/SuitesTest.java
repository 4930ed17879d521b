package dev.gridstride.benchmark;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gridstride.backend.Precision;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class SuitesTest {
  private static final List<Precision> FLOAT32 = List.of(Precision.FLOAT32);
  private static final String CONV = "conv2d n=2 ic=4 oc=6 image=8 kernel=3";

  @TempDir private Path folder;

  private List<String> read(String text, String... overrides) throws IOException {
    Path file = folder.resolve("mine.txt");
    Files.writeString(file, text);
    return Suites.read(file.toString(), FLOAT32, List.of(overrides)).stream()
        .map(Request::toString)
        .toList();
  }

  private static List<String> words(String line) {
    return Suites.ofWords(List.of(line.split(" ")), FLOAT32).stream()
        .map(Request::toString)
        .toList();
  }

  @Test
  void listsStandForAllCombinationsAndEachRequestForItselfOnce() throws IOException {
    assertEquals(
        List.of(
            "matmul m=4 n=1 k=3",
            "matmul m=4 n=1 k=3 precision=tf32",
            "matmul m=4 n=1 k=3 tb",
            "matmul m=4 n=1 k=3 tb precision=tf32",
            "matmul m=4 n=2 k=3",
            "matmul m=4 n=2 k=3 precision=tf32",
            "matmul m=4 n=2 k=3 tb",
            "matmul m=4 n=2 k=3 tb precision=tf32"),
        read(
            """
            # a comment
            matmul m=4 n=1,2 k=3 tb=no,yes precision=float32,tf32   # and another

            matmul n=2 k=3 m=4 ta=no
            """));
  }

  @Test
  void severalOpsShareALineAndTakeWhatTheyKnow() throws IOException {
    assertEquals(
        List.of(
            "conv2d n=2 ic=4 oc=6 image=8x8 kernel=3x3 relu",
            "conv2d_backward_data n=2 ic=4 oc=6 image=8x8 kernel=3x3"),
        read("conv2d,conv2d_backward_data n=2 ic=4 oc=6 image=8 kernel=3 relu"));
  }

  @Test
  void sizesAreWrittenTogetherOrInPartsOrInUnits() throws IOException {
    assertEquals(
        List.of(
            "conv2d n=2 ic=4 oc=6 image=8x9 kernel=3x2 stride=2x2 padding=1x0x2x0",
            "conv2d n=2 ic=4 oc=6 image=8x9 kernel=3x2 stride=2x1 padding=1x2",
            "adam elements=2097152"),
        read(
            """
            conv2d n=2 ic=4 oc=6 image=8x9 kernel=3x2 stride=2 padding=1x0x2x0
            conv2d n=2 ic=4 oc=6 ih=8 iw=9 kernel=3 kw=2 sh=2 ph=1 pw=2
            adam elements=2Mi
            """));
  }

  @Test
  void defaultsHoldBelowAndLinesAndTheCommandLineGoBeforeThem() throws IOException {
    String text =
        """
        softmax n=1 classes=2
        defaults n=8 classes=3 image=5
        softmax
        softmax classes=4
        """;
    assertEquals(
        List.of("softmax n=1 classes=2", "softmax n=8 classes=3", "softmax n=8 classes=4"),
        read(text));
    assertEquals(
        List.of("softmax n=16 classes=2", "softmax n=16 classes=3", "softmax n=16 classes=4"),
        read(text, "n=16"));
    BenchmarkException unused =
        assertThrows(BenchmarkException.class, () -> read(text, "kernel=3"));
    assertTrue(unused.getMessage().startsWith("kernel: no op of suite"), unused.getMessage());
  }

  @Test
  void suitesIncludeOthersByNameOrBesideThem() throws IOException {
    Files.writeString(folder.resolve("other.txt"), "softmax n=1 classes=2\n");
    List<String> all = read("include other.txt\ninclude smoke\n");
    assertEquals("softmax n=1 classes=2", all.get(0));
    assertEquals(1 + Suites.read("smoke", FLOAT32, List.of()).size(), all.size());
    Files.writeString(folder.resolve("other.txt"), "\nsoftmax n=1 classes=none\n");
    BenchmarkException inner =
        assertThrows(BenchmarkException.class, () -> read("include other.txt"));
    assertTrue(inner.getMessage().contains("other.txt:2: classes=none"), inner.getMessage());
    BenchmarkException self =
        assertThrows(BenchmarkException.class, () -> read("include mine.txt"));
    assertTrue(self.getMessage().contains("mine.txt:1: includes itself"), self.getMessage());
    Files.writeString(folder.resolve("other.txt"), "include ./mine.txt\n");
    BenchmarkException other =
        assertThrows(BenchmarkException.class, () -> read("include other.txt"));
    assertTrue(other.getMessage().startsWith("other.txt:1: includes itself"), other.getMessage());
    Path below = Files.createDirectory(folder.resolve("below"));
    Files.writeString(folder.resolve("other.txt"), "include below/more.txt\n");
    Files.writeString(below.resolve("more.txt"), "include other.txt\n");
    Files.writeString(below.resolve("other.txt"), "softmax n=3 classes=2\n");
    assertEquals(List.of("softmax n=3 classes=2"), read("include other.txt"), "two of one name");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "conv3d n=2                                   | unknown op 'conv3d'; known: conv2d,",
        "n=2 conv2d                                   | expected an op",
        "conv2d n=2 ic=4 oc=6 image=8                 | kernel (or kh and kw) is missing",
        "conv2d n=2 ic=4 oc=6 image=8 kernal=3        | unknown key 'kernal'; known: n, ic, oc,",
        "conv2d n=0 ic=4 oc=6 image=8 kernel=3        | n=0: expected a whole number from 1",
        "conv2d n=2 ic=4 oc=6 image=8x9x2 kernel=3    | image=8x9x2: expected a number for both",
        "conv2d n=2 ic=4 oc=6 image=8 kernel=3 pad=1  | unknown key 'pad'",
        "conv2d n=2 ic=4 oc=6 image=8 kernel=3 padding=x | padding=x: expected a number for all",
        "conv2d n = 2                                 | expected KEY=VALUE without blanks, got 'n'",
        "conv2d n=2,,3 ic=4 oc=6 image=8 kernel=3     | 'n=2,,3': a value is missing",
        "conv2d n=2 n=3 ic=4 oc=6 image=8 kernel=3    | 'n' is said twice",
        "conv2d n=2 ic=4 oc=6 image=8 kernel=9        | kernel 9x9 with dilation 1x1 is larger",
        "conv2d n=2 ic=4 oc=6 image=8 kernel=3 groups=3 | groups=3 must divide ic=4 and oc=6",
        "conv2d n=2 ic=4 oc=6 image=8 kernel=3 relu=1 | relu=1: expected yes or no",
        "matmul m=1 n=1 k=1 precision=half            | precision=half: expected float32, tf32",
        "conv2d n=2 ic=4 oc=6 image=8 kernel=3 cast   | cast: rounds to bfloat16, which needs",
        "softmax n=1 classes=2 precision=tf32         | unknown key 'precision'",
        "max_pool2d n=1 c=1 image=4 kernel=2 stride=2 padding=2 | below the kernel 2x2, got 2",
        "relu n=70000 c=70000 image=9                 | more elements than an array",
        "include                                      | expected 'include NAME'",
        "include nowhere                              | no suite nowhere",
        "defaults size=3                              | unknown key 'size'",
        "sgd elements=9 momentum=0 nesterov           | nesterov needs a momentum above 0",
      })
  void aMistakeNamesFileAndLineAndWhatWasExpected(String line, String expected) {
    String text = "# first\n\n" + line + "\n" + CONV + "\n";
    BenchmarkException e = assertThrows(BenchmarkException.class, () -> read(text));
    assertTrue(e.getMessage().contains("mine.txt:3: "), e.getMessage());
    assertTrue(e.getMessage().contains(expected), e.getMessage());
  }

  @Test
  void aSuiteThatIsNotThereOrAsksForNothingSaysSo() {
    BenchmarkException nowhere =
        assertThrows(BenchmarkException.class, () -> Suites.read("nowhere", FLOAT32, List.of()));
    assertTrue(nowhere.getMessage().contains("packaged are smoke, "), nowhere.getMessage());
    BenchmarkException nothing = assertThrows(BenchmarkException.class, () -> read("# empty\n"));
    assertTrue(nothing.getMessage().contains("asks for nothing"), nothing.getMessage());
  }

  @Test
  void aCommandLineHasOneOpAfterTheOther() {
    assertEquals(
        List.of(
            "conv2d n=2 ic=4 oc=6 image=8x8 kernel=3x3 relu",
            "softmax n=1 classes=2",
            "softmax n=1 classes=3"),
        words(CONV + " relu softmax n=1 classes=2,3"));
    assertThrows(BenchmarkException.class, () -> words(CONV + " softmax"));
  }

  @Test
  void whatARequestIsPrintedAsAsksForIt() throws IOException {
    List<String> all =
        Suites.read("smoke", FLOAT32, List.of()).stream().map(Request::toString).toList();
    assertEquals(all, read(String.join("\n", all)));
  }

  @ParameterizedTest
  @ValueSource(strings = {"smoke", "reference", "resnet50", "deepbench", "large"})
  void packagedSuitesCanBeRead(String name) {
    assertTrue(Suites.NAMES.contains(name));
    assertTrue(Suites.read(name, FLOAT32, List.of()).size() > 20);
    assertTrue(Suites.describe(name).endsWith("."), Suites.describe(name));
  }

  @Test
  void theSmokeSuiteHasEveryOp() {
    Set<String> ops =
        Suites.read("smoke", FLOAT32, List.of()).stream()
            .map(request -> request.kind().op())
            .collect(Collectors.toSet());
    assertEquals(Kinds.all().stream().map(Kind::op).collect(Collectors.toSet()), ops);
  }

  @Test
  void deepBenchHasItsSizes() {
    List<Request> all = Suites.read("deepbench", FLOAT32, List.of());
    assertEquals(3 * 90 + 160, all.size());
    assertTrue(
        all.stream()
            .anyMatch(
                request ->
                    request
                        .toString()
                        .equals(
                            "conv2d n=16 ic=2048 oc=512 image=7x7 kernel=1x1 stride=2x2"
                                + " padding=3x3")));
  }
}
