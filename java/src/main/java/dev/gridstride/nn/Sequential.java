package dev.gridstride.nn;

import dev.gridstride.program.ProgramException;
import dev.gridstride.program.Value;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.regex.Pattern;

/**
 * Layers one after the other, each with a name that becomes part of its parameters' names: {@code
 * conv1.weight}. Layers that are given no name are called by their kind and a number, as a PyTorch
 * user would: {@code conv1}, {@code conv2}, {@code fc1}, {@code bn1}. Without layers, the output is
 * the input.
 *
 * @param layers in the order in which they are applied
 */
public record Sequential(List<Entry> layers) implements Layer {
  private static final Pattern NAME = Pattern.compile("[A-Za-z_][A-Za-z0-9_]*");

  /**
   * A layer with its name.
   *
   * @param name unique among its neighbours: letters, digits and underscores, not a digit first
   * @param layer what is applied
   */
  public record Entry(String name, Layer layer) {
    /** Checks the name. */
    public Entry {
      Objects.requireNonNull(name, "name");
      Objects.requireNonNull(layer, "layer");
      if (!NAME.matcher(name).matches()) {
        throw new ProgramException(
            "Sequential: a layer's name must be letters, digits and underscores, got \""
                + name
                + "\"");
      }
    }
  }

  /** Checks that names are unique and copies the list. */
  public Sequential {
    layers = List.copyOf(layers);
    long names = layers.stream().map(Entry::name).distinct().count();
    if (names != layers.size()) {
      throw new ProgramException(
          "Sequential: every layer needs a name of its own, got "
              + layers.stream().map(Entry::name).toList());
    }
  }

  /** These layers under automatic names. */
  public static Sequential of(Layer... layers) {
    Sequential result = new Sequential(List.of());
    for (Layer layer : layers) {
      result = result.add(layer);
    }
    return result;
  }

  /** With one more layer, under an automatic name. */
  public Sequential add(Layer layer) {
    List<String> taken = layers.stream().map(Entry::name).toList();
    int number = 1;
    while (taken.contains(layer.kind() + number)) {
      number++;
    }
    return add(layer.kind() + number, layer);
  }

  /** With one more layer, under a given name. */
  public Sequential add(String name, Layer layer) {
    List<Entry> more = new ArrayList<>(layers);
    more.add(new Entry(name, layer));
    return new Sequential(more);
  }

  @Override
  public Value apply(Scope scope, Value x) {
    Value value = x;
    for (Entry entry : layers) {
      value = scope.apply(entry.name, entry.layer, value);
    }
    return value;
  }

  @Override
  public String kind() {
    return "layers";
  }

  /** For example {@code Sequential of 3 layers}. */
  @Override
  public String toString() {
    return "Sequential of " + layers.size() + " layers";
  }
}
