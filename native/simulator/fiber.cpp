#include "fiber.h"

#include <sys/mman.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>

#if defined(__x86_64__)

asm(R"(
.text
.p2align 4
.globl gridstride_fiber_switch
.hidden gridstride_fiber_switch
.type gridstride_fiber_switch, @function
gridstride_fiber_switch:
  .cfi_startproc
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  ret
  .cfi_endproc
.size gridstride_fiber_switch, . - gridstride_fiber_switch
)");

namespace {
constexpr int SAVED = 6;  // words that the switch pops before it returns
}

#elif defined(__aarch64__)

asm(R"(
.text
.p2align 4
.globl gridstride_fiber_switch
.hidden gridstride_fiber_switch
.type gridstride_fiber_switch, %function
gridstride_fiber_switch:
  .cfi_startproc
  sub sp, sp, #160
  stp x19, x20, [sp, #0]
  stp x21, x22, [sp, #16]
  stp x23, x24, [sp, #32]
  stp x25, x26, [sp, #48]
  stp x27, x28, [sp, #64]
  stp x29, x30, [sp, #80]
  stp d8, d9, [sp, #96]
  stp d10, d11, [sp, #112]
  stp d12, d13, [sp, #128]
  stp d14, d15, [sp, #144]
  mov x9, sp
  str x9, [x0]
  mov sp, x1
  ldp x19, x20, [sp, #0]
  ldp x21, x22, [sp, #16]
  ldp x23, x24, [sp, #32]
  ldp x25, x26, [sp, #48]
  ldp x27, x28, [sp, #64]
  ldp x29, x30, [sp, #80]
  ldp d8, d9, [sp, #96]
  ldp d10, d11, [sp, #112]
  ldp d12, d13, [sp, #128]
  ldp d14, d15, [sp, #144]
  add sp, sp, #160
  ret
  .cfi_endproc
.size gridstride_fiber_switch, . - gridstride_fiber_switch
)");

#else
#error "the simulated device runs on x86-64 and aarch64"
#endif

namespace gridstride::fiber {

namespace {

constexpr size_t GUARD = 4096;
constexpr size_t SLOT = GUARD + 17 * 4096;
// The tops of all stacks lie 192 bytes apart within a page, or they would share the same sets of L1.
constexpr size_t STEP = 192, STEPS = 4096 / STEP;

unsigned char* range_low = nullptr;
unsigned char* range_high = nullptr;

}  // namespace

Stack* reserve(unsigned count) {
  size_t bytes = SLOT * count;
  void* memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) {
    std::fprintf(stderr, "gridstride: no address space for %u thread stacks (%zu bytes)\n", count, bytes);
    std::abort();
  }
  range_low = static_cast<unsigned char*>(memory);
  range_high = range_low + bytes;
  Stack* stacks = new Stack[count];
  for (unsigned i = 0; i < count; i++) {
    stacks[i].low = range_low + i * SLOT + GUARD;
    stacks[i].bytes = SLOT - GUARD - i % STEPS * STEP;
  }
  return stacks;
}

bool on_a_stack(const void* address) { return address >= range_low && address < range_high; }

bool between_stacks(const void* address) {
  return on_a_stack(address) && static_cast<size_t>(static_cast<const unsigned char*>(address) - range_low) % SLOT < GUARD;
}

void prepare(Stack& stack, void (*entry)()) {
  if (!stack.guarded) stack.guarded = mprotect(stack.low - GUARD, GUARD, PROT_NONE) == 0;
  auto** top = reinterpret_cast<void**>(reinterpret_cast<uintptr_t>(stack.low + stack.bytes) & ~uintptr_t{63});
#if defined(__x86_64__)
  *--top = nullptr;                         // the return address of entry: the end of a backtrace
  *--top = reinterpret_cast<void*>(entry);
  for (int i = 0; i < SAVED; i++) *--top = nullptr;
#else
  top -= 20;
  for (int i = 0; i < 20; i++) top[i] = nullptr;
  top[11] = reinterpret_cast<void*>(entry);  // x30
#endif
  stack.resume = top;
}

}  // namespace gridstride::fiber
