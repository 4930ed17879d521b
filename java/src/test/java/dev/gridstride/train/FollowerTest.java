package dev.gridstride.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import dev.gridstride.backend.Readings;
import dev.gridstride.backend.Session;
import dev.gridstride.backend.cuda.Simulated;
import dev.gridstride.backend.cuda.Simulator;
import dev.gridstride.data.Dataset;
import dev.gridstride.data.Synthetic;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The host follows a run without holding the device up. */
class FollowerTest {
  private static final long PAUSE_NANOS = 60_000_000;

  /** Answers a request when the test says so. */
  private static final class Scripted implements Readings {
    private final double[] next = new double[4];
    private final double[] values = new double[4];
    private boolean open;
    private boolean ready;

    void answer(double... answer) {
      System.arraycopy(answer, 0, next, 0, answer.length);
      ready = true;
    }

    @Override
    public void request() {
      open = true;
    }

    @Override
    public boolean poll() {
      if (open && ready) {
        await();
      }
      return !open;
    }

    @Override
    public void await() {
      System.arraycopy(next, 0, values, 0, values.length);
      open = false;
      ready = false;
    }

    @Override
    public double get(int index) {
      return values[index];
    }

    @Override
    public void close() {}
  }

  @Test
  void figuresAreOfTheSameAnswerAndOfThisEpoch() {
    Scripted device = new Scripted();
    Follower follower = new Follower(device, true, 100, 8);
    device.answer(100 + 16, 5, -1, 4); // resumed after two steps of epoch 2
    follower.beginEpoch(2);
    assertEquals(2, follower.stepInEpoch());
    assertEquals(5 / 16.0, follower.loss());
    assertEquals(4 / 16.0, follower.accuracy());
    assertTrue(Double.isNaN(follower.imagesPerSecond()), "nothing was trained here yet");

    follower.look();
    assertFalse(device.open, "asked again at once");
    pause();
    follower.look();
    assertTrue(device.open, "did not ask");
    follower.look();
    assertEquals(5 / 16.0, follower.loss(), "before there is an answer");
    device.answer(100 + 96, 12, 15, 48);
    follower.look();
    assertEquals(12, follower.stepInEpoch());
    assertEquals(12 / 96.0, follower.loss());
    assertEquals(48 / 96.0, follower.accuracy());
    assertEquals(15, follower.firstBadStep());
    double most = 80 * 1e9 / PAUSE_NANOS;
    double speed = follower.imagesPerSecond();
    assertTrue(speed > 0 && speed <= most, speed + " images/s, at most " + most);
  }

  private static void pause() {
    long end = System.nanoTime() + PAUSE_NANOS;
    while (System.nanoTime() < end) {
      LockSupport.parkNanos(end - System.nanoTime());
    }
  }

  private static Dataset data(int samples) {
    return Synthetic.of("tiny " + samples, Tiny.SAMPLE, Tiny.CLASSES, samples, 5, 0);
  }

  /** The steps of an epoch add waits only where the queue is full. */
  @Test
  void stepsAndProgressDoNotWaitForTheDevice() {
    Simulated.require();
    waits(data(80)); // what is done once in a process
    assertEquals(waits(data(80)), waits(data(800)));
  }

  private static List<Long> waits(Dataset data) {
    Simulator simulator = Simulator.get();
    PrintStream nowhere =
        new PrintStream(new ByteArrayOutputStream(), true, StandardCharsets.UTF_8);
    Callback watch =
        new Callback() {
          @Override
          public void onStepEnd(Run run) {
            PlainProgress.running(run);
            assertTrue(run.recent().stepInEpoch() <= run.stepInEpoch());
            assertEquals(run.stepInEpoch(), run.step());
          }
        };
    List<String> calls =
        List.of("cuStreamSynchronize", "cuCtxSynchronize", "cuMemcpyDtoH_v2", "cuMemcpyHtoD_v2");
    try (Session session = Tiny.open("sim")) {
      Trainer trainer =
          Tiny.builder(Tiny.cnn(), session)
              .callback(new PlainProgress(nowhere, 1))
              .callback(watch)
              .build();
      List<Long> before = calls.stream().map(simulator::count).toList();
      trainer.fit(data, null, 1);
      return calls.stream()
          .map(call -> simulator.count(call) - before.get(calls.indexOf(call)))
          .toList();
    }
  }

  /** Whole epochs, with the figures that come and go, and with the queue that fills. */
  @Test
  void theLoopMakesNoObjectsOnCuda() {
    Simulated.require();
    ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    long[] bytes = new long[2];
    Callback watch =
        new Callback() {
          @Override
          public void onStepEnd(Run run) {
            int at = run.stepInEpoch() == 5 ? 0 : 1; // the first steps load classes
            bytes[at] = threads.getCurrentThreadAllocatedBytes();
          }

          @Override
          public void onEpochEnd(Run run, History.Epoch epoch) {
            if (bytes[1] == bytes[0]) {
              run.stop("none");
            }
          }
        };
    try (Session session = Tiny.open("sim")) {
      Trainer trainer = Tiny.builder(Tiny.cnn(), session).callback(watch).build();
      History history = trainer.fit(data(800), null, 4);
      assertEquals("none", history.stopMessage(), "bytes in an epoch: " + (bytes[1] - bytes[0]));
    }
  }

  /** The recent figures arrive, trail the exact ones, and are exact for their own step. */
  @ParameterizedTest
  @MethodSource("dev.gridstride.train.Tiny#devices")
  void recentFiguresAreThoseOfAnEarlierStep(String device) {
    double[] exact = new double[6];
    int[] seen = new int[1];
    Callback compare =
        new Callback() {
          @Override
          public void onStepEnd(Run run) {
            exact[run.stepInEpoch()] = run.loss();
            pause();
            Recent recent = run.recent();
            int step = recent.stepInEpoch();
            assertTrue(step <= run.stepInEpoch(), step + " of " + run.stepInEpoch());
            if (step > 0) {
              seen[0]++;
              assertEquals(exact[step], recent.loss(), 0);
            }
          }
        };
    try (Session session = Tiny.open(device)) {
      Tiny.builder(Tiny.cnn(), session).callback(compare).build().fit(data(37), null, 1);
    }
    assertTrue(seen[0] >= 3, "figures came " + seen[0] + " times in 5 steps");
  }
}
