package dev.gridstride.backend.cpu;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import java.util.function.IntConsumer;

/**
 * A fixed number of threads that run the parts of a task. All calls into oneDNN happen on them,
 * each set to one OpenMP thread: a thread that waits parks after a short spin, so a busy machine is
 * not made busier.
 *
 * <p>Worker 0 drives: {@link #drive} hands it a task, within which {@link #runAll} puts all workers
 * to work.
 */
final class WorkerTeam implements AutoCloseable {
  /** About 20 microseconds: longer than the serial work between two stages. */
  private static final int SPINS = 500;

  private final Thread[] threads;
  private final AtomicReference<Throwable> failure = new AtomicReference<>();
  private final AtomicInteger running = new AtomicInteger();
  private volatile IntConsumer task;
  private final AtomicInteger taskNumber = new AtomicInteger();
  private volatile Runnable drive;
  private volatile Thread waitingCaller;
  private volatile boolean closed;

  WorkerTeam(int workers, Runnable onStart) {
    threads = new Thread[workers];
    for (int i = 0; i < workers; i++) {
      int worker = i;
      threads[i] =
          new Thread(
              () -> {
                onStart.run();
                if (worker == 0) {
                  driverLoop();
                } else {
                  workerLoop(worker);
                }
              },
              "gridstride-cpu-" + i);
      threads[i].setDaemon(true);
    }
    for (Thread thread : threads) {
      thread.start();
    }
  }

  int size() {
    return threads.length;
  }

  /** Runs a task on worker 0 and waits for its end. Not to be called from a worker. */
  void drive(Runnable work) {
    if (closed) {
      throw new IllegalStateException("cpu: session used after it was closed");
    }
    waitingCaller = Thread.currentThread();
    drive = work;
    LockSupport.unpark(threads[0]);
    boolean interrupted = false;
    while (drive != null) {
      LockSupport.park(this);
      interrupted |= Thread.interrupted();
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
    rethrow();
  }

  /** Runs {@code work} for each worker number and returns when all are done. For worker 0 only. */
  void runAll(IntConsumer work) {
    running.set(threads.length - 1);
    task = work;
    taskNumber.incrementAndGet();
    for (int i = 1; i < threads.length; i++) {
      LockSupport.unpark(threads[i]);
    }
    try {
      work.accept(0);
    } finally {
      for (int spin = 0; running.get() > 0; spin++) {
        pause(spin);
      }
    }
    if (failure.get() != null) {
      throw new TeamFailure();
    }
  }

  private void driverLoop() {
    while (!closed) {
      Runnable work = drive;
      if (work == null) {
        LockSupport.park(this);
        continue;
      }
      try {
        work.run();
      } catch (TeamFailure e) {
        // The cause is kept in failure already.
      } catch (Throwable e) {
        failure.compareAndSet(null, e);
      }
      Thread caller = waitingCaller;
      drive = null;
      LockSupport.unpark(caller);
    }
  }

  private void workerLoop(int worker) {
    int done = 0;
    while (!closed) {
      int spin = 0;
      while (taskNumber.get() == done && !closed) {
        pause(spin++);
      }
      if (closed) {
        return;
      }
      done = taskNumber.get();
      try {
        task.accept(worker);
      } catch (Throwable e) {
        failure.compareAndSet(null, e);
      }
      if (running.decrementAndGet() == 0) {
        LockSupport.unpark(threads[0]);
      }
    }
  }

  private void pause(int spin) {
    if (spin < SPINS) {
      Thread.onSpinWait();
    } else {
      LockSupport.park(this);
    }
  }

  private void rethrow() {
    Throwable thrown = failure.getAndSet(null);
    if (thrown instanceof RuntimeException e) {
      throw e;
    }
    if (thrown instanceof Error e) {
      throw e;
    }
    if (thrown != null) {
      throw new IllegalStateException(thrown);
    }
  }

  @Override
  public void close() {
    closed = true;
    boolean interrupted = false;
    for (Thread thread : threads) {
      LockSupport.unpark(thread);
      while (thread.isAlive()) {
        try {
          thread.join();
        } catch (InterruptedException e) {
          interrupted = true;
        }
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  /** Ends a driven task after one of its parts failed. */
  private static final class TeamFailure extends RuntimeException {
    private static final long serialVersionUID = 1L;

    TeamFailure() {
      super(null, null, false, false);
    }
  }
}
