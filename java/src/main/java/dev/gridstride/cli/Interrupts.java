package dev.gridstride.cli;

import java.lang.reflect.InvocationHandler;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * Lets a long task end itself on Ctrl-C or SIGTERM: the first signal asks it to, a second one ends
 * the process at once.
 *
 * <p>Uses {@code sun.misc.Signal} of the module {@code jdk.unsupported}, by reflection as the
 * compiler warns of it. A Java without it keeps its own behaviour: to end at once.
 */
final class Interrupts {
  private final Map<Object, Object> previous = new LinkedHashMap<>();
  private final Method handle;

  private Interrupts(Runnable onFirst) {
    Method method = null;
    try {
      Class<?> signalClass = Class.forName("sun.misc.Signal");
      Class<?> handlerClass = Class.forName("sun.misc.SignalHandler");
      AtomicBoolean asked = new AtomicBoolean();
      InvocationHandler action =
          (proxy, called, args) -> {
            if (asked.getAndSet(true)) {
              Runtime.getRuntime().halt(Main.INTERRUPTED);
            }
            onFirst.run();
            return null;
          };
      Object handler =
          Proxy.newProxyInstance(
              Interrupts.class.getClassLoader(), new Class<?>[] {handlerClass}, action);
      method = signalClass.getMethod("handle", signalClass, handlerClass);
      for (String name : new String[] {"INT", "TERM"}) {
        Object signal = signalClass.getConstructor(String.class).newInstance(name);
        previous.put(signal, method.invoke(null, signal, handler));
      }
    } catch (ReflectiveOperationException e) {
      previous.clear();
    }
    handle = method;
  }

  /** From now on the first signal runs {@code onFirst}, on a thread of its own. */
  static Interrupts handle(Runnable onFirst) {
    return new Interrupts(onFirst);
  }

  /** Gives the signals back to their handlers from before. */
  void release() {
    previous.forEach(
        (signal, handler) -> {
          try {
            handle.invoke(null, signal, handler);
          } catch (ReflectiveOperationException e) {
            throw new IllegalStateException("cannot give back signal " + signal, e);
          }
        });
  }
}
