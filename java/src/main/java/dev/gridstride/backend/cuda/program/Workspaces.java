package dev.gridstride.backend.cuda.program;

import dev.gridstride.backend.cuda.CudaContext;
import dev.gridstride.backend.cuda.DeviceBuffer;
import java.util.ArrayList;
import java.util.List;

/**
 * Memory in which the programs of a session compute. They run one after another on one stream and
 * leave nothing in it, so a program takes the workspace of an earlier one if that is large enough.
 */
final class Workspaces {
  /** One workspace and how many programs compute in it. */
  static final class Workspace {
    private final DeviceBuffer buffer;
    private int users;

    private Workspace(DeviceBuffer buffer) {
      this.buffer = buffer;
    }

    DeviceBuffer buffer() {
      return buffer;
    }
  }

  private final CudaContext context;
  private final List<Workspace> open = new ArrayList<>();
  private int allocations;

  /** None yet. */
  Workspaces(CudaContext context) {
    this.context = context;
  }

  /** A workspace of at least so many bytes, to be given back. */
  Workspace take(long bytes) {
    Workspace found =
        open.stream().filter(one -> one.buffer.bytes() >= bytes).findFirst().orElse(null);
    if (found == null) {
      found = new Workspace(context.allocate(bytes, "workspace"));
      open.add(found);
      allocations++;
    }
    found.users++;
    return found;
  }

  /** Frees it with its last user. */
  void giveBack(Workspace workspace) {
    if (--workspace.users == 0) {
      open.remove(workspace);
      workspace.buffer.close();
    }
  }

  /** How often memory was allocated. */
  int allocations() {
    return allocations;
  }

  /** Sizes of those there are. */
  List<Long> sizes() {
    return open.stream().map(one -> one.buffer.bytes()).toList();
  }
}
