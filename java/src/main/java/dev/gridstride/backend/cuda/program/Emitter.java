package dev.gridstride.backend.cuda.program;

import dev.gridstride.backend.BackendException;
import dev.gridstride.backend.ImplementationChoice;
import dev.gridstride.backend.Precision;
import dev.gridstride.backend.cuda.ComputeCapability;
import dev.gridstride.backend.cuda.CudaDevice;
import dev.gridstride.backend.cuda.Dim;
import dev.gridstride.backend.cuda.LibraryException;
import dev.gridstride.backend.cuda.vendor.Cublas;
import dev.gridstride.backend.cuda.vendor.Cudnn;
import dev.gridstride.backend.cuda.vendor.LibraryCall;
import dev.gridstride.backend.cuda.vendor.VendorLibraries;
import dev.gridstride.program.DataType;
import dev.gridstride.program.Node;
import dev.gridstride.program.Shape;
import dev.gridstride.program.TensorType;
import dev.gridstride.program.Value;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.stream.Stream;

/**
 * Records what one node does on the device: launches, copies and fills, in the order in which they
 * run. Nothing runs while it records. Sizes are known, addresses are not.
 */
final class Emitter implements AutoCloseable {
  /**
   * What the launch arithmetic may ask about the device.
   *
   * @param multiprocessors streaming multiprocessors of the device
   * @param computeCapability ten times the major plus the minor number: 90 for sm_90
   * @param precision of convolutions and matrix products of float32 factors
   * @param implementations which are asked for
   * @param libraries of the context, or null if there are none
   * @param candidates who is tried for a node
   */
  record Traits(
      int multiprocessors,
      int computeCapability,
      Precision precision,
      ImplementationChoice implementations,
      VendorLibraries libraries,
      Candidates candidates) {
    /** A device with own kernels alone. */
    Traits(int multiprocessors, int computeCapability, Precision precision) {
      this(multiprocessors, computeCapability, precision, ImplementationChoice.DEFAULT, null);
    }

    /** A device of which no times are known. */
    Traits(
        int multiprocessors,
        int computeCapability,
        Precision precision,
        ImplementationChoice implementations,
        VendorLibraries libraries) {
      this(
          multiprocessors,
          computeCapability,
          precision,
          implementations,
          libraries,
          Candidates.of(implementations));
    }

    static Traits of(
        CudaDevice device,
        Precision precision,
        ImplementationChoice implementations,
        VendorLibraries libraries,
        Candidates candidates) {
      ComputeCapability capability = device.computeCapability();
      return new Traits(
          device.multiprocessors(),
          10 * capability.major() + capability.minor(),
          precision,
          implementations,
          libraries,
          candidates);
    }
  }

  private final Node node;
  private final boolean inPlace;
  private final Function<Value, Place> places;
  private final Function<Value, Shape> stored;
  private final boolean anyOrder;
  private final Traits device;
  private final Predicate<Value> read;
  private final List<Command> commands = new ArrayList<>();
  private final List<Command> afterwards = new ArrayList<>();
  private final List<Place.Memory> scratches = new ArrayList<>();
  private final Map<Place.Memory, float[]> constants = new LinkedHashMap<>();
  private final List<String> notes = new ArrayList<>();
  private final Place[] inputs;
  private final Place[] outputs;

  /**
   * An emitter for one node.
   *
   * @param inPlace whether the op's lowering takes an output that is also an input
   * @param places the memory of a value
   * @param stored the shape as which a value is stored, see {@link StoredShapes}
   */
  Emitter(
      Node node,
      boolean inPlace,
      Function<Value, Place> places,
      Function<Value, Shape> stored,
      Traits device) {
    this(node, inPlace, places, stored, device, value -> true);
  }

