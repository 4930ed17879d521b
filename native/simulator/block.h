// The block that is being executed: what the executor, the warp collectives, the asynchronous
// copies and the checker share. One launch at a time, so all of it is plain globals.
#pragma once

#include <cstdarg>
#include <cstdint>
#include <string>
#include <vector>

#include "executor.h"
#include "fiber.h"
#include "loaded_image.h"

namespace gridstride {

constexpr unsigned MAX_THREADS = 1024;
constexpr unsigned WARP_SIZE = 32;

struct Index {
  unsigned x, y, z;
};

// An asynchronous copy that has been asked for and has not arrived.
struct PendingCopy {
  void* to;
  const void* from;
  unsigned bytes, valid;  // bytes beyond `valid` are written as zero
  unsigned group;
  const void* pc;
};

struct Thread {
  void* resume;  // stack pointer while it waits
  fiber::Stack* stack;
  const char* waits_at;  // the last thing that it has waited at
  Index index;           // threadIdx
  unsigned number;
  unsigned groups = 0;  // of asynchronous copies that it has committed
  std::vector<PendingCopy> copies;

  unsigned warp() const { return number / WARP_SIZE; }
  unsigned lane() const { return number % WARP_SIZE; }
};

struct Post;
using Collective = void (*)(Post* posts, uint32_t mask);

// A lane that has arrived at a warp instruction.
struct Post {
  Collective run;
  const char* name;
  uint32_t mask;
  void* operands;
  const void* pc;
};

struct Warp {
  uint32_t exists;  // lanes of the block; fewer than 32 in a ragged last warp
  uint32_t exited;
  uint32_t posted;
  Post posts[WARP_SIZE];
};

// At a block barrier.
struct Barrier {
  unsigned waiting = 0;
  const void* pc = nullptr;  // where the first one waits
  unsigned first = 0;        // and who that is
  int predicate_count = 0;
  bool predicate_and = true, predicate_or = false;
  // results of the last round
  int count = 0;
  bool all = true, any = false;
};

// A stretch of shared memory.
struct SharedPart {
  unsigned char* at;
  size_t bytes;
};

struct SharedMemory {
  std::vector<SharedPart> statics;  // a variable each, or all of it where the names are not known
  SharedPart dynamic;
};

struct Block {
  const Launch* launch;
  Image* image;
  Thread threads[MAX_THREADS];
  Warp warps[MAX_THREADS / WARP_SIZE];
  Barrier barrier;
  unsigned count;   // threads
  unsigned alive;   // not exited
  uint64_t linear;  // index of the block, x fastest
  Thread* current;
};

extern Block block;

// ---- for warp instructions ----

// Waits until all lanes of mask have come, `run` has been executed for them by the last.
void collective(const char* name, Collective run, uint32_t mask, void* operands, const void* pc);

// Lane `lane` of the warp whose collective is being run.
Thread& thread_of(const Post* posts, unsigned lane);

// ---- errors ----

// Ends the launch; the message gets kernel, block, thread and place. `who` is the guilty thread, pc
// the return address of the call that was seen.
[[noreturn]] void fail(int code, const Thread* who, const void* pc, const char* kind, const char* format, ...)
    __attribute__((format(printf, 5, 6)));

// The same without ending anything.
Outcome failure(int code, const Thread* who, const void* pc, const char* kind, const char* format, ...)
    __attribute__((format(printf, 5, 6)));

// Reported at the end of the block, or when it goes wrong in another way, unless a race explains it.
extern Outcome postponed;

// Ends the launch with this outcome.
[[noreturn]] void abandon(Outcome outcome);

// "thread (3,0,0)"
std::string name_of(const Thread& thread);
std::string name_of_block(uint64_t linear);

// ---- asynchronous copies ----

void arrive_copies(Thread& thread, unsigned pending_groups);

}  // namespace gridstride
