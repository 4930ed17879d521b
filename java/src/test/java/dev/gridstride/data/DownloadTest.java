package dev.gridstride.data;

import static dev.gridstride.data.TestFiles.assertDataException;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DownloadTest {
  private static final byte[] CONTENT = new byte[100_000];

  @TempDir Path folder;

  private HttpServer server;
  private ExecutorService threads;
  private final CountDownLatch end = new CountDownLatch(1);

  @BeforeEach
  void start() throws IOException {
    for (int i = 0; i < CONTENT.length; i++) {
      CONTENT[i] = (byte) (i * 31);
    }
    threads = Executors.newCachedThreadPool();
    server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.setExecutor(threads);
    server.createContext("/good.bin", exchange -> answer(exchange, 200, CONTENT.length));
    server.createContext("/short.bin", exchange -> answer(exchange, 200, CONTENT.length + 1));
    server.createContext("/moved.bin", this::redirect);
    server.createContext("/stall.bin", this::stall);
    server.createContext("/mute.bin", exchange -> waitForTheEnd());
    server.start();
  }

  @AfterEach
  void stop() {
    end.countDown();
    server.stop(0);
    threads.shutdownNow();
  }

  private static void answer(HttpExchange exchange, int status, long length) throws IOException {
    try (exchange) {
      exchange.sendResponseHeaders(status, length);
      exchange.getResponseBody().write(CONTENT);
    }
  }

  private void redirect(HttpExchange exchange) throws IOException {
    try (exchange) {
      exchange.getResponseHeaders().add("Location", uri("good.bin"));
      exchange.sendResponseHeaders(302, -1);
    }
  }

  private void stall(HttpExchange exchange) throws IOException {
    exchange.sendResponseHeaders(200, CONTENT.length);
    exchange.getResponseBody().write(CONTENT, 0, 1000);
    exchange.getResponseBody().flush();
    waitForTheEnd();
  }

  private void waitForTheEnd() {
    try {
      end.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private String uri(String name) {
    return "http://127.0.0.1:" + server.getAddress().getPort() + "/" + name;
  }

  private Path fetch(String name, String md5) {
    Path target = folder.resolve(name);
    hasty(Progress.NONE).fetch(RemoteFile.of(uri(name), md5), target);
    return target;
  }

  private static Download hasty(Progress progress) {
    return new Download(
        Duration.ofSeconds(1), Duration.ofMillis(600), Duration.ofSeconds(20), progress);
  }

  private static String contentMd5() throws Exception {
    return Checksums.hex(updated(Checksums.md5()));
  }

  private static MessageDigest updated(MessageDigest digest) {
    digest.update(CONTENT);
    return digest;
  }

  private void assertNothingIsLeft() throws IOException {
    try (var files = Files.list(folder)) {
      assertEquals(List.of(), files.toList());
    }
  }

  @Test
  void fetchesVerifiesAndReports() throws Exception {
    List<String> news = new ArrayList<>();
    Path target = folder.resolve("good.bin");
    hasty((what, done, total) -> news.add(what + " " + done + "/" + total))
        .fetch(RemoteFile.of(uri("good.bin"), contentMd5()), target);
    assertArrayEquals(CONTENT, Files.readAllBytes(target));
    assertEquals("download good.bin 100000/100000", news.get(news.size() - 1));
  }

  @Test
  void followsToWhereItMoved() throws Exception {
    assertArrayEquals(CONTENT, Files.readAllBytes(fetch("moved.bin", contentMd5())));
  }

  @Test
  void refusesAWrongChecksum() throws Exception {
    String wrong = "0".repeat(32);
    assertDataException(
        () -> fetch("good.bin", wrong), uri("good.bin"), "md5 " + wrong, "got " + contentMd5());
    assertNothingIsLeft();
  }

  @Test
  void refusesAFileCutShort() throws Exception {
    assertDataException(() -> fetch("short.bin", contentMd5()), uri("short.bin"), "downloaded");
    assertNothingIsLeft();
  }

  @Test
  void refusesOtherStatuses() throws Exception {
    assertDataException(() -> fetch("none.bin", contentMd5()), "HTTP status 200", "got 404");
    assertNothingIsLeft();
  }

  @Test
  void givesUpOnAHomeThatStallsOrSaysNothing() throws Exception {
    long start = System.nanoTime();
    assertDataException(() -> fetch("stall.bin", contentMd5()), "nothing came", "1000 bytes");
    assertDataException(() -> fetch("mute.bin", contentMd5()), "no answer within 1 s");
    assertTrue(System.nanoTime() - start < 15e9, "within seconds");
    assertNothingIsLeft();
  }

  @Test
  void givesUpOnAHomeThatIsNotThere() throws Exception {
    int port;
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      port = socket.getLocalPort();
    }
    RemoteFile file = RemoteFile.of("http://127.0.0.1:" + port + "/a.bin", contentMd5());
    assertDataException(
        () -> hasty(Progress.NONE).fetch(file, folder.resolve("a.bin")), "no connection");
    assertNothingIsLeft();
  }
}