  /**
   * As above.
   *
   * @param read whether anybody reads a value
   */
  Emitter(
      Node node,
      boolean inPlace,
      Function<Value, Place> places,
      Function<Value, Shape> stored,
      Traits device,
      Predicate<Value> read) {
    this.read = read;
    this.node = node;
    this.inPlace = inPlace;
    this.places = places;
    this.stored = stored;
    this.device = device;
    anyOrder = StoredShapes.anyOrder(node.op()) && haveOneOrder();
    inputs = new Place[node.inputs().size()];
    outputs = new Place[node.outputs().size()];
  }

  /** Whether all values of the first input's shape are stored alike. */
  private boolean haveOneOrder() {
    Shape shape = input(0).shape();
    return Stream.concat(node.inputs().stream(), node.outputs().stream())
        .filter(value -> value.shape().equals(shape))
        .map(stored)
        .allMatch(stored.apply(input(0))::equals);
  }

  Node node() {
    return node;
  }

  /** How many inputs the node has, to tell whether an optional last one is there. */
  int inputs() {
    return node.inputs().size();
  }

  Value input(int i) {
    return node.input(i);
  }

  Value output(int i) {
    return node.output(i);
  }

  /** Whether another node or the caller reads output {@code i}; if not, it need not be written. */
  boolean isRead(int i) {
    return read.test(output(i));
  }

  /** Elements of input {@code i}. */
  long inElements(int i) {
    return input(i).shape().elements();
  }

  /** Elements of output {@code i}. */
  long outElements(int i) {
    return output(i).shape().elements();
  }

  /** {@code number} as an int, for kernels that index in 32 bits. */
  int int32(long number, String what) {
    if (number != (int) number) {
      throw new BackendException(
          "cuda: " + node + ": " + what + " is " + number + ", above the kernel's 2^31 - 1");
    }
    return (int) number;
  }

  /**
   * Memory of input {@code i}, 256-byte aligned; only to be read, unless it is an output too.
   * Images are channels-last, everything else row-major: what is stored otherwise is permuted here,
   * into a scratch.
   */
  Place in(int i) {
    if (anyOrder || isPlain(input(i))) {
      return storedIn(i);
    }
    if (inputs[i] == null) {
      inputs[i] = toRowMajor(storedIn(i), stored.apply(input(i)), input(i).type().dtype());
    }
    return inputs[i];
  }

  /** Memory of input {@code i} in whatever order it is stored. */
  Place storedIn(int i) {
    return places.apply(input(i));
  }

  private boolean isPlain(Value value) {
    return stored.apply(value).equals(value.shape());
  }

  /**
   * Whether the columns of a dense layer's weight are stored in the order of an image's elements,
   * so that both are taken as they are stored.
   *
   * @param weight a weight [N,K], or its gradient
   * @param image [B,...] with K elements an image
   */
  boolean matches(Value weight, Value image) {
    return stored.apply(weight).equals(StoredShapes.matching(weight.shape(), image.shape()));
  }

  /** Memory of input {@code i}, or null if the node has fewer inputs. */
  Place optionalIn(int i) {
    return i < inputs() ? in(i) : Place.NULL;
  }

  /** Memory of output {@code i}, 256-byte aligned, in the order of {@link #in}. */
  Place out(int i) {
    if (outputs[i] == null) {
      Value value = output(i);
      outputs[i] =
          anyOrder || isPlain(value)
              ? storedOut(i)
              : fromRowMajor(storedOut(i), stored.apply(value), value.type().dtype());
    }
    return outputs[i];
  }

  /** Memory of output 0, or null where {@link CastOutputs} left its bfloat16 alone. */
  Place float32Out() {
    return output(0).type().dtype() == DataType.FLOAT32 ? out(0) : Place.NULL;
  }

  /** Memory of the bfloat16 of output 0 that {@link CastOutputs} added, or null. */
  Place bfloat16Out() {
    int last = outputs.length - 1;
    return output(last).type().dtype() == DataType.BFLOAT16 ? out(last) : Place.NULL;
  }

