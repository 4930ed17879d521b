package dev.gridstride.train;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.gridstride.files.AtomicFiles;
import dev.gridstride.files.FileException;
import dev.gridstride.nn.SafeTensors;
import dev.gridstride.program.Tensor;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/**
 * Everything a run needs to go on bit for bit: weights, optimizer moments, counters, and {@link
 * CheckpointInfo} about the run.
 *
 * <p>A folder of two files. {@code state-STEP.safetensors} holds the tensors and is written first;
 * then {@code checkpoint.json}, which names it, replaces its predecessor in one rename. So the
 * folder holds the old checkpoint or the new one whole, whenever the process is killed.
 *
 * @param info of the run
 * @param tensors parameters and states by name
 */
public record Checkpoint(CheckpointInfo info, Map<String, Tensor> tensors) {
  /** The file that makes a folder a checkpoint. */
  public static final String FILE = "checkpoint.json";

  private static final String TENSORS_GLOB = "state-*.safetensors";

  private static final JsonMapper JSON =
      JsonMapper.builder()
          .propertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE)
          .enable(SerializationFeature.INDENT_OUTPUT)
          .enable(DeserializationFeature.FAIL_ON_NULL_FOR_PRIMITIVES)
          .build();

  /**
   * Saves to {@code folder}, which is made if need be.
   *
   * @throws FileException if that fails; a checkpoint already there stays whole
   */
  public void save(Path folder) {
    try {
      Files.createDirectories(folder);
      SafeTensors.write(folder.resolve(info.tensors()), tensors, Map.of());
      AtomicFiles.write(folder.resolve(FILE), JSON.writeValueAsBytes(info));
      try (DirectoryStream<Path> files = Files.newDirectoryStream(folder, TENSORS_GLOB)) {
        for (Path file : files) {
          if (!file.getFileName().toString().equals(info.tensors())) {
            Files.delete(file);
          }
        }
      }
    } catch (IOException e) {
      throw FileException.writing(folder, e);
    }
  }

  /** Name of the tensors' file at a step. */
  static String tensorsName(long step) {
    return "state-" + step + ".safetensors";
  }

  /**
   * Reads a checkpoint.
   *
   * @param path the folder {@code checkpoint}, its {@code checkpoint.json}, or the folder of a run
   *     that has a {@code checkpoint} in it
   * @throws TrainingException if there is none or its JSON is damaged
   * @throws FileException if a file cannot be read or the tensors are damaged
   */
  public static Checkpoint load(Path path) {
    CheckpointInfo info = info(path);
    Path folder = locate(path);
    Path tensors = folder.resolve(info.tensors());
    if (!folder.equals(tensors.getParent())) {
      throw new TrainingException(
          folder + ": the tensors must lie beside it, got " + info.tensors());
    }
    return new Checkpoint(info, SafeTensors.read(tensors).tensors());
  }

  /** Reads what a checkpoint says of its run, without the tensors; otherwise as {@link #load}. */
  public static CheckpointInfo info(Path path) {
    Path file = locate(path).resolve(FILE);
    CheckpointInfo info;
    try {
      info = JSON.readValue(Files.readString(file, StandardCharsets.UTF_8), CheckpointInfo.class);
    } catch (JsonProcessingException e) {
      throw new TrainingException(
          file + " is not a whole checkpoint: " + e.getOriginalMessage(), e);
    } catch (IOException e) {
      throw FileException.reading(file, e);
    }
    if (info.format() != CheckpointInfo.FORMAT) {
      throw new TrainingException(
          file + ": format " + info.format() + ", expected " + CheckpointInfo.FORMAT);
    }
    return info;
  }

  /**
   * The checkpoint folder that {@code path} means.
   *
   * @throws TrainingException if there is none
   */
  public static Path locate(Path path) {
    Path absolute = path.toAbsolutePath().normalize();
    for (Path folder : List.of(absolute, absolute.resolve("checkpoint"))) {
      if (Files.isRegularFile(folder.resolve(FILE))) {
        return folder;
      }
    }
    if (absolute.endsWith(FILE) && Files.isRegularFile(absolute)) {
      return absolute.getParent();
    }
    throw new TrainingException(
        "no checkpoint at "
            + path
            + ": expected the folder "
            + FILE
            + " lies in, such as OUT/checkpoint");
  }
}
