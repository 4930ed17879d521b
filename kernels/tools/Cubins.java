import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * Compiles every {@code kernels/*.cu} with nvcc for every architecture we ship, and reports what
 * ptxas says of each kernel. Maven runs it as a single file: {@code java Cubins.java KERNELS WORK
 * OUTPUT NVCC JOBS}.
 *
 * <p>A cubin and the compiler's output stay in WORK under a digest of everything that went into
 * them, so only what changed is compiled again. OUTPUT gets {@code NAME.sm_90.cubin} and {@code
 * kernels.txt}. Without nvcc, OUTPUT gets nothing. A compile error or a spill ends with status 1.
 */
public final class Cubins {
  private static final List<Integer> ARCHITECTURES = List.of(75, 80, 86, 89, 90, 100, 120);
  private static final List<String> FLAGS = List.of("-std=c++17", "-O3", "-cubin", "-Xptxas", "-v");

  /** What ptxas says of one kernel on one architecture. */
  private record Usage(int registers, int shared, int stack, int spill) {}

  /** One source for one architecture. */
  private record Job(Path source, int architecture, Path cubin, Path log) {}

  private final Path kernels;
  private final Path work;
  private final Path output;
  private final String nvcc;
  private final int jobs;

  /** What the compiler said of a source, and for which architectures it said the same. */
  private final Map<String, TreeSet<Integer>> words = new TreeMap<>();

  private Cubins(String[] args) {
    kernels = Path.of(args[0]);
    work = Path.of(args[1]);
    output = Path.of(args[2]);
    nvcc = args[3];
    jobs = Integer.parseInt(args[4]);
  }

  public static void main(String[] args) throws Exception {
    if (args.length != 5) {
      System.out.println("usage: java Cubins.java KERNELS WORK OUTPUT NVCC JOBS");
      System.exit(2);
    }
    System.exit(new Cubins(args).build() ? 0 : 1);
  }

  private boolean build() throws IOException, InterruptedException, ExecutionException {
    Files.createDirectories(output);
    clear();
    String version = version();
    if (version == null) {
      System.out.println(
          "kernels: no nvcc on the path: the cubins are left out; on a card, NVRTC compiles the"
              + " packaged sources on first use");
      return true;
    }
    List<Integer> known = new ArrayList<>(ARCHITECTURES);
    known.retainAll(architectures());
    List<Integer> unknown = new ArrayList<>(ARCHITECTURES);
    unknown.removeAll(known);
    if (!unknown.isEmpty()) {
      System.out.println("kernels: this nvcc does not know, so left out: " + named(unknown));
    }

    Files.createDirectories(work);
    List<Job> all = plan(version, known);
    long start = System.nanoTime();
    int compiled = 0;
    ExecutorService pool = Executors.newFixedThreadPool(jobs);
    boolean good = true;
    List<Future<Boolean>> results = new ArrayList<>();
    for (Job job : all) {
      if (!Files.exists(job.cubin())) {
        compiled++;
        results.add(pool.submit(() -> compile(job)));
      }
    }
    pool.shutdown();
    for (Future<Boolean> result : results) {
      good &= result.get();
    }
    words.forEach((told, on) -> System.out.println("kernels: " + named(on) + ": " + told));
    if (!good) {
      return false;
    }
    forget(all);
    System.out.printf(
        "kernels: %s, %s: compiled %d of %d cubins in %.1f s%n",
        version, named(known), compiled, all.size(), (System.nanoTime() - start) * 1e-9);

    Map<String, Map<Integer, Usage>> usage = new TreeMap<>();
    for (Job job : all) {
      String name = job.source().getFileName().toString().replace(".cu", "");
      Files.copy(
          job.cubin(),
          output.resolve(name + ".sm_" + job.architecture() + ".cubin"),
          StandardCopyOption.REPLACE_EXISTING);
      read(Files.readString(job.log()), job.architecture(), usage);
    }
    String table = version + "\n\n" + table(usage, known);
    Files.writeString(output.resolve("kernels.txt"), table);
    System.out.println(table);
    return spillFree(usage);
  }

  /** Removes what an earlier build left in the output, and sources that are no more. */
  private void clear() throws IOException {
    try (Stream<Path> files = Files.list(output)) {
      for (Path file : (Iterable<Path>) files::iterator) {
        String name = file.getFileName().toString();
        boolean gone = name.endsWith(".cu") && !Files.exists(kernels.resolve(name));
        if (gone || name.endsWith(".cubin") || name.equals("kernels.txt")) {
          Files.delete(file);
        }
      }
    }
  }

  /** Removes cubins of an earlier build that this one does not use. */
  private void forget(List<Job> all) throws IOException {
    TreeSet<Path> used = new TreeSet<>();
    for (Job job : all) {
      used.add(job.cubin());
      used.add(job.log());
    }
    try (Stream<Path> files = Files.list(work)) {
      for (Path file : (Iterable<Path>) files::iterator) {
        if (!used.contains(file)) {
          Files.delete(file);
        }
      }
    }
  }

  /** nvcc's release line, or null if there is none. */
  private String version() throws InterruptedException {
    if (nvcc.equals("none")) {
      return null;
    }
    try {
      for (String line : run(List.of(nvcc, "--version")).split("\n")) {
        int release = line.indexOf("release ");
        if (release >= 0) {
          return "nvcc " + line.substring(release + 8).replaceFirst(".*V", "");
        }
      }
      return "nvcc of unknown release";
    } catch (IOException absent) {
      return null;
    }
  }

  private List<Integer> architectures() throws IOException, InterruptedException {
    List<Integer> known = new ArrayList<>();
    for (String code : run(List.of(nvcc, "--list-gpu-code")).split("\\s+")) {
      if (code.matches("sm_\\d+")) {
        known.add(Integer.valueOf(code.substring(3)));
      }
    }
    return known;
  }

  private List<Job> plan(String version, List<Integer> architectures) throws IOException {
    StringBuilder shared = new StringBuilder(version).append(FLAGS);
    for (Path header : list(kernels.resolve("include"), ".cuh")) {
      shared.append(header.getFileName()).append(Files.readString(header));
    }
    List<Job> all = new ArrayList<>();
    for (Path source : list(kernels, ".cu")) {
      for (int architecture : architectures) {
        String file = source.getFileName() + ".sm_" + architecture;
        String digest = digest(shared + file + Files.readString(source));
        all.add(
            new Job(
                source,
                architecture,
                work.resolve(file + "." + digest + ".cubin"),
                work.resolve(file + "." + digest + ".log")));
      }
    }
    return all;
  }

  private boolean compile(Job job) throws IOException, InterruptedException {
    Path unfinished = Path.of(job.cubin() + ".part");
    List<String> command = new ArrayList<>(List.of(nvcc));
    command.addAll(FLAGS);
    command.add("-arch=sm_" + job.architecture());
    command.addAll(List.of("-I", kernels.resolve("include").toString()));
    command.addAll(List.of("-o", unfinished.toString(), job.source().toString()));
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    String log = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    boolean good = process.waitFor() == 0;
    String said = withoutReport(log);
    if (!good || !said.isBlank()) {
      String told = job.source().getFileName() + (good ? ":\n" : " does not compile:\n") + said;
      synchronized (words) {
        words.computeIfAbsent(told, t -> new TreeSet<>()).add(job.architecture());
      }
    }
    if (!good) {
      Files.deleteIfExists(unfinished);
      return false;
    }
    Files.writeString(job.log(), log);
    Files.move(unfinished, job.cubin(), StandardCopyOption.ATOMIC_MOVE);
    return true;
  }

  /** The compiler's own words: its output without the lines of {@code -Xptxas -v}. */
  private static String withoutReport(String log) {
    StringBuilder words = new StringBuilder();
    for (String line : log.split("\n")) {
      if (!line.startsWith("ptxas info") && !line.contains("bytes stack frame")) {
        words.append(line).append('\n');
      }
    }
    return words.toString().stripTrailing();
  }

  private static final Pattern ENTRY = Pattern.compile("Compiling entry function '(\\w+)'");
  private static final Pattern STACK =
      Pattern.compile("(\\d+) bytes stack frame, (\\d+) bytes spill stores, (\\d+) bytes spill l");
  private static final Pattern REGISTERS = Pattern.compile("Used (\\d+) registers");
  private static final Pattern SHARED = Pattern.compile("(\\d+) bytes smem");

  private static void read(String log, int architecture, Map<String, Map<Integer, Usage>> usage) {
    String kernel = null;
    int stack = 0;
    int spill = 0;
    for (String line : log.split("\n")) {
      Matcher entry = ENTRY.matcher(line);
      Matcher frame = STACK.matcher(line);
      Matcher registers = REGISTERS.matcher(line);
      if (entry.find()) {
        kernel = entry.group(1);
        stack = 0;
        spill = 0;
      } else if (frame.find()) {
        stack += Integer.parseInt(frame.group(1));
        spill += Integer.parseInt(frame.group(2)) + Integer.parseInt(frame.group(3));
      } else if (registers.find() && kernel != null) {
        Matcher shared = SHARED.matcher(line);
        int bytes = shared.find() ? Integer.parseInt(shared.group(1)) : 0;
        usage
            .computeIfAbsent(kernel, k -> new TreeMap<>())
            .put(
                architecture, new Usage(Integer.parseInt(registers.group(1)), bytes, stack, spill));
      }
    }
  }

  private static String table(Map<String, Map<Integer, Usage>> usage, List<Integer> architectures) {
    int width = usage.keySet().stream().mapToInt(String::length).max().orElse(6);
    StringBuilder text = new StringBuilder();
    text.append("Registers a thread by architecture; bytes of static shared memory, stack and")
        .append(" spill: the most on any.\n");
    text.append(("%-" + width + "s").formatted("kernel"));
    for (int architecture : architectures) {
      text.append("%7s".formatted("sm_" + architecture));
    }
    text.append("  shared stack spill\n");
    usage.forEach(
        (kernel, by) -> {
          text.append(("%-" + width + "s").formatted(kernel));
          for (int architecture : architectures) {
            text.append("%7d".formatted(by.get(architecture).registers()));
          }
          text.append(
              "%8d%6d%6d\n"
                  .formatted(
                      by.values().stream().mapToInt(Usage::shared).max().orElse(0),
                      by.values().stream().mapToInt(Usage::stack).max().orElse(0),
                      by.values().stream().mapToInt(Usage::spill).max().orElse(0)));
        });
    return text.toString();
  }

  private static boolean spillFree(Map<String, Map<Integer, Usage>> usage) {
    boolean free = true;
    for (var kernel : usage.entrySet()) {
      for (var on : kernel.getValue().entrySet()) {
        if (on.getValue().spill() > 0) {
          free = false;
          System.out.printf(
              "kernels: %s spills %d bytes on sm_%d (%d registers)%n",
              kernel.getKey(), on.getValue().spill(), on.getKey(), on.getValue().registers());
        }
      }
    }
    return free;
  }

  private static String run(List<String> command) throws IOException, InterruptedException {
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    String text = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    process.waitFor();
    return text;
  }

  private static List<Path> list(Path folder, String suffix) throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return files.filter(file -> file.toString().endsWith(suffix)).sorted().toList();
    } catch (UncheckedIOException e) {
      throw e.getCause();
    }
  }

  private static String digest(String text) {
    try {
      byte[] hash =
          MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8));
      return HexFormat.of().formatHex(hash, 0, 8);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }

  private static String named(Collection<Integer> architectures) {
    return String.join(" ", architectures.stream().map(a -> "sm_" + a).toList());
  }
}
