package dev.gridstride.train;

import dev.gridstride.nn.ParameterSpec;
import dev.gridstride.program.Program;
import dev.gridstride.program.Value;
import java.util.List;

/**
 * A program of one batch and what its caller needs to know of it.
 *
 * @param program the ops, ready to compile
 * @param predictions the model's output
 * @param parameters the model's parameters and running statistics in the order of its layers
 */
record StepProgram(Program program, Value predictions, List<ParameterSpec> parameters) {
  /** The persistent value of this name. */
  Value value(String name) {
    return program.values().stream()
        .filter(v -> v.name().equals(name))
        .findFirst()
        .orElseThrow(() -> new IllegalStateException("the program has no value " + name));
  }
}
