package dev.gridstride.benchmark;

import dev.gridstride.backend.Backend;
import dev.gridstride.backend.BackendException;
import dev.gridstride.backend.Backends;
import dev.gridstride.backend.DeviceOptions;
import dev.gridstride.backend.Executable;
import dev.gridstride.backend.Session;
import dev.gridstride.program.Tensor;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;

/**
 * The CPU with a mistake in the last element of every float tensor that is read.
 *
 * @param mistake what is added to it
 */
record WrongBackend(float mistake) implements Backend {
  @Override
  public String name() {
    return "wrong";
  }

  @Override
  public int priority() {
    return 0;
  }

  @Override
  public String unavailableReason() {
    return null;
  }

  @Override
  public Session open(DeviceOptions options) {
    return withMistake(Session.class, Backends.open("cpu", 0).session());
  }

  private <T> T withMistake(Class<T> type, T right) {
    return type.cast(
        Proxy.newProxyInstance(
            type.getClassLoader(),
            new Class<?>[] {type},
            (proxy, method, arguments) -> {
              try {
                Object result = method.invoke(right, arguments);
                if (method.getName().equals("read")) {
                  float[] values = ((Tensor) result).floats();
                  values[values.length - 1] += mistake;
                }
                return method.getName().equals("compile")
                    ? withMistake(Executable.class, (Executable) result)
                    : result;
              } catch (InvocationTargetException e) {
                throw e.getCause() instanceof BackendException known ? known : e;
              }
            }));
  }
}
