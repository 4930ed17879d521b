package dev.gridstride.backend.cuda.program;

import dev.gridstride.backend.BackendException;
import dev.gridstride.backend.cuda.CudaContext;
import dev.gridstride.backend.cuda.CudaStream;
import dev.gridstride.backend.cuda.DeviceBuffer;
import dev.gridstride.backend.cuda.PreparedLaunch;
import dev.gridstride.backend.cuda.vendor.LibraryCall;
import dev.gridstride.program.Node;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;

/** The commands of a recording, ready to be put on any stream, with pointers into {@link Slot}s. */
final class SlotCommands {
  /** Something that is ready to be put on a stream. Makes no objects. */
  private interface Work {
    void enqueue(CudaStream stream);
  }

  /** Where a place is: so far into a slot. */
  record Location(Slot slot, long offset) {}

  private static final class Copy implements Work {
    private DeviceBuffer to;
    private DeviceBuffer from;

    @Override
    public void enqueue(CudaStream stream) {
      to.copyFrom(from, stream);
    }
  }

  private static final class Clear implements Work {
    private DeviceBuffer place;

    @Override
    public void enqueue(CudaStream stream) {
      place.fill((byte) 0, stream);
    }
  }

  private static final class Call implements Work {
    private final LibraryCall call;
    private final DeviceBuffer[] buffers;

    Call(Command.Call command) {
      call = command.call();
      buffers = new DeviceBuffer[command.places().size()];
    }

    @Override
    public void enqueue(CudaStream stream) {
      call.enqueue(stream, buffers);
    }
  }

  private final KernelModules kernels;
  private final Function<Place.Memory, Location> locations;
  private final List<Work> works = new ArrayList<>();
  private final List<Node> nodes = new ArrayList<>();

  /**
   * Prepares everything.
   *
   * @param locations where memories are; null for those that are bound for good
   * @throws BackendException if a kernel is missing or does not compile
   */
  SlotCommands(
      Recording recording, KernelModules kernels, Function<Place.Memory, Location> locations) {
    this.kernels = kernels;
    this.locations = locations;
    for (Recording.Step step : recording.steps()) {
      try {
        step.commands().forEach(command -> add(command, step.node()));
      } catch (BackendException e) {
        throw inNode(step.node(), e);
      }
    }
  }

  private void add(Command command, Node node) {
    if (command instanceof Command.Launch launch) {
      PreparedLaunch prepared = prepare(launch);
      works.add(prepared::launch);
    } else if (command instanceof Command.Copy copy) {
      Copy work = new Copy();
      point(copy.to(), copy.bytes(), part -> work.to = part);
      point(copy.from(), copy.bytes(), part -> work.from = part);
      works.add(work);
    } else if (command instanceof Command.Clear clear) {
      Clear work = new Clear();
      point(clear.place(), clear.bytes(), part -> work.place = part);
      works.add(work);
    } else if (command instanceof Command.Call call) {
      Call work = new Call(call);
      for (int i = 0; i < work.buffers.length; i++) {
        int index = i;
        point(call.places().get(i), part -> work.buffers[index] = part);
      }
      works.add(work);
    }
    nodes.add(node);
  }

  private PreparedLaunch prepare(Command.Launch launch) {
    Object[] arguments = launch.args().toArray();
    for (int i = 0; i < arguments.length; i++) {
      if (arguments[i] instanceof Place place) {
        boolean later = !place.isNull() && locations.apply(place.memory()) != null;
        arguments[i] = later ? DeviceBuffer.NULL : place.buffer();
      }
    }
    PreparedLaunch prepared =
        kernels
            .kernel(launch.code(), launch.kernel())
            .prepare(launch.grid(), launch.block(), launch.sharedBytes(), arguments);
    for (int i = 0; i < arguments.length; i++) {
      if (launch.args().get(i) instanceof Place place && !place.isNull()) {
        Location location = locations.apply(place.memory());
        if (location != null) {
          int index = i;
          long offset = location.offset() + place.offset();
          location.slot().use(buffer -> prepared.set(index, buffer, offset));
        }
      }
    }
    return prepared;
  }

  private void point(Place place, Slot.Use use) {
    if (place.isNull()) {
      use.point(DeviceBuffer.NULL);
    } else {
      point(place, place.bytes(), use);
    }
  }

  private void point(Place place, long bytes, Slot.Use use) {
    Location location = locations.apply(place.memory());
    if (location == null) {
      use.point(place.buffer().slice(0, bytes));
    } else {
      long offset = location.offset() + place.offset();
      location.slot().use(buffer -> use.point(buffer.slice(offset, bytes)));
    }
  }

  /** How many launches, copies and fills a run is. */
  int size() {
    return works.size();
  }

  /**
   * Throws if a stream is none that a run can be put on.
   *
   * @param context of the program
   */
  static void requireUsable(CudaStream stream, CudaContext context) {
    if (stream == null) {
      throw new IllegalArgumentException(
          "program: expected a stream, got null; the default stream is context.wrap((CUstream)"
              + " null)");
    }
    if (!stream.context().isSame(context)) {
      throw new IllegalArgumentException(
          "program: the stream belongs to another context than the program; use a stream of "
              + context);
    }
    if (!stream.isOpen()) {
      throw new IllegalStateException("program: the stream is closed; use one that is open");
    }
  }

  /** Puts one run on a stream. Makes no objects. */
  void enqueue(CudaStream stream) {
    for (int i = 0; i < works.size(); i++) {
      try {
        works.get(i).enqueue(stream);
      } catch (BackendException e) {
        throw inNode(nodes.get(i), e);
      }
    }
  }

  private static BackendException inNode(Node node, BackendException e) {
    return new BackendException("program: in " + Describe.node(node) + ": " + e.getMessage(), e);
  }
}
