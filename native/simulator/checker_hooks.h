// What the executor tells the checker. Called only while a checked launch runs.
#pragma once

#include <cstddef>
#include <cstdint>

#include "block.h"

namespace gridstride::hooks {

extern bool on;  // a checked launch is running

void launch_begins(const SharedMemory& shared);
void block_begins();

void at_barrier(const Thread& thread, const void* pc);
void block_synchronised();
void barrier_without(const Thread& exited);
void warp_synchronised(unsigned warp, uint32_t mask);

// Accesses that the executor makes for a thread.
void reads(const Thread& thread, const void* at, size_t bytes, const void* pc);
void writes(const Thread& thread, const void* at, size_t bytes, const void* pc);
void copy_begins(const Thread& thread, const PendingCopy& copy);
void copy_arrives(const Thread& thread, const PendingCopy& copy);

}  // namespace gridstride::hooks
