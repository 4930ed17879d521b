package dev.gridstride.data;

import static dev.gridstride.data.TestFiles.assertDataException;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.net.httpserver.HttpServer;
import dev.gridstride.files.CacheFolder;
import dev.gridstride.program.Shape;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Where data sets are looked for, in which order, with homes on this machine. */
class DatasetsTest {
  private static final String ARCHIVE = "cifar-10-binary.tar.gz";
  private static final String FOLDER = "cifar-10-batches-bin";

  @TempDir Path temp;

  private Path cache;
  private Path data;
  private HttpServer server;
  private final Map<String, byte[]> home = new HashMap<>();

  @BeforeEach
  void start() throws IOException {
    cache = temp.resolve("cache");
    data = Files.createDirectory(temp.resolve("data"));
    server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.createContext(
        "/",
        exchange -> {
          try (exchange) {
            byte[] file = home.getOrDefault(exchange.getRequestURI().getPath(), new byte[0]);
            exchange.sendResponseHeaders(file.length == 0 ? 404 : 200, file.length);
            exchange.getResponseBody().write(file);
          }
        });
    server.start();
  }

  @AfterEach
  void stop() {
    server.stop(0);
  }

  private Datasets.Options options() {
    return Datasets.Options.defaults().withCache(cache);
  }

  /** Puts a file into the home. */
  private RemoteFile atHome(String name, byte[] bytes) {
    home.put("/" + name, bytes);
    MessageDigest digest = Checksums.md5();
    digest.update(bytes);
    int port = server.getAddress().getPort();
    return RemoteFile.of("http://127.0.0.1:" + port + "/" + name, Checksums.hex(digest));
  }

  private static byte[] cifarArchive(String folder) throws IOException {
    Object[] entries = new Object[12];
    for (int i = 0; i < 6; i++) {
      String name = i < 5 ? "data_batch_" + (i + 1) + ".bin" : "test_batch.bin";
      entries[2 * i] = folder + "/" + name;
      entries[2 * i + 1] = TestFiles.cifar(2, i);
    }
    return ArchiveTest.tarGz(entries);
  }

  private static Source source(String name, List<RemoteFile> downloads, Path system) {
    boolean cifar = name.equals("cifar10");
    Source real =
        Catalog.sources().stream().filter(s -> s.about().name().equals(name)).findFirst().get();
    return new Source(
        real.about(),
        real.folders(),
        real.files(),
        downloads,
        cifar ? List.of() : List.of(system),
        Optional.empty(),
        real.reader());
  }

  private Source cifar(RemoteFile archive) {
    return source("cifar10", List.of(archive), data);
  }

  private Finder finder(Path dataFolder) {
    return new Finder(dataFolder, cache, Download.patient(Progress.NONE), Progress.NONE);
  }

  @Test
  void findsTheFolderItselfAndItsParent() throws IOException {
    Path folder = TestFiles.cifar10(data.resolve(FOLDER), 2, 2);
    for (Path given : List.of(data, folder)) {
      LoadedData loaded = Datasets.load("cifar10", given, options());
      assertEquals(10, loaded.train().size());
      assertEquals("data set: cifar10 from " + folder + " (--data)", loaded.explanation());
      assertEquals(Optional.of(folder), Datasets.locate("cifar10", given, options()));
    }
  }

  @Test
  void prefersTheFolderGivenToTheCache() throws IOException {
    Path cached = TestFiles.cifar10(cache.resolve(FOLDER), 1, 1);
    assertEquals(cached, Datasets.fetch("cifar10", options()));
    assertEquals(5, Datasets.load("cifar10", null, options()).train().size());
    assertEquals(5, Datasets.load("cifar10", data, options()).train().size());
    TestFiles.cifar10(data, 3, 1);
    assertEquals(15, Datasets.load("auto", data, options()).train().size());
  }

