package dev.gridstride.backend.cpu;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import java.util.function.IntConsumer;

/**
 * The caller and some threads that run the parts of a task together; the caller is worker 0. All
 * calls into oneDNN happen on a worker, set to one OpenMP thread. A worker that waits spins for a
 * little, which saves a wake-up where parts are equally long, and then parks, so that a busy
 * machine is not made busier.
 */
final class WorkerTeam implements AutoCloseable {
  /** About 100 microseconds, a hundredth of a step of the reference job. */
  private static final int SPINS = 4000;

  private final Thread[] helpers;
  private final AtomicReference<Throwable> failure = new AtomicReference<>();
  private final AtomicInteger running = new AtomicInteger();
  private final AtomicInteger taskNumber = new AtomicInteger();
  private volatile IntConsumer task;
  private volatile Thread caller;
  private volatile boolean closed;

  WorkerTeam(int workers) {
    helpers = new Thread[workers - 1];
    for (int i = 0; i < helpers.length; i++) {
      int worker = i + 1;
      helpers[i] =
          new Thread(() -> OpenMp.single(() -> workerLoop(worker)), "gridstride-cpu-" + worker);
      helpers[i].setDaemon(true);
      helpers[i].start();
    }
  }

  /** Number of workers, the caller included. */
  int size() {
    return helpers.length + 1;
  }

  /** Runs work as worker 0, on the calling thread; within it, {@link #runAll} puts all to work. */
  void drive(Runnable work) {
    caller = Thread.currentThread();
    OpenMp.single(work);
  }

  /** Runs {@code work} for each worker number and returns when all are done. For worker 0 only. */
  void runAll(IntConsumer work) {
    failure.set(null);
    running.set(helpers.length);
    task = work;
    taskNumber.incrementAndGet();
    for (Thread helper : helpers) {
      LockSupport.unpark(helper);
    }
    try {
      work.accept(0);
    } finally {
      boolean interrupted = false;
      for (int spin = 0; running.get() > 0; spin++) {
        pause(spin);
        // An interrupt would keep the thread from parking; it is passed on in the end.
        interrupted |= Thread.interrupted();
      }
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
    rethrow(failure.getAndSet(null));
  }

  private void workerLoop(int worker) {
    int done = 0;
    while (true) {
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
        LockSupport.unpark(caller);
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

  private static void rethrow(Throwable thrown) {
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
    for (Thread helper : helpers) {
      LockSupport.unpark(helper);
      while (helper.isAlive()) {
        try {
          helper.join();
        } catch (InterruptedException e) {
          interrupted = true;
        }
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
