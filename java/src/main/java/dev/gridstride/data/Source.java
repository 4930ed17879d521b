package dev.gridstride.data;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;

/**
 * Where a known data set can be and how it is read.
 *
 * @param about what is known of it
 * @param folders the names its folder goes by, the first the one used in the cache
 * @param files what is in the folder; each may also be compressed, with {@code .gz} added
 * @param downloads what its home offers: one {@code .tar.gz} with the folder in it, or the files
 * @param systemFolders where the system's packages put it
 * @param debianPackage Debian's package of it
 * @param reader reads the folder
 */
record Source(
    KnownDataset about,
    List<String> folders,
    List<String> files,
    List<RemoteFile> downloads,
    List<Path> systemFolders,
    Optional<String> debianPackage,
    Function<Path, Parts> reader) {

  /** The archive that holds the whole folder, if its home offers one. */
  Optional<RemoteFile> archive() {
    return downloads.stream().filter(file -> file.fileName().endsWith(".tar.gz")).findFirst();
  }

  /** Whether {@code folder} holds any of the files: a set cut short is an error, not absent. */
  boolean isIn(Path folder) {
    return files.stream().anyMatch(file -> DataFiles.plainOrGz(folder, file).isPresent());
  }

  /** The folder in {@code folder} that goes by one of the names and holds data. */
  Optional<Path> under(Path folder) {
    return folders.stream().map(folder::resolve).filter(this::isIn).findFirst();
  }
}
