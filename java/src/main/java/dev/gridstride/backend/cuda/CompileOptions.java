package dev.gridstride.backend.cuda;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * How to compile a source.
 *
 * @param checked with the checker, which finds out-of-bounds and misaligned access, races, missing
 *     barriers and reads of unset memory; on the simulated device only
 * @param defines macros by name
 * @param includeFolders where to look for headers, after the source's own folder
 */
public record CompileOptions(
    boolean checked, Map<String, String> defines, List<Path> includeFolders) {
  /** No checker, no macros, no folders. */
  public static final CompileOptions DEFAULT = new CompileOptions(false, Map.of(), List.of());

  /** With the checker. */
  public static final CompileOptions CHECKED = new CompileOptions(true, Map.of(), List.of());

  /** Copies the collections; macros are kept in the order of their names. */
  public CompileOptions {
    defines = java.util.Collections.unmodifiableMap(new TreeMap<>(defines));
    includeFolders = List.copyOf(includeFolders);
  }

  /** The same with one macro more. */
  public CompileOptions define(String name, String value) {
    Map<String, String> more = new TreeMap<>(defines);
    more.put(name, value);
    return new CompileOptions(checked, more, includeFolders);
  }

  /** The same with one folder more. */
  public CompileOptions include(Path folder) {
    List<Path> more = new ArrayList<>(includeFolders);
    more.add(folder);
    return new CompileOptions(checked, defines, more);
  }
}
