// Stacks and the switch between them. A switch saves what the calling convention wants kept and
// costs a few nanoseconds; nothing is known to the operating system.
#pragma once

#include <cstddef>

namespace gridstride::fiber {

struct Stack {
  void* resume = nullptr;        // stack pointer while nobody runs on it; null: has to be prepared
  unsigned char* low = nullptr;  // below it lies a page that cannot be touched
  size_t bytes = 0;              // at least 64 KiB
  void* sanitizer = nullptr;     // AddressSanitizer's fake stack
  bool guarded = false;
};

// Address space for `count` stacks; memory is used from the first touch on. Aborts if there is none.
// Kept for the life of the process.
Stack* reserve(unsigned count);

// Whether the address lies in the range of all stacks, and whether in one of the pages between them.
bool on_a_stack(const void* address);
bool between_stacks(const void* address);

// Makes the stack start in `entry` at the next switch to it. `entry` must never return.
void prepare(Stack& stack, void (*entry)());

}  // namespace gridstride::fiber

// Saves the registers and the stack pointer in *from, goes on where `to` was saved.
extern "C" void gridstride_fiber_switch(void** from, void* to);
