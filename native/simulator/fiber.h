// Stacks and the switch between them. A switch saves what the calling convention wants kept and
// costs a few nanoseconds; nothing is known to the operating system.
#pragma once

#include <cstddef>

namespace gridstride::fiber {

// 192 bytes over a power of two, or the tops of all stacks would share the same sets of L1.
constexpr size_t STACK_STRIDE = 64 * 1024 + 192;

struct Stack {
  void* resume = nullptr;      // stack pointer while nobody runs on it
  unsigned char* low = nullptr;
  size_t bytes = 0;
  void* sanitizer = nullptr;   // AddressSanitizer's fake stack
};

// Address space for `count` stacks; memory is used from the first touch on. Aborts if there is none.
// Kept for the life of the process.
Stack* reserve(unsigned count);

// The whole range of them.
bool on_a_stack(const void* address);

// Makes the stack start in `entry` at the next switch to it. `entry` must never return.
void prepare(Stack& stack, void (*entry)());

// The lowest word of a stack is never used by a sound kernel.
bool overflowed(const Stack& stack);

}  // namespace gridstride::fiber

// Saves the registers and the stack pointer in *from, goes on where `to` was saved.
extern "C" void gridstride_fiber_switch(void** from, void* to);
