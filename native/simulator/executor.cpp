// Blocks and threads: who runs when, and the block barrier.

#include "executor.h"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <mutex>
#include <numeric>
#include <stdexcept>

#include "block.h"
#include "checker_hooks.h"
#include "fault.h"
#include "include/device_calls.h"
#include "sanitizer.h"

namespace gridstride {

Block block;

// What threadIdx, blockIdx, blockDim and gridDim of an image are.
#pragma GCC visibility push(default)
extern "C" {
Index gridstride_sim_thread_index;
Index gridstride_sim_block_index;
Index gridstride_sim_block_extent;
Index gridstride_sim_grid_extent;
}
#pragma GCC visibility pop

namespace {

// Numbers 0 .. size-1 in an order that looks random: i -> (factor * i + offset) mod size.
struct Order {
  uint64_t size = 1, factor = 1, offset = 0;

  uint64_t operator[](uint64_t i) const {
    return static_cast<uint64_t>((static_cast<unsigned __int128>(factor) * i + offset) % size);
  }
};

uint64_t random_state;

uint64_t next_random() {  // SplitMix64 (Steele, Lea, Flood 2014)
  uint64_t z = (random_state += 0x9e3779b97f4a7c15ULL);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
  return z ^ (z >> 31);
}

Order random_order(uint64_t size) {
  Order order{size, 1, next_random() % size};
  do {
    order.factor = 1 + next_random() % size;
  } while (std::gcd(order.factor, size) != 1);
  return order;
}

// ---- Scheduling ----

std::mutex one_launch;
fiber::Stack* stacks;                        // MAX_THREADS of them
fiber::Stack* free_stacks[MAX_THREADS];      // suspended in run_threads, or fresh
unsigned free_count;
void* home;                                  // the caller's stack pointer
fiber::Stack home_stack;                     // for AddressSanitizer
bool shuffled;                               // the launch has a seed
bool start_first;                            // start new threads before going on with old ones

uint16_t order[MAX_THREADS];  // threads in the order of their first run
unsigned started;             // how many of them have begun

uint16_t ready[2 * MAX_THREADS];  // ring of threads that have waited and may go on
unsigned ready_head, ready_tail;
uint16_t at_barrier[MAX_THREADS];

bool any_ready() { return ready_head != ready_tail; }

void make_ready(unsigned number) { ready[ready_tail++ % (2 * MAX_THREADS)] = static_cast<uint16_t>(number); }

void run_threads();

// Stacks are prepared on first use, so that a small launch touches little memory.
fiber::Stack* take_stack() {
  fiber::Stack* stack = free_stacks[--free_count];
  if (stack->resume == nullptr) fiber::prepare(*stack, run_threads);
  return stack;
}

void enter(Thread* thread) {
  block.current = thread;
  gridstride_sim_thread_index = thread->index;
}

[[noreturn]] void fail_stuck();

// The next thread to run, or null if all wait or have ended. A thread that has not begun has no stack.
Thread* pick() {
  if (any_ready() && !(start_first && started < block.count)) {
    return &block.threads[ready[ready_head++ % (2 * MAX_THREADS)]];
  }
  if (started < block.count) return &block.threads[order[started++]];
  return nullptr;
}

// The current thread waits: others run until it has been made ready and its turn has come.
void suspend(const char* at) {
  Thread* self = block.current;
  self->waits_at = at;
  Thread* next = pick();
  if (next == nullptr) fail_stuck();
  if (next != self) {
    if (next->stack == nullptr) {
      next->stack = take_stack();
      next->resume = next->stack->resume;
    }
    enter(next);
    sanitizer::leave(self->stack, next->stack);
    gridstride_fiber_switch(&self->resume, next->resume);
    sanitizer::arrived(self->stack);
  }
}

void release_barrier() {
  Barrier& b = block.barrier;
  b.count = b.predicate_count;
  b.all = b.predicate_and;
  b.any = b.predicate_or;
  if (shuffled && b.waiting > 1) {
    Order o = random_order(b.waiting);
    for (unsigned i = 0; i < b.waiting; i++) make_ready(at_barrier[o[i]]);
  } else {
    for (unsigned i = 0; i < b.waiting; i++) make_ready(at_barrier[i]);
  }
  b.waiting = 0;
  b.predicate_count = 0;
  b.predicate_and = true;
  b.predicate_or = false;
  if (hooks::on) hooks::block_synchronised();
}

void block_barrier(bool predicate, const void* pc) {
  Barrier& b = block.barrier;
  Thread* self = block.current;
  if (b.waiting == 0) {
    b.pc = pc;
    b.first = self->number;
  }
  if (hooks::on) hooks::at_barrier(*self, pc);
  b.predicate_count += predicate;
  b.predicate_and &= predicate;
  b.predicate_or |= predicate;
  if (b.waiting + 1 == block.alive && !shuffled) {  // the last one goes on
    release_barrier();
    return;
  }
  at_barrier[b.waiting++] = static_cast<uint16_t>(self->number);
  if (b.waiting == block.alive) release_barrier();
  suspend("__syncthreads");
}

void run_collective(Warp& warp, uint32_t mask);

void end(Thread* thread) {
  if (!thread->copies.empty()) {
    thread->groups++;
    arrive_copies(*thread, 0);
  }
  thread->groups = 0;
  block.alive--;
  Warp& warp = block.warps[thread->warp()];
  warp.exited |= 1u << thread->lane();
  // Others may have waited for nobody but this one.
  if (warp.posted != 0) {
    for (uint32_t rest = warp.posted; rest != 0;) {
      unsigned lane = static_cast<unsigned>(__builtin_ctz(rest));
      uint32_t group = warp.posts[lane].mask & warp.exists & ~warp.exited;
      if ((group & ~warp.posted) == 0) {
        uint32_t posted = group;
        run_collective(warp, group);
        for (uint32_t m = posted; m != 0; m &= m - 1) {
          make_ready(thread->number - thread->lane() + static_cast<unsigned>(__builtin_ctz(m)));
        }
      }
      rest &= ~(group | (1u << lane));
    }
  }
  if (block.barrier.waiting != 0 && block.barrier.waiting == block.alive) {
    if (hooks::on) hooks::barrier_without(*thread);
    release_barrier();
  }
}

// What a stack does: runs threads one after the other, for as long as none of them waits.
void run_threads() {
  fiber::Stack* stack = block.current->stack;
  sanitizer::arrived(stack);
  for (;;) {
    Thread* self = block.current;
    block.launch->kernel->run(block.launch->arguments);
    end(self);
    self->stack = nullptr;
    Thread* next = pick();
    if (next != nullptr && next->stack == nullptr) {
      next->stack = stack;
      enter(next);
      continue;
    }
    if (next == nullptr && block.alive != 0) fail_stuck();
    free_stacks[free_count++] = stack;
    if (next != nullptr) {
      enter(next);
      sanitizer::leave(stack, next->stack);
      gridstride_fiber_switch(&stack->resume, next->resume);
    } else {
      sanitizer::leave(stack, &home_stack);
      gridstride_fiber_switch(&stack->resume, home);
    }
    sanitizer::arrived(stack);
  }
}

void reset_stacks() {
  if (stacks == nullptr) stacks = fiber::reserve(MAX_THREADS);
  free_count = 0;
  for (unsigned i = MAX_THREADS; i-- > 0;) free_stacks[free_count++] = &stacks[i];
}

// ---- Failure ----

Outcome outcome;
bool failed;

std::string list_waiting() {
  std::string text;
  int shown = 0;
  for (unsigned i = 0; i < block.count; i++) {
    const Thread& thread = block.threads[i];
    if ((block.warps[thread.warp()].exited >> thread.lane() & 1u) != 0) continue;
    if (shown++ == 4) return text + ", ...";
    text += (text.empty() ? "" : ", ") + name_of(thread) + " at " + thread.waits_at;
  }
  return text;
}

void fail_stuck() {
  // Mixed waits: whoever waits at a warp instruction waits for lanes that never come.
  const Thread* who = block.current;
  const void* pc = block.barrier.pc;
  for (unsigned i = 0; i < block.count; i++) {
    const Warp& warp = block.warps[i / WARP_SIZE];
    if ((warp.posted >> (i % WARP_SIZE) & 1u) == 0) continue;
    who = &block.threads[i];
    pc = warp.posts[i % WARP_SIZE].pc;
    break;
  }
  fail(719, who, pc, "deadlock", "no thread of the block can go on: %s", list_waiting().c_str());
}

// ---- Blocks ----

SharedMemory shared;
unsigned located_image;  // whose variables `shared` holds

void order_threads() {
  if (!shuffled) {
    for (unsigned i = 0; i < block.count; i++) order[i] = static_cast<uint16_t>(i);
    return;
  }
  uint64_t way = next_random();
  start_first = (way & 1u) != 0;
  if ((way & 2u) != 0) {  // all threads mixed
    Order o = random_order(block.count);
    for (unsigned i = 0; i < block.count; i++) order[i] = static_cast<uint16_t>(o[i]);
    return;
  }
  unsigned warps = (block.count + WARP_SIZE - 1) / WARP_SIZE, at = 0;
  Order w = random_order(warps);
  for (unsigned i = 0; i < warps; i++) {
    unsigned first = static_cast<unsigned>(w[i]) * WARP_SIZE;
    unsigned lanes = std::min(WARP_SIZE, block.count - first);
    Order l = random_order(lanes);
    for (unsigned j = 0; j < lanes; j++) order[at++] = static_cast<uint16_t>(first + l[j]);
  }
}

void index_threads(const Extent& e) {
  block.count = e.x * e.y * e.z;
  unsigned number = 0;
  for (unsigned z = 0; z < e.z; z++) {
    for (unsigned y = 0; y < e.y; y++) {
      for (unsigned x = 0; x < e.x; x++, number++) {
        block.threads[number].index = {x, y, z};
        block.threads[number].number = number;
      }
    }
  }
  for (unsigned i = 0; i * WARP_SIZE < block.count; i++) {
    unsigned lanes = std::min(WARP_SIZE, block.count - i * WARP_SIZE);
    block.warps[i].exists = lanes == WARP_SIZE ? ~0u : (1u << lanes) - 1;
  }
}

// Where the shared memory of the launch lies, for this host thread.
void locate_shared(const Launch& launch) {
  static const GridstrideKernel* last_kernel;
  static const unsigned char* last_anchor;
  GridstrideSharedPlace place{};
  block.image->locate(&place);
  shared.dynamic = {place.dynamic, place.dynamic != nullptr ? launch.dynamic_shared : 0};
  sanitizer::allow(place.dynamic, shared.dynamic.bytes, place.dynamic_capacity);
  if (last_kernel == launch.kernel && located_image == block.image->id && last_anchor == place.anchor) return;
  last_kernel = launch.kernel;
  located_image = block.image->id;
  last_anchor = place.anchor;
  shared.statics.clear();
  if (block.image->static_bytes == 0) return;
  unsigned char* first = place.anchor + block.image->static_offset;
  for (const SharedVariable& v : shared_of(*block.image, *launch.kernel)) shared.statics.push_back({first + v.offset, v.bytes});
  if (!block.image->shared.empty()) return;
  // Without names: all of it, around dynamic shared memory.
  unsigned char* end = first + block.image->static_bytes;
  if (place.dynamic == nullptr) {
    shared.statics.push_back({first, block.image->static_bytes});
  } else {
    shared.statics.push_back({first, static_cast<size_t>(place.dynamic - first)});
    unsigned char* rest = place.dynamic + place.dynamic_capacity;
    shared.statics.push_back({rest, static_cast<size_t>(end - rest)});
  }
}

// Shared memory of a block that begins is unset: NaN, or -1.
void fill_shared() {
  for (const SharedPart& part : shared.statics) std::memset(part.at, 0xff, part.bytes);
  if (shared.dynamic.bytes != 0) std::memset(shared.dynamic.at, 0xff, shared.dynamic.bytes);
}

void run_block() {
  order_threads();
  for (unsigned i = 0; i * WARP_SIZE < block.count; i++) {
    block.warps[i].exited = 0;
    block.warps[i].posted = 0;
  }
  block.barrier = Barrier{};
  block.alive = block.count;
  started = 1;
  ready_head = ready_tail = 0;
  Thread* first = &block.threads[order[0]];
  first->stack = take_stack();
  enter(first);
  sanitizer::learn = &home_stack;
  sanitizer::leave(&home_stack, first->stack);
  gridstride_fiber_switch(&home, first->stack->resume);
  sanitizer::arrived(&home_stack);
}

void run_grid(const Launch& launch) {
  const Extent& g = launch.grid;
  uint64_t blocks = static_cast<uint64_t>(g.x) * g.y * g.z;
  locate_shared(launch);
  if (hooks::on) hooks::launch_begins(shared);
  Order order_of_blocks{blocks};
  if (shuffled) order_of_blocks = random_order(blocks);
  for (uint64_t i = 0; i < blocks && !failed; i++) {
    block.linear = shuffled ? order_of_blocks[i] : i;
    uint64_t row = block.linear / g.x;
    gridstride_sim_block_index = {static_cast<unsigned>(block.linear % g.x), static_cast<unsigned>(row % g.y), static_cast<unsigned>(row / g.y)};
    fill_shared();
    if (hooks::on) hooks::block_begins();
    run_block();
    if (!failed && postponed.code != 0) {
      failed = true;
      outcome = postponed;
    }
  }
}

void clean_up_after_failure() {
  for (Thread& thread : block.threads) {
    thread.copies.clear();
    thread.groups = 0;
    thread.stack = nullptr;
  }
  for (unsigned i = 0; i < MAX_THREADS; i++) {
    stacks[i].resume = nullptr;
    stacks[i].sanitizer = nullptr;
    if (stacks[i].guarded) sanitizer::discard(stacks[i]);
  }
  reset_stacks();
}

}  // namespace

// ---- For warp instructions ----

namespace {

void run_collective(Warp& warp, uint32_t mask) {
  unsigned first = static_cast<unsigned>(__builtin_ctz(mask));
  const Post& model = warp.posts[first];
  for (uint32_t m = mask; m != 0; m &= m - 1) {
    unsigned lane = static_cast<unsigned>(__builtin_ctz(m));
    const Post& post = warp.posts[lane];
    if (post.mask == model.mask && post.run == model.run) continue;
    unsigned base = static_cast<unsigned>(&warp - block.warps) * WARP_SIZE;
    fail(719, &block.threads[base + lane], post.pc, "warp instruction with a bad mask",
         "lane %u calls %s with mask 0x%08x, lane %u calls %s with mask 0x%08x", lane, post.name, post.mask, first, model.name, model.mask);
  }
  warp.posted &= ~mask;
  if (model.run != nullptr) model.run(warp.posts, mask);
  if (hooks::on && model.run == nullptr) hooks::warp_synchronised(static_cast<unsigned>(&warp - block.warps), mask);
}

}  // namespace

Thread& thread_of(const Post* posts, unsigned lane) {
  auto warp = static_cast<unsigned>((reinterpret_cast<uintptr_t>(posts) - reinterpret_cast<uintptr_t>(block.warps)) / sizeof(Warp));
  return block.threads[warp * WARP_SIZE + lane];
}

void collective(const char* name, Collective run, uint32_t mask, void* operands, const void* pc) {
  Thread* self = block.current;
  unsigned lane = self->lane();
  Warp& warp = block.warps[self->warp()];
  if ((mask >> lane & 1u) == 0) {
    fail(719, self, pc, "warp instruction with a bad mask", "lane %u calls %s with mask 0x%08x, which does not name it", lane, name, mask);
  }
  warp.posts[lane] = {run, name, mask, operands, pc};
  warp.posted |= 1u << lane;
  uint32_t group = mask & warp.exists & ~warp.exited;
  if ((group & ~warp.posted) != 0) {
    suspend(name);
    return;
  }
  run_collective(warp, group);
  unsigned base = self->number - lane;
  for (uint32_t m = group & ~(1u << lane); m != 0; m &= m - 1) make_ready(base + static_cast<unsigned>(__builtin_ctz(m)));
}

// ---- Failure ----

void abandon(Outcome what) {
  failed = true;
  outcome = std::move(what);
  void* never;
  sanitizer::leave(nullptr, &home_stack);
  gridstride_fiber_switch(&never, home);
  __builtin_unreachable();
}

Outcome execute(const Launch& launch) {
  std::lock_guard<std::mutex> lock(one_launch);
  if (stacks == nullptr) {
    reset_stacks();
    fault::install();
  }
  failed = false;
  postponed.code = 0;
  fault::use_alternate_stack();
  block.launch = &launch;
  try {
    block.image = image_of(launch.image);
  } catch (const std::runtime_error& e) {
    return {200, "invalid image", e.what()};
  }
  static Extent extent{0, 0, 0};
  if (extent.x != launch.block.x || extent.y != launch.block.y || extent.z != launch.block.z) {
    extent = launch.block;
    index_threads(extent);
  }
  gridstride_sim_block_extent = {launch.block.x, launch.block.y, launch.block.z};
  gridstride_sim_grid_extent = {launch.grid.x, launch.grid.y, launch.grid.z};
  shuffled = launch.seed != 0;
  start_first = false;
  random_state = launch.seed;
  hooks::on = launch.checked && block.image->checked;
  run_grid(launch);
  hooks::on = false;
  std::fflush(stdout);  // printf of kernels
  if (!failed) return {};
  clean_up_after_failure();
  return std::move(outcome);
}

}  // namespace gridstride

using namespace gridstride;

void gridstride_sim_syncthreads() { block_barrier(true, __builtin_return_address(0)); }

int gridstride_sim_syncthreads_count(int predicate) {
  block_barrier(predicate != 0, __builtin_return_address(0));
  return block.barrier.count;
}

int gridstride_sim_syncthreads_and(int predicate) {
  block_barrier(predicate != 0, __builtin_return_address(0));
  return block.barrier.all;
}

int gridstride_sim_syncthreads_or(int predicate) {
  block_barrier(predicate != 0, __builtin_return_address(0));
  return block.barrier.any;
}

void gridstride_sim_trap() { fail(719, block.current, __builtin_return_address(0), "trap", "the kernel called __trap()"); }

void gridstride_sim_assert(const char* expression, const char* file, int line, const char* function) {
  fail(710, block.current, nullptr, "assertion failed", "%s, in %s at %s:%d", expression, function, file, line);
}
