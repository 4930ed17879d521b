package dev.gridstride.cli;

import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class MainTest {
  @Test
  void helpShowsCommandsExamplesAndExitCodes() {
    Cli.run("--help").expect(0).says("predict").says("Examples:").says("Exit codes: 0 done");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "train",
        "evaluate",
        "predict",
        "profile",
        "datasets",
        "doctor",
        "selftest",
        "bundle"
      })
  void everyCommandHasHelp(String command) {
    Cli.run(command, "--help").expect(0).says("Usage: gridstride " + command);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "--model",
        "--dataset",
        "--data",
        "--device",
        "--epochs",
        "--batch",
        "--seed",
        "--threads",
        "--limit",
        "--recipe",
        "--out",
        "--resume",
        "--json"
      })
  void trainHasTheOptionsThatScriptsRelyOn(String option) {
    Cli.run("train", "--help").says("      " + option + "=");
  }

  @Test
  void versionNamesGridstrideAndJava() {
    Cli.run("--version").expect(0).says("gridstride ").says("Java ");
  }

  @Test
  void aMissingCommandIsWrongUsage() {
    Cli.run().expect(2).complains("a command is missing: train, evaluate");
    Cli.run("datasets").expect(2).complains("say list, locate or fetch");
  }

  @Test
  void unknownNamesSuggestNearOnes() {
    Cli.run("trian").expect(2).complains("'trian'").complains("gridstride train");
    Cli.run("train", "--epoch", "3").expect(2).complains("'--epoch'").complains("--epochs");
    Cli.run("datasets", "lst").expect(2).complains("list");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "--epochs 0;--epochs must be at least 1, got 0",
        "--epochs three;Invalid value for option '--epochs': 'three' is not an int",
        "--batch -5;--batch must be at least 1, got -5",
        "--limit 0;--limit must be at least 1, got 0",
        "--patience 0;--patience must be at least 1, got 0",
        "--threads -1;--threads must be at least 1, or 0 for all; got -1",
        "--validation-split 1.5;--validation-split must be above 0 and below 1, got 1.5",
        "--learning-rate -1;--learning-rate must be above 0, got -1.0",
        "--model lenet;--model lenet: unknown; expected one of cifar10-cnn, mlp",
        "--dataset cifar;--dataset cifar: unknown; expected one of auto, cifar10",
        "--recipe best;--recipe best: unknown; expected one of article, tuned",
        "--optimizer lion;--optimizer lion: unknown; expected one of adam",
        "--schedule stairs;--schedule stairs: unknown; expected one of constant",
        "--device gpu;--device gpu: unknown; expected one of auto",
        "--data;Missing required parameter for option '--data'"
      })
  void badValuesAreWrongUsage(String line, @TempDir Path out) {
    String[] parts = line.split(";", 2);
    String[] options = ("train --out " + out + " " + parts[0]).split(" ");
    Cli.run(options).expect(2).complains("gridstride: " + parts[1]);
  }

  @Test
  void doctorShowsTheMachine() {
    Cli.run("doctor")
        .says("java ")
        .says("cores ")
        .says("device reference")
        .says("cache ")
        .says("data set cifar10");
  }

  @Test
  void datasetsAreListedAndLocated() {
    Cli.run("datasets", "list").expect(0).says("fashion-mnist").says("[3,32,32]");
    Cli.run("datasets", "locate", "nothing").expect(2).complains("expected one of cifar10");
  }

  @Test
  void anErrorShowsItsStackTraceIfAsked() {
    Cli quiet = Cli.run("evaluate", "--model-dir", "/nonexistent").expect(1);
    quiet.complains("no trained model at /nonexistent");
    Cli.run("evaluate", "--stacktrace", "--model-dir", "/nonexistent")
        .complains("\tat dev.gridstride.cli.");
  }
}
