package dev.gridstride.data;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;

/** Finds a known data set on this machine, or fetches it. */
final class Finder {
  private final Path dataFolder;
  private final Path cache;
  private final Download download;
  private final Progress progress;

  /**
   * Looks in these places.
   *
   * @param dataFolder what the user named, or null
   * @param cache the user's cache folder; need not be there
   */
  Finder(Path dataFolder, Path cache, Download download, Progress progress) {
    if (dataFolder != null && !Files.isDirectory(dataFolder)) {
      throw DataException.expected(
          "--data " + dataFolder,
          "a folder",
          Files.exists(dataFolder) ? "a file" : "nothing there");
    }
    this.dataFolder = dataFolder;
    this.cache = cache;
    this.download = download;
    this.progress = progress;
  }

  /**
   * Data that were found.
   *
   * @param path the folder, or the archive that holds it
   * @param how where that is, for the user
   */
  record Found(Path path, String how) {
    boolean isArchive() {
      return Files.isRegularFile(path);
    }

    @Override
    public String toString() {
      return path + " (" + how + ")";
    }
  }

  /** Where the data set is: the user's folder, the cache, or where the system puts it. */
  Optional<Found> find(Source source) {
    if (dataFolder != null && source.isIn(dataFolder)) {
      return Optional.of(new Found(dataFolder, "--data"));
    }
    return Optional.ofNullable(dataFolder)
        .flatMap(folder -> under(source, folder, "--data"))
        .or(() -> under(source, cache, "cache"))
        .or(
            () ->
                source.systemFolders().stream()
                    .filter(source::isIn)
                    .findFirst()
                    .map(folder -> new Found(folder, "system package")));
  }

  private static Optional<Found> under(Source source, Path folder, String how) {
    Optional<Path> archive =
        source.archive().map(file -> folder.resolve(file.fileName())).filter(Files::isRegularFile);
    return source.under(folder).or(() -> archive).map(path -> new Found(path, how));
  }

  /** The folder to read; an archive's checksum is verified, then it is unpacked into the cache. */
  Path folder(Source source, Found found) {
    if (!found.isArchive()) {
      return found.path();
    }
    RemoteFile file = source.archive().orElseThrow();
    Path target = unpacked(file);
    if (!Files.isDirectory(target)) {
      Checksums.verify(found.path(), file.md5());
      DataFiles.createFolder(cache);
      progress.update("unpack " + file.fileName(), 0, -1);
      Archive.unpack(found.path(), target);
    }
    return source
        .under(target)
        .orElseThrow(
            () ->
                DataException.expected(
                    found.path(), "the folder " + source.folders().get(0), "others"));
  }

  /** Where an archive is unpacked: a folder of its own, so that it is known to be its content. */
  private Path unpacked(RemoteFile archive) {
    return cache.resolve(archive.fileName().replaceFirst("\\.tar\\.gz$", "") + ".unpacked");
  }

  /**
   * Fetches the data set into the cache, from Debian's package if there is one, else from its home.
   *
   * @throws DataException that says what was tried and which file to put where
   */
  Found fetch(Source source) {
    List<String> failures = new ArrayList<>();
    try {
      DataFiles.createFolder(cache);
      if (source.debianPackage().isPresent()) {
        try {
          return fromDebian(source);
        } catch (DataException e) {
          failures.add("Debian package: " + e.getMessage());
        }
      }
      return fromHome(source);
    } catch (DataException e) {
      failures.add(e.getMessage());
      throw new DataException(
          source.about().name() + ": " + String.join("; ", failures) + ". " + cure(source), e);
    }
  }

  private Found fromDebian(Source source) {
    Path target = cache.resolve(source.folders().get(0));
    String name = source.debianPackage().orElseThrow();
    new DebianPackage(name, progress).fetch(source.systemFolders().get(0), target);
    return new Found(target, "fetched as Debian package " + name);
  }

  private Found fromHome(Source source) {
    Optional<RemoteFile> archive = source.archive();
    if (archive.isPresent()) {
      Path file = cache.resolve(archive.get().fileName());
      download.fetch(archive.get(), file);
      Found found = new Found(file, "downloaded");
      Found unpacked = new Found(folder(source, found), "downloaded from " + archive.get().uri());
      DataFiles.deleteTree(file);
      return unpacked;
    }
    Path folder = cache.resolve(source.folders().get(0));
    Path part = DataFiles.temporaryFolder(folder);
    try {
      for (RemoteFile file : source.downloads()) {
        download.fetch(file, part.resolve(file.fileName()));
      }
      DataFiles.publish(part, folder);
    } catch (IOException e) {
      throw DataException.io("write", folder, e);
    } finally {
      DataFiles.deleteTree(part);
    }
    return new Found(folder, "downloaded from " + source.downloads().get(0).uri().getHost());
  }

  /** What the user can do by hand. */
  String cure(Source source) {
    boolean packed = source.archive().isPresent();
    String files =
        source.downloads().stream()
            .map(file -> file.fileName() + " (md5 " + file.md5() + ")")
            .collect(Collectors.joining(", "));
    String folder = source.folders().get(0);
    String debian =
        source
            .debianPackage()
            .map(name -> ", or as root: apt-get update && apt-get install " + name)
            .orElse("");
    return "Get "
        + files
        + " from "
        + source.downloads().get(0).uri().resolve(".")
        + " and put "
        + (packed ? "it into " + cache : "them into " + cache.resolve(folder))
        + ", or give the folder that holds "
        + (packed ? "it (or what is in it, " + folder + ")" : "them")
        + " with --data DIR"
        + debian
        + ". Another cache folder is set by GRIDSTRIDE_CACHE.";
  }

  /** The places that were looked in, for the user. */
  String places(Source source) {
    List<String> places = new ArrayList<>();
    if (dataFolder != null) {
      places.add("--data " + dataFolder);
    }
    places.add("the cache " + cache);
    source.systemFolders().forEach(folder -> places.add(folder.toString()));
    return String.join(", ", places);
  }
}
