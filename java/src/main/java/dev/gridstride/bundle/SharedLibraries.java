package dev.gridstride.bundle;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;

/**
 * Libraries of this machine that a bundle needs beside glibc and NVIDIA's, such as {@code
 * libstdc++.so.6}. They are packed for machines that lack them.
 */
final class SharedLibraries {
  /** Always there, or not ours to bring. */
  private static final Set<String> SYSTEM =
      Set.of(
          "ld-linux-x86-64.so.2",
          "libc.so.6",
          "libcublas.so.12",
          "libcuda.so.1",
          "libcudnn.so.9",
          "libdl.so.2",
          "libm.so.6",
          "libpthread.so.0",
          "librt.so.1");

  private static final List<Path> FOLDERS =
      List.of(
          Path.of("/lib/x86_64-linux-gnu"),
          Path.of("/usr/lib/x86_64-linux-gnu"),
          Path.of("/lib64"),
          Path.of("/usr/lib64"),
          Path.of("/lib"),
          Path.of("/usr/lib"));

  private SharedLibraries() {}

  /**
   * Where on this machine the libraries are that these natives need and do not bring, by name.
   *
   * @throws BundleException if this machine lacks one itself
   */
  static Map<String, Path> missing(List<Native> natives) throws IOException {
    Set<String> here = natives.stream().map(Native::name).collect(Collectors.toSet());
    Map<String, Path> found = new TreeMap<>();
    Deque<Native> open = new ArrayDeque<>(natives);
    while (!open.isEmpty()) {
      Native user = open.pop();
      for (String name : user.elf().needed()) {
        if (SYSTEM.contains(name) || here.contains(name) || found.containsKey(name)) {
          continue;
        }
        Path file = find(name, user.path());
        found.put(name, file);
        open.push(new Native(name, Elf.of(Files.readAllBytes(file))));
      }
    }
    return found;
  }

  private static Path find(String name, String user) throws IOException {
    for (Path folder : FOLDERS) {
      if (Files.isReadable(folder.resolve(name))) {
        return folder.resolve(name).toRealPath();
      }
    }
    throw new BundleException(
        "bundle: " + user + " needs " + name + ", which is in none of " + FOLDERS + "; install it");
  }
}
