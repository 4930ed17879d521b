package dev.gridstride.nn;

import dev.gridstride.program.ProgramException;
import java.util.List;

/**
 * A model with what is needed to use it on images: what {@link ModelJson} keeps, beside the weights
 * in a safetensors file.
 *
 * @param model the architecture
 * @param preprocessing of its input
 * @param classNames in the order of its output
 */
public record SavedModel(Model model, Preprocessing preprocessing, List<String> classNames) {
  /** Checks that channels and classes are as many as the model's. */
  public SavedModel {
    classNames = List.copyOf(classNames);
    if (classNames.size() != model.classes()) {
      throw new ProgramException(
          model.name()
              + ": expected "
              + model.classes()
              + " class names, got "
              + classNames.size());
    }
    int channels = preprocessing.mean().size();
    if (channels != 0 && channels != model.inputShape().dim(0)) {
      throw new ProgramException(
          model.name()
              + ": expected means of the "
              + model.inputShape().dim(0)
              + " channels of "
              + model.inputShape()
              + ", got "
              + channels);
    }
  }
}
