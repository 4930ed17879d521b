__device__ unsigned lane() {
  unsigned r;
  asm volatile("mov.u32 %0, %%laneid;" : "=r"(r));
  return r;
}

extern "C" __global__ void lanes(unsigned* y) { y[threadIdx.x] = lane(); }