  @Test
  void aDamagedSetIsAnErrorAndNothingElseIsTaken() throws IOException {
    TestFiles.cifar10(cache.resolve(FOLDER), 1, 1);
    TestFiles.cifar10(data, 3, 1);
    Path file = data.resolve("data_batch_3.bin");
    Files.write(file, new byte[100]);
    assertDataException(() -> Datasets.load("auto", data, options()), file, "got 100 bytes");
    Files.delete(file);
    assertDataException(() -> Datasets.load("cifar10", data, options()), file, "no such file");
  }

  @Test
  void unpacksAnArchiveOfTheFolderGivenIntoTheCache() throws IOException {
    byte[] bytes = cifarArchive(FOLDER);
    Source source = cifar(atHome(ARCHIVE, bytes));
    Path archive = Files.write(data.resolve(ARCHIVE), bytes);
    Finder.Found found = finder(data).find(source).orElseThrow();
    assertEquals(archive, found.path());
    Path folder = finder(data).folder(source, found);
    assertTrue(folder.startsWith(cache));
    assertEquals(10, source.reader().apply(folder).train().size());
    assertEquals(folder, finder(data).folder(source, found), "the second time as well");
  }

  @Test
  void refusesAnArchiveWithAnotherChecksum() throws IOException {
    Path archive = Files.write(data.resolve(ARCHIVE), cifarArchive(FOLDER));
    assertDataException(
        () -> Datasets.load("cifar10", data, options()),
        archive,
        "md5 c32a1d4ab5d03f1284b67883e8d87530");
    assertFalse(Files.exists(cache));
  }

  @Test
  void refusesAnArchiveWithoutTheFolder() throws IOException {
    byte[] bytes = cifarArchive("other");
    Source source = cifar(atHome(ARCHIVE, bytes));
    Files.write(data.resolve(ARCHIVE), bytes);
    Finder.Found found = finder(data).find(source).orElseThrow();
    assertDataException(() -> finder(data).folder(source, found), ARCHIVE, FOLDER);
  }

  @Test
  void downloadsAnArchiveOnce() throws IOException {
    Source source = cifar(atHome(ARCHIVE, cifarArchive(FOLDER)));
    Finder.Found found = finder(null).fetch(source);
    assertEquals(10, source.reader().apply(found.path()).train().size());
    assertFalse(Files.exists(cache.resolve(ARCHIVE)), "the archive is not kept");
  }

  @Test
  void downloadsSeveralFilesAllOrNothing() throws IOException {
    Path files = TestFiles.idxFolder(temp.resolve("idx"), true);
    List<RemoteFile> downloads = new ArrayList<>();
    for (String name : IdxReader.FILES) {
      downloads.add(atHome(name + ".gz", Files.readAllBytes(files.resolve(name + ".gz"))));
    }
    Source source = source("mnist", downloads, temp.resolve("none"));
    byte[] last = home.remove("/" + IdxReader.FILES.get(3) + ".gz");
    assertDataException(
        () -> finder(null).fetch(source),
        "mnist: ",
        "got 404",
        "put them into " + cache.resolve("mnist"),
        downloads.get(0).md5());
    assertTrue(DataFiles.entries(cache).isEmpty());
    home.put("/" + IdxReader.FILES.get(3) + ".gz", last);
    assertEquals(3, source.reader().apply(finder(null).fetch(source).path()).train().size());
  }

  @Test
  void autoTakesCifarWhereItCanBeDownloaded() throws IOException {
    Source first = cifar(atHome(ARCHIVE, cifarArchive(FOLDER)));
    Source second = source("fashion-mnist", List.of(), temp.resolve("none"));
    LoadedData loaded = Datasets.auto(data, options(), first, second);
    assertEquals(Shape.of(3, 32, 32), loaded.train().sampleShape());
    assertTrue(loaded.explanation().contains("downloaded from http"), loaded.explanation());
  }