  /** Memory of output {@code i} in whatever order it is stored; to be asked for once. */
  Place storedOut(int i) {
    Place target = places.apply(output(i));
    boolean alsoInput = node.inputs().stream().anyMatch(v -> places.apply(v).sameMemory(target));
    if (!alsoInput || inPlace) {
      return target;
    }
    long bytes = output(i).type().bytes();
    Place result = scratch(bytes);
    afterwards.add(new Command.Copy(target, result, bytes));
    return result;
  }

  /** Memory of input {@code i} as float32: the value's own, or a scratch into which it is cast. */
  Place float32In(int i) {
    return toFloat32(in(i), input(i).type().dtype(), inElements(i));
  }

  /** The place itself if it holds float32, or a scratch into which its bfloat16 is cast here. */
  Place toFloat32(Place place, DataType type, long count) {
    if (type == DataType.FLOAT32) {
      return place;
    }
    Place floats = scratch(Math.multiplyExact(count, Float.BYTES));
    CastLaunches.toFloat32(this, floats, place, count);
    return floats;
  }

  /**
   * Memory of input {@code i} in row-major order whatever its rank: the value's own, or a scratch
   * into which it is permuted here.
   */
  Place rowMajorIn(int i) {
    Value value = input(i);
    return Layout.moves(value.shape())
        ? toRowMajor(in(i), value.shape(), value.type().dtype())
        : in(i);
  }

  private Place toRowMajor(Place from, Shape shape, DataType dtype) {
    Place rows = scratch(new TensorType(dtype, shape).bytes());
    LayoutLaunches.toRowMajor(this, rows, from, ChannelsLast.of(shape), dtype);
    return rows;
  }

  /**
   * Memory to write output {@code i} in row-major order whatever its rank: the value's own, or a
   * scratch that is permuted into it after the node's other commands.
   */
  Place rowMajorOut(int i) {
    Value value = output(i);
    return Layout.moves(value.shape())
        ? fromRowMajor(out(i), value.shape(), value.type().dtype())
        : out(i);
  }

  private Place fromRowMajor(Place to, Shape shape, DataType dtype) {
    Place rows = scratch(new TensorType(dtype, shape).bytes());
    int before = commands.size();
    LayoutLaunches.toChannelsLast(this, to, rows, ChannelsLast.of(shape), dtype);
    List<Command> permute = commands.subList(before, commands.size());
    afterwards.addAll(0, permute);
    permute.clear();
    return rows;
  }

  /** Memory of this node's own, 256-byte aligned, undefined at first and gone after the node. */
  Place scratch(long bytes) {
    if (bytes < 1) {
      throw new IllegalArgumentException("scratch: expected at least 1 byte, got " + bytes);
    }
    Place.Memory memory =
        new Place.Memory("scratch " + scratches.size() + " of " + node.output(0).name(), bytes);
    scratches.add(memory);
    return Place.of(memory);
  }

  /**
   * Memory that holds {@code values} as float32 in every run, 256-byte aligned; only to be read.
   */
  Place constant(float... values) {
    Place.Memory memory =
        new Place.Memory(
            "constant " + constants.size() + " of " + node.output(0).name(),
            (long) values.length * Float.BYTES);
    constants.put(memory, values.clone());
    return Place.of(memory);
  }

  /**
   * A kernel launch.
   *
   * @param file the kernel file without its ending, {@code conv2d}
   * @param kernel entry point
   * @param sharedBytes dynamic shared memory
   * @param args {@link Place} for a pointer, Integer, Long, Float, Double; in the kernel's order
   *     and of its exact types
   */
  void launch(String file, String kernel, Dim grid, Dim block, int sharedBytes, Object... args) {
    launch(KernelCode.packaged(file), kernel, grid, block, sharedBytes, args);
  }

