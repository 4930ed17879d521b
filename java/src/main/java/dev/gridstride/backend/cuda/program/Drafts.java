package dev.gridstride.backend.cuda.program;

import dev.gridstride.backend.BackendException;
import dev.gridstride.backend.MemoryUse;
import dev.gridstride.program.Program;
import dev.gridstride.program.Role;
import dev.gridstride.program.Value;
import java.util.List;
import java.util.stream.Stream;

/** Works out what programs of a session need, and allocates none of it. */
final class Drafts {
  /**
   * A program with all that it needs, of which nothing is allocated.
   *
   * @param added what it would add in one arena
   */
  record Draft(
      Program program,
      Persistents.Plan plan,
      DataStreams.Plan data,
      Recording recording,
      MemoryUse added) {
    /** Data sets that the program brings to the device. */
    List<Value> broughtData() {
      return program.values().stream()
          .filter(value -> value.role() == Role.DATA && plan.brings(value))
          .toList();
    }

    long broughtDataBytes() {
      return broughtData().stream().mapToLong(value -> value.type().bytes()).sum();
    }

    Stream<Place.Memory> memories() {
      return Stream.of(plan.memories(), data.added().stream(), recording.memories().stream())
          .flatMap(memories -> memories);
    }
  }

  /** What there is, or will be after the programs planned so far. */
  record Stock(Persistents persistents, DataStreams streams, List<Long> workspaces) {
    void keep(Draft draft) {
      persistents.keep(draft.plan());
      streams.keep(draft.data());
      workspaces.add(draft.recording().workspace().bytes());
    }
  }

  private final CudaSession session;

  Drafts(CudaSession session) {
    this.session = session;
  }

  /**
   * All data on the device if there is room, else some of them on the host.
   *
   * @param program with its casts
   * @param taken bytes of what is free that other programs will take
   * @param most bytes of data sets that may still be brought to the device
   */
  Draft draft(Program program, Stock stock, long taken, long most) {
    Draft whole = draft(program, stock, stock.streams().plan(program, List.of(), 0));
    List<Value> brought = whole.broughtData();
    if (brought.isEmpty() && whole.data().isEmpty()) {
      return whole;
    }
    long others = whole.added().bytes() - whole.broughtDataBytes() - whole.data().bytes();
    DataPlacement placement =
        DataPlacement.of(program, brought, others, freeBytes(program) - taken, most);
    if (placement.streamed().isEmpty() && whole.data().isEmpty()) {
      return whole;
    }
    Draft less =
        draft(
            program, stock, stock.streams().plan(program, placement.streamed(), placement.room()));
    // A ring for a large batch may be longer than a small data set.
    boolean saves = less.added().bytes() < whole.added().bytes();
    boolean stream = saves || placement.streamed().isEmpty() || whole.broughtDataBytes() > most;
    (stream ? whole : less).recording().close();
    return stream ? less : whole;
  }

  private long freeBytes(Program program) {
    try {
      return session.context().freeBytes();
    } catch (BackendException e) {
      throw session.failed("planning " + Describe.program(program), e);
    }
  }

  private Draft draft(Program program, Stock stock, DataStreams.Plan data) {
    Persistents.Plan plan = stock.persistents().plan(program, data);
    Recording recording = new Recording(program, plan, session.selection().traits());
    long space = recording.workspace().bytes();
    long own = recording.own().bytes();
    boolean moreSpace = space > 0 && stock.workspaces().stream().noneMatch(one -> one >= space);
    MemoryUse added =
        new MemoryUse(
            plan.bytes() + data.bytes(),
            own + (moreSpace ? space : 0),
            plan.allocations() + data.added().size() + (own > 0 ? 1 : 0) + (moreSpace ? 1 : 0));
    return new Draft(program, plan, data, recording, added);
  }
}
