package dev.gridstride.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code bin/gridstride} in a tree of its own, with a java that prints its arguments. */
class LauncherTest {
  @TempDir private Path folder;
  private Path launcher;
  private Path javaHome;

  @BeforeEach
  void install() throws IOException {
    Path home = Files.createDirectories(folder.resolve("a project/java"));
    launcher = Files.createDirectories(home.resolve("bin")).resolve("gridstride");
    Files.copy(Path.of("bin", "gridstride"), launcher);
    Files.createDirectories(home.resolve("target"));
    Files.writeString(home.resolve("target/gridstride.jar"), "");
    javaHome = javaOfVersion("17.0.9");
  }

  private Path javaOfVersion(String version) throws IOException {
    Path java = Files.createDirectories(folder.resolve("java " + version + "/bin"));
    executable(java.resolve("java"), "#!/bin/sh\nprintf '<%s>' \"$@\"\nexit 42\n");
    Files.writeString(java.resolveSibling("release"), "JAVA_VERSION=\"" + version + "\"\n");
    return java.getParent();
  }

  private static void executable(Path file, String script) throws IOException {
    Files.writeString(file, script);
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwxr-xr-x"));
  }

  private Cli run(Path command, Map<String, String> environment, String... args)
      throws IOException, InterruptedException {
    String[] line = new String[args.length + 2];
    line[0] = "/bin/sh";
    line[1] = command.toString();
    System.arraycopy(args, 0, line, 2, args.length);
    ProcessBuilder builder = new ProcessBuilder(line).directory(Path.of("/").toFile());
    builder.environment().remove("JAVA_HOME");
    builder.environment().putAll(environment);
    Process process = builder.start();
    String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    String err = new String(process.getErrorStream().readAllBytes(), StandardCharsets.UTF_8);
    assertTrue(process.waitFor(20, TimeUnit.SECONDS));
    return new Cli(process.exitValue(), out, err);
  }

  private Map<String, String> javaHome() {
    return Map.of("JAVA_HOME", javaHome.toString());
  }

  @Test
  void passesArgumentsAndTheExitCode() throws Exception {
    String jar = launcher.getParent().resolveSibling("target/gridstride.jar").toString();
    run(launcher, javaHome(), "predict", "my photos", "--top=3")
        .expect(42)
        .says("<-jar><" + jar + "><predict><my photos><--top=3>")
        .says("<-Dgridstride.terminal=false>");
  }

  @Test
  void worksThroughSymbolicLinks() throws Exception {
    Path first = Files.createSymbolicLink(folder.resolve("first"), launcher);
    Path second = Files.createSymbolicLink(folder.resolve("second"), first.getFileName());
    run(second, javaHome(), "--version").expect(42).says("target/gridstride.jar><--version>");
  }

  @Test
  void findsJavaInThePath() throws Exception {
    String path = javaHome.resolve("bin") + ":" + System.getenv("PATH");
    run(launcher, Map.of("PATH", path), "doctor").expect(42).says("<doctor>");
  }

  @Test
  void anOlderJavaIsRefused() throws Exception {
    for (String version : new String[] {"11.0.2", "1.8.0_392"}) {
      Path old = javaOfVersion(version);
      run(launcher, Map.of("JAVA_HOME", old.toString()))
          .expect(1)
          .complains("is Java " + version + "; Java 17 or later is needed");
    }
  }

  @Test
  void aWrongJavaHomeIsSaid() throws Exception {
    run(launcher, Map.of("JAVA_HOME", "/nowhere"))
        .expect(1)
        .complains("JAVA_HOME is /nowhere, but /nowhere/bin/java is not there");
  }

  @Test
  void newerJavasGetTheirOwnOptions() throws Exception {
    Cli old = run(launcher, javaHome(), "x");
    assertEquals(-1, old.out().indexOf("--sun-misc-unsafe-memory-access"));
    Path newer = javaOfVersion("25");
    run(launcher, Map.of("JAVA_HOME", newer.toString()), "x")
        .says("<--sun-misc-unsafe-memory-access=allow>");
  }

  @Test
  void moreOptionsOfTheJvmComeFromTheEnvironment() throws Exception {
    Map<String, String> environment =
        Map.of("JAVA_HOME", javaHome.toString(), "GRIDSTRIDE_JAVA_OPTS", "-Xmx3g -Dx=y");
    run(launcher, environment).says("<-Xmx3g><-Dx=y>");
  }

  @Test
  void aMissingJarSaysHowToBuild() throws Exception {
    Files.delete(launcher.getParent().resolveSibling("target/gridstride.jar"));
    run(launcher, javaHome()).expect(1).complains("is missing; build it: cd ");
  }
}
