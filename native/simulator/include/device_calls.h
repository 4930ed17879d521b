// The functions of the simulated device that the code of an image calls.
#pragma once

#define GRIDSTRIDE_CALL extern "C" __attribute__((visibility("default")))

// Block barriers; each is also a barrier for the memory of the block.
GRIDSTRIDE_CALL void gridstride_sim_syncthreads();
GRIDSTRIDE_CALL int gridstride_sim_syncthreads_count(int predicate);
GRIDSTRIDE_CALL int gridstride_sim_syncthreads_and(int predicate);
GRIDSTRIDE_CALL int gridstride_sim_syncthreads_or(int predicate);

// Warp instructions. Shuffles carry up to 8 bytes.
enum GridstrideShuffle { GRIDSTRIDE_SHUFFLE_IDX, GRIDSTRIDE_SHUFFLE_UP, GRIDSTRIDE_SHUFFLE_DOWN, GRIDSTRIDE_SHUFFLE_XOR };
enum GridstrideReduce { GRIDSTRIDE_ADD, GRIDSTRIDE_MIN, GRIDSTRIDE_MAX, GRIDSTRIDE_UMIN, GRIDSTRIDE_UMAX, GRIDSTRIDE_AND, GRIDSTRIDE_OR, GRIDSTRIDE_XOR };
GRIDSTRIDE_CALL void gridstride_sim_syncwarp(unsigned mask);
GRIDSTRIDE_CALL unsigned long long gridstride_sim_shuffle(int kind, unsigned mask, unsigned long long bits, int lane, int width);
GRIDSTRIDE_CALL unsigned gridstride_sim_ballot(unsigned mask, int predicate);
GRIDSTRIDE_CALL int gridstride_sim_all(unsigned mask, int predicate);
GRIDSTRIDE_CALL int gridstride_sim_any(unsigned mask, int predicate);
GRIDSTRIDE_CALL unsigned gridstride_sim_match_any(unsigned mask, unsigned long long value);
GRIDSTRIDE_CALL unsigned gridstride_sim_match_all(unsigned mask, unsigned long long value, int* predicate);
GRIDSTRIDE_CALL unsigned gridstride_sim_reduce(int kind, unsigned mask, unsigned value);
GRIDSTRIDE_CALL unsigned gridstride_sim_activemask();

// Tensor cores. Fragments as in the PTX manual.
GRIDSTRIDE_CALL void gridstride_sim_ldmatrix(unsigned* r, int matrices, const void* row, bool transposed);
GRIDSTRIDE_CALL void gridstride_sim_mma_m16n8k8_tf32(float* d, const unsigned* a, const unsigned* b);
GRIDSTRIDE_CALL void gridstride_sim_mma_m16n8k16_bf16(float* d, const unsigned* a, const unsigned* b);

// Asynchronous copies to shared memory: they arrive at the wait, not before.
GRIDSTRIDE_CALL void gridstride_sim_copy_async(void* to, const void* from, unsigned bytes, unsigned valid);
GRIDSTRIDE_CALL void gridstride_sim_copy_async_commit();
GRIDSTRIDE_CALL void gridstride_sim_copy_async_wait(unsigned pending);
GRIDSTRIDE_CALL void gridstride_sim_copy_async_wait_all();

// An atomic operation on these bytes is about to happen (checked images only).
GRIDSTRIDE_CALL void gridstride_sim_atomic(const void* at, unsigned bytes, const void* pc);
GRIDSTRIDE_CALL void gridstride_sim_fence();
// Bytes read and written by a library function (checked images only).
GRIDSTRIDE_CALL void gridstride_sim_read(const void* at, unsigned long bytes);
GRIDSTRIDE_CALL void gridstride_sim_write(const void* at, unsigned long bytes);

GRIDSTRIDE_CALL void gridstride_sim_trap() __attribute__((noreturn));
GRIDSTRIDE_CALL void gridstride_sim_assert(const char* expression, const char* file, int line, const char* function) __attribute__((noreturn));