  @Test
  void autoFallsBackToFashionMnistAndSaysWhy() throws IOException {
    Path system = TestFiles.idxFolder(temp.resolve("system"), true);
    RemoteFile gone = RemoteFile.of(atHome("gone.tar.gz", new byte[0]).uri().toString(), "0");
    Source second = source("fashion-mnist", List.of(gone), system);
    String explanation = Datasets.auto(data, options(), cifar(gone), second).explanation();
    assertTrue(explanation.startsWith("data set: fashion-mnist from " + system), explanation);
    assertTrue(explanation.contains("cifar10 not used: not in --data " + data), explanation);
    assertTrue(
        explanation.contains(gone.uri() + ": expected HTTP status 200, got 404"), explanation);
    assertFalse(explanation.contains("\n"));
  }

  @Test
  void autoWithoutAnythingSaysWhatToDoForBoth() {
    RemoteFile gone = RemoteFile.of(atHome("gone.tar.gz", new byte[0]).uri().toString(), "0");
    Source second = source("fashion-mnist", List.of(gone), temp.resolve("none"));
    assertDataException(
        () -> Datasets.auto(null, options(), cifar(gone), second),
        "cifar10 not used",
        "fashion-mnist: ",
        "--data DIR");
  }

  @Test
  void withoutFetchingAMissingSetSaysWhichFileToPutWhere() {
    assertDataException(
        () -> Datasets.load("cifar10", null, options().withFetch(false)),
        "cifar10: not in the cache " + cache,
        ARCHIVE,
        "c32a1d4ab5d03f1284b67883e8d87530",
        "https://www.cs.toronto.edu/~kriz/",
        "into " + cache,
        "--data DIR");
  }

  @Test
  void refusesFoldersThatAreNotThere() throws IOException {
    Path none = temp.resolve("none");
    assertDataException(() -> Datasets.load("cifar10", none, options()), none, "nothing there");
    Path file = Files.createFile(temp.resolve("file"));
    assertDataException(() -> Datasets.load("mnist", file, options()), file, "a file");
    assertDataException(() -> Datasets.load("folder", null, options()), "--data DIR");
    assertDataException(() -> Datasets.load("npy", null, options()), "--data DIR");
  }

  @Test
  void refusesACacheThatCannotBeMade() throws IOException {
    Path file = Files.createFile(temp.resolve("file"));
    Source source = cifar(atHome(ARCHIVE, cifarArchive(FOLDER)));
    Download download = Download.patient(Progress.NONE);
    Finder finder = new Finder(null, file.resolve("cache"), download, Progress.NONE);
    assertDataException(() -> finder.fetch(source), file.resolve("cache"), "GRIDSTRIDE_CACHE");
  }

  @Test
  void refusesUnknownNames() {
    assertDataException(
        () -> Datasets.load("cifar11", null, options()), "one of auto, cifar10", "got cifar11");
    assertDataException(() -> Datasets.locate("auto", null, options()), "data set");
  }

  @Test
  void loadsSyntheticFoldersAndArrays() throws IOException {
    assertEquals(5000, Datasets.load("synthetic", null, options()).train().size());
    for (String file : List.of("a/1.png", "a/2.png", "b/1.png")) {
      TestFiles.write(data.resolve(file), TestFiles.image("png", 1, 2, 2));
    }
    LoadedData loaded = Datasets.load("folder", data, options());
    assertTrue(loaded.explanation().contains("from " + data), loaded.explanation());
    assertEquals(List.of("a", "b"), loaded.train().classNames());
  }

  @Test
  void theCacheFolderFollowsTheEnvironment() {
    Map<String, String> own = Map.of("GRIDSTRIDE_CACHE", "/c", "XDG_CACHE_HOME", "/x");
    assertEquals(Path.of("/c"), CacheFolder.of(own, "/home/u"));
    assertEquals(
        Path.of("/x/gridstride"), CacheFolder.of(Map.of("XDG_CACHE_HOME", "/x"), "/home/u"));
    assertEquals(Path.of("/home/u/.cache/gridstride"), CacheFolder.of(Map.of(), "/home/u"));
  }

  @Test
  void listsWhatIsKnown() {
    assertEquals(
        List.of("cifar10", "cifar100", "mnist", "fashion-mnist"),
        Datasets.list().stream().map(KnownDataset::name).toList());
    assertTrue(Datasets.names().containsAll(List.of("auto", "folder", "npy", "synthetic")));
  }
}
