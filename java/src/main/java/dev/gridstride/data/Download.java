package dev.gridstride.data;

import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.ConnectException;
import java.net.UnknownHostException;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodySubscriber;
import java.net.http.HttpResponse.BodySubscribers;
import java.nio.channels.UnresolvedAddressException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.DigestOutputStream;
import java.security.MessageDigest;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Downloads a file over HTTP or HTTPS: into a temporary file beside the target, its checksum
 * verified, then renamed. The target is never there in part.
 */
final class Download {
  private static final long LARGEST = 4L << 30;
  private static final Duration PATIENCE = Duration.ofMillis(200);

  private final Duration connectTime;
  private final Duration stallTime;
  private final Duration totalTime;
  private final Progress progress;

  /**
   * Downloads with these limits.
   *
   * @param connectTime longest time until the home answers
   * @param stallTime longest time without a byte
   * @param totalTime longest time in all
   */
  Download(Duration connectTime, Duration stallTime, Duration totalTime, Progress progress) {
    this.connectTime = connectTime;
    this.stallTime = stallTime;
    this.totalTime = totalTime;
    this.progress = progress;
  }

  /** The usual limits: 5 s to connect, 30 s without a byte, 1 hour in all. */
  static Download patient(Progress progress) {
    return new Download(
        Duration.ofSeconds(5), Duration.ofSeconds(30), Duration.ofHours(1), progress);
  }

  /**
   * Downloads {@code file} to {@code target}, whose folder must be there.
   *
   * @throws DataException with the reason alone, for the caller to say what to do about it
   */
  void fetch(RemoteFile file, Path target) {
    Path part = null;
    try {
      part = Files.createTempFile(target.getParent(), target.getFileName() + ".", ".part");
      String md5 = transfer(file, part);
      if (!md5.equals(file.md5())) {
        throw DataException.expected(file.uri(), "a file with md5 " + file.md5(), md5);
      }
      Files.move(part, target, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    } catch (IOException e) {
      throw DataException.io("write into", target.getParent(), e);
    } finally {
      deletePart(part);
    }
  }

  private static void deletePart(Path part) {
    if (part != null) {
      DataFiles.deleteTree(part);
    }
  }

  private String transfer(RemoteFile file, Path part) throws IOException {
    HttpClient client =
        HttpClient.newBuilder()
            .connectTimeout(connectTime)
            .followRedirects(HttpClient.Redirect.NORMAL)
            .build();
    HttpRequest request = HttpRequest.newBuilder(file.uri()).build();
    MessageDigest digest = Checksums.md5();
    try (OutputStream out = new DigestOutputStream(Files.newOutputStream(part), digest)) {
      Body body = new Body(file, out);
      CompletableFuture<HttpResponse<Void>> response = client.sendAsync(request, body::subscriber);
      int status = await(file, response, body).statusCode();
      if (status != 200) {
        throw DataException.expected(file.uri(), "HTTP status 200", status);
      }
    }
    return Checksums.hex(digest);
  }

  private HttpResponse<Void> await(
      RemoteFile file, CompletableFuture<HttpResponse<Void>> response, Body body) {
    long start = System.nanoTime();
    while (true) {
      try {
        return response.get(PATIENCE.toMillis(), TimeUnit.MILLISECONDS);
      } catch (TimeoutException e) {
        String late = body.late(start);
        if (late != null) {
          response.cancel(true);
          throw new DataException(file.uri() + " cannot be downloaded: " + late, e);
        }
      } catch (ExecutionException e) {
        throw new DataException(file.uri() + " cannot be downloaded: " + reason(e.getCause()), e);
      } catch (InterruptedException e) {
        response.cancel(true);
        Thread.currentThread().interrupt();
        throw new DataException(file.uri() + ": download interrupted", e);
      }
    }
  }

  private static String reason(Throwable failure) {
    for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
      if (cause instanceof UnresolvedAddressException || cause instanceof UnknownHostException) {
        return "host name not known (is this machine online?)";
      }
    }
    return failure instanceof ConnectException
        ? "no connection to its host"
        : DataException.describe(failure);
  }

  /** Writes what arrives and knows when the last of it came. */
  private final class Body {
    private final RemoteFile file;
    private final OutputStream out;
    private final AtomicLong done = new AtomicLong(-1);
    private final AtomicLong lastNews = new AtomicLong();
    private long total = -1;

    Body(RemoteFile file, OutputStream out) {
      this.file = file;
      this.out = out;
    }

    BodySubscriber<Void> subscriber(HttpResponse.ResponseInfo info) {
      if (info.statusCode() != 200) {
        return BodySubscribers.replacing(null);
      }
      total = info.headers().firstValueAsLong("Content-Length").orElse(-1);
      lastNews.set(System.nanoTime());
      done.set(0);
      return BodySubscribers.ofByteArrayConsumer(this::write);
    }

    private void write(Optional<byte[]> bytes) {
      if (bytes.isEmpty()) {
        return;
      }
      try {
        out.write(bytes.get());
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
      long now = done.addAndGet(bytes.get().length);
      lastNews.set(System.nanoTime());
      if (now > LARGEST) {
        throw DataException.expected(file.uri(), "at most " + LARGEST + " bytes", "more");
      }
      progress.update("download " + file.fileName(), now, total);
    }

    /** What takes too long since {@code start}, or null. */
    private String late(long start) {
      long now = System.nanoTime();
      if (done.get() < 0) {
        return now - start > connectTime.toNanos()
            ? "no answer within " + connectTime.toSeconds() + " s"
            : null;
      }
      if (now - lastNews.get() > stallTime.toNanos()) {
        return "nothing came for " + stallTime.toSeconds() + " s, after " + done.get() + " bytes";
      }
      return now - start > totalTime.toNanos()
          ? "not complete within " + totalTime.toSeconds() + " s, got " + done.get() + " bytes"
          : null;
    }
  }
}
