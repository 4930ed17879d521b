package dev.gridstride.backend;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * Who computes the nodes of a session's programs.
 *
 * @param nodes how many nodes an implementation computes, by its name
 * @param byNode the implementation of each node whose op has several and for which more than own
 *     kernels were asked for; the key says op, attributes, types and precision
 * @param libraries versions of the libraries that were loaded, by name
 * @param tuning what was measured and where that is kept; empty if nothing was looked up
 */
public record ImplementationUse(
    Map<String, Integer> nodes,
    Map<String, String> byNode,
    Map<String, String> libraries,
    String tuning) {
  /** Of a device without a choice. */
  public static final ImplementationUse NONE =
      new ImplementationUse(Map.of(), Map.of(), Map.of(), "");

  /** Copies the maps. */
  public ImplementationUse {
    nodes = Collections.unmodifiableMap(new LinkedHashMap<>(nodes));
    byNode = Collections.unmodifiableMap(new LinkedHashMap<>(byNode));
    libraries = Collections.unmodifiableMap(new LinkedHashMap<>(libraries));
  }

  /** One line: {@code own 12 nodes, cudnn 4; cudnn 9.5.0}. Empty if there is nothing to say. */
  @Override
  public String toString() {
    StringBuilder text = new StringBuilder();
    nodes.forEach(
        (name, count) -> {
          String unit = !text.isEmpty() ? "" : count == 1 ? " node" : " nodes";
          text.append(text.isEmpty() ? "" : ", ").append(name).append(' ').append(count);
          text.append(unit);
        });
    if (!libraries.isEmpty()) {
      text.append(
          libraries.entrySet().stream()
              .map(library -> library.getKey() + " " + library.getValue())
              .collect(Collectors.joining(", ", "; ", "")));
    }
    return text.append(tuning.isEmpty() ? "" : "; " + tuning).toString();
  }
}