  /** As above, of a kernel that comes from {@code code}. */
  void launch(
      KernelCode code, String kernel, Dim grid, Dim block, int sharedBytes, Object... args) {
    for (int i = 0; i < args.length; i++) {
      Object arg = args[i];
      if (!(arg instanceof Place
          || arg instanceof Integer
          || arg instanceof Long
          || arg instanceof Float
          || arg instanceof Double)) {
        throw new IllegalArgumentException(
            kernel
                + ": argument "
                + i
                + " must be a Place, Integer, Long, Float or Double, got "
                + (arg == null ? "null" : arg.getClass().getSimpleName()));
      }
    }
    commands.add(new Command.Launch(code, kernel, grid, block, sharedBytes, List.of(args)));
  }

  /** Copies {@code bytes} on the device; the two must not overlap. */
  void copy(Place to, Place from, long bytes) {
    checkRange(to, bytes);
    checkRange(from, bytes);
    commands.add(new Command.Copy(to, from, bytes));
  }

  /**
   * For an op that works in place: copies input {@code in} to output {@code out} unless they are
   * the same memory.
   */
  void copyUnlessSame(int out, int in) {
    if (!out(out).sameMemory(in(in))) {
      copy(out(out), in(in), output(out).type().bytes());
    }
  }

  /**
   * A call of a library, which is closed with the recording.
   *
   * @param places what the call is given, in its order
   */
  void call(LibraryCall call, Place... places) {
    commands.add(new Command.Call(call, List.of(places)));
  }

  /** cuBLAS, or a refusal that says what is missing. */
  Cublas cublas() {
    return library(VendorLibraries::cublas);
  }

  /** cuDNN, or a refusal that says what is missing. */
  Cudnn cudnn() {
    return library(VendorLibraries::cudnn);
  }

  private <T> T library(Function<VendorLibraries, T> which) {
    if (device.libraries() == null) {
      throw unsupported("there are no libraries of NVIDIA here");
    }
    try {
      return which.apply(device.libraries());
    } catch (LibraryException e) {
      // It is there and fails: no reason to do without it in silence.
      throw e;
    } catch (BackendException e) {
      throw unsupported(e.getMessage());
    }
  }

  /** Whether algorithms may be used whose results differ from run to run. */
  boolean mayBeNondeterministic() {
    return device.implementations().nondeterministic();
  }

  /** Fills {@code bytes} with zero. */
  void clear(Place place, long bytes) {
    checkRange(place, bytes);
    commands.add(new Command.Clear(place, bytes));
  }

  private static void checkRange(Place place, long bytes) {
    if (bytes < 1 || bytes > place.bytes()) {
      throw new IllegalArgumentException(
          "copy or clear: " + bytes + " bytes at " + place + ", which has " + place.bytes());
    }
  }

  /** Streaming multiprocessors of the device: how many blocks it takes to fill it. */
  int multiprocessors() {
    return device.multiprocessors();
  }

  /** Ten times the major plus the minor number: 90 for sm_90. */
  int computeCapability() {
    return device.computeCapability();
  }

  /** What convolutions and matrix products of float32 factors are computed in. */
  Precision precision() {
    return device.precision();
  }

  /** A remark on this node for explanations: why it is computed as it is. */
  void note(String text) {
    notes.add(text);
  }

  /** Says that this implementation does not take this node as it is. */
  BackendException unsupported(String why) {
    return new UnsupportedException(
        "cuda: " + node.op().name() + ": " + why + " (" + node + ")", why);
  }

  /** Everything recorded, in order. */
  List<Command> commands() {
    List<Command> all = new ArrayList<>(commands);
    all.addAll(afterwards);
    return all;
  }

  List<Place.Memory> scratches() {
    return scratches;
  }

  List<String> notes() {
    return notes;
  }

  Map<Place.Memory, float[]> constants() {
    return constants;
  }

  /** Frees what the recorded calls of libraries hold, if they are not to be used. */
  @Override
  public void close() {
    Command.close(commands());
  }
}
