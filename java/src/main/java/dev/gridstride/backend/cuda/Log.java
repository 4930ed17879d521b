package dev.gridstride.backend.cuda;

import java.util.function.Consumer;

/** Where leaks and failures while closing go: the logger of this package's name. */
final class Log {
  private static final System.Logger LOGGER = System.getLogger(Log.class.getPackageName());

  /** Told instead of the log, if not null; for tests. */
  private static volatile Consumer<String> listener;

  private Log() {}

  static void warn(String message) {
    Consumer<String> told = listener;
    if (told != null) {
      told.accept(message);
    } else {
      LOGGER.log(System.Logger.Level.WARNING, message);
    }
  }

  static void debug(String message, Throwable cause) {
    LOGGER.log(System.Logger.Level.DEBUG, message, cause);
  }

  /** Diverts warnings from the log; null sends them there again. */
  static void divert(Consumer<String> to) {
    listener = to;
  }
}
