// The work of streams and graphs: one directed acyclic graph of tasks, run as late as possible. Only what a
// synchronisation waits for runs, so that a missing event wait shows as wrong data; with a seed, tasks that nothing
// orders run in random order.
#pragma once

#include <memory>
#include <vector>

#include "library.h"
#include "module.h"
#include "state.h"

namespace gridstride {

struct KernelTask {
  Function* function = nullptr;
  unsigned grid[3] = {}, block[3] = {}, shared = 0;
  std::vector<unsigned char> arguments;  // packed as Function::offset says
};

// A box of bytes; a flat copy has height and depth 1.
struct CopyTask {
  struct End {
    uintptr_t base = 0;
    size_t pitch = 0, slice = 0;
    bool host = false;  // host memory that the device does not know
  };
  End to, from;
  size_t width = 0, height = 1, depth = 1;
  std::vector<unsigned char> staged;  // the source, where pageable memory was copied at the call
};

struct FillTask {
  uintptr_t to = 0;
  size_t pitch = 0, width = 0, height = 1;  // width in elements
  unsigned value = 0, element = 1;
};

struct HostTask {
  CUhostFn function = nullptr;
  void* data = nullptr;
  CUstreamCallback callback = nullptr;  // cuStreamAddCallback
  CUstream stream = nullptr;
};

enum class TaskKind : uint8_t { EMPTY, KERNEL, LIBRARY, COPY, FILL, HOST, RECORD, WAIT, FREE, CHILD };

struct Task {
  TaskKind kind = TaskKind::EMPTY;
  Context* context = nullptr;
  KernelTask kernel;
  std::shared_ptr<const library::Job> library;
  CopyTask copy;
  FillTask fill;
  HostTask host;
  Event* event = nullptr;        // RECORD, WAIT
  uintptr_t freed = 0;           // FREE
  Graph* child = nullptr;        // CHILD, in graphs only
  std::string describe() const;  // "kernel axpy_f32 (axpy.cu:12)", "copy of 64 bytes to 0x...", ...
};

struct Ordering;  // order.cpp: what the checker knows of a piece of work

struct Work {
  Task task;
  uint64_t sequence = 0;  // order of issue; every dependency has a lower one
  uint64_t mark = 0;
  int references = 0;
  bool done = false;
  bool unawaited = false;  // runs though no wait needs it
  double time = 0;         // milliseconds on the host's clock when it ran
  std::vector<Work*> after;
  const char* issued_by = "";
  uint64_t stream = 0;  // id
  int node = -1;        // in a graph: its number
  std::shared_ptr<Ordering> order;
  Work *previous = nullptr, *next = nullptr;  // the list of what is pending
};

Work* new_work();  // with one reference, the caller's
void hold(Work* work);
void drop(Work* work);
void assign(Work*& slot, Work* work);  // takes over no reference; keeps its own

// Puts work behind everything its stream has to wait for and makes it the stream's last; or, while the stream is
// being captured, makes it a node of the graph. Consumes the reference.
void submit(Stream& stream, Work* work);
// The same in two steps, for graphs: what the stream's next work waits for is added to `work`.
void wait_for_stream(Stream& stream, Work& work);
void wait_for(Work& work, Work* earlier);
void enqueue(Work* work);  // numbers it and puts it on the list; takes a reference of its own

// Runs what `target` waits for, and it. Fails with the sticky error of the context, if any.
void synchronize(Context& context, Work* target);
void synchronize_stream(Stream& stream);
void synchronize_context(Context& context);
void run_all(Context* context);  // no failure; null: of all contexts
bool finished(const Work* work);
void limit_pending();                // runs what is pending if it is too much
void forget_work(Context& context);  // drops what is pending, unrun
long launches_run();
long pending_count();
uint64_t oldest_pending();  // its sequence; the largest number if nothing is pending

// Runs one task now; fails. In task.cpp.
void run_task(Work& work);

// Work of a library, in library.cpp: its memory checked once more, it run, its words.
void check_library(const library::Job& job, const Context& context);
void run_library(Work& work);
std::string describe_library(const library::Job& job);
long library_count(const std::string& what);  // -1: never counted

// Checks of memory ranges, used at the call.
void check_device_range(uintptr_t p, size_t bytes, const char* role, const Context& context);

}  // namespace gridstride
