// Tensor-core instructions. Fragment layouts: PTX ISA, "Matrix fragments for mma.m16n8k8",
// "... mma.m16n8k16" and "ldmatrix". In all of them group = lane / 4, member = lane % 4.

#include <cstring>

#include "block.h"
#include "checker_hooks.h"
#include "include/device_calls.h"

namespace gridstride {

namespace {

constexpr uint32_t FULL = ~0u;

struct Mma {
  float* d;
  const unsigned* a;
  const unsigned* b;
};

float as_float(uint32_t bits) {
  float f;
  std::memcpy(&f, &bits, sizeof f);
  return f;
}

// d[16][8] += a[16][K] * b[K][8], summed over k in order.
template <int K>
void multiply(const float (&a)[16][K], const float (&b)[K][8], float (&d)[16][8]) {
  for (int i = 0; i < 16; i++) {
    for (int k = 0; k < K; k++) {
      for (int j = 0; j < 8; j++) d[i][j] += a[i][k] * b[k][j];
    }
  }
}

void gather_d(Post* posts, float (&d)[16][8]) {
  for (unsigned lane = 0; lane < WARP_SIZE; lane++) {
    const float* from = static_cast<Mma*>(posts[lane].operands)->d;
    for (unsigned i = 0; i < 4; i++) d[lane / 4 + (i / 2) * 8][lane % 4 * 2 + i % 2] = from[i];
  }
}

void scatter_d(Post* posts, const float (&d)[16][8]) {
  for (unsigned lane = 0; lane < WARP_SIZE; lane++) {
    float* to = static_cast<Mma*>(posts[lane].operands)->d;
    for (unsigned i = 0; i < 4; i++) to[i] = d[lane / 4 + (i / 2) * 8][lane % 4 * 2 + i % 2];
  }
}

// The hardware ignores the low 13 bits of a TF32 operand.
float tf32(uint32_t bits) { return as_float(bits & 0xffffe000u); }

void run_tf32(Post* posts, uint32_t) {
  float a[16][8], b[8][8], d[16][8];
  for (unsigned lane = 0; lane < WARP_SIZE; lane++) {
    const Mma& m = *static_cast<Mma*>(posts[lane].operands);
    unsigned group = lane / 4, member = lane % 4;
    for (unsigned i = 0; i < 4; i++) a[group + (i % 2) * 8][member + (i / 2) * 4] = tf32(m.a[i]);
    for (unsigned i = 0; i < 2; i++) b[member + i * 4][group] = tf32(m.b[i]);
  }
  gather_d(posts, d);
  multiply(a, b, d);
  scatter_d(posts, d);
}

float bf16(uint32_t pair, unsigned half) { return as_float(half == 0 ? pair << 16 : pair & 0xffff0000u); }

void run_bf16(Post* posts, uint32_t) {
  float a[16][16], b[16][8], d[16][8];
  for (unsigned lane = 0; lane < WARP_SIZE; lane++) {
    const Mma& m = *static_cast<Mma*>(posts[lane].operands);
    unsigned group = lane / 4, member = lane % 4;
    for (unsigned half = 0; half < 2; half++) {
      for (unsigned i = 0; i < 4; i++) a[group + (i % 2) * 8][member * 2 + half + (i / 2) * 8] = bf16(m.a[i], half);
      for (unsigned i = 0; i < 2; i++) b[member * 2 + half + i * 8][group] = bf16(m.b[i], half);
    }
  }
  gather_d(posts, d);
  multiply(a, b, d);
  scatter_d(posts, d);
}

struct LoadMatrix {
  unsigned* r;
  unsigned matrices;
  const unsigned char* row;
  bool transposed;
};

void run_ldmatrix(Post* posts, uint32_t) {
  const LoadMatrix& model = *static_cast<LoadMatrix*>(posts[0].operands);
  for (unsigned matrix = 0; matrix < model.matrices; matrix++) {
    uint16_t elements[8][8];
    for (unsigned row = 0; row < 8; row++) {
      unsigned lane = matrix * 8 + row;
      std::memcpy(elements[row], static_cast<LoadMatrix*>(posts[lane].operands)->row, 16);
    }
    for (unsigned lane = 0; lane < WARP_SIZE; lane++) {
      const LoadMatrix& m = *static_cast<LoadMatrix*>(posts[lane].operands);
      unsigned i = lane / 4, j = lane % 4 * 2;
      uint16_t low = m.transposed ? elements[j][i] : elements[i][j];
      uint16_t high = m.transposed ? elements[j + 1][i] : elements[i][j + 1];
      m.r[matrix] = low | static_cast<uint32_t>(high) << 16;
    }
  }
}

// mma and ldmatrix are for whole warps.
void whole_warp(const char* name, const void* pc) {
  const Warp& warp = block.warps[block.current->warp()];
  if (warp.exists != FULL || warp.exited != 0) {
    fail(719, block.current, pc, "warp instruction after an early exit", "%s needs all 32 lanes of the warp; lanes 0x%08x are there", name,
         warp.exists & ~warp.exited);
  }
}

}  // namespace

}  // namespace gridstride

using namespace gridstride;

void gridstride_sim_mma_m16n8k8_tf32(float* d, const unsigned* a, const unsigned* b) {
  const void* pc = __builtin_return_address(0);
  whole_warp("mma.m16n8k8", pc);
  Mma m{d, a, b};
  collective("mma.m16n8k8", run_tf32, FULL, &m, pc);
}

void gridstride_sim_mma_m16n8k16_bf16(float* d, const unsigned* a, const unsigned* b) {
  const void* pc = __builtin_return_address(0);
  whole_warp("mma.m16n8k16", pc);
  Mma m{d, a, b};
  collective("mma.m16n8k16", run_bf16, FULL, &m, pc);
}

void gridstride_sim_ldmatrix(unsigned* r, int matrices, const void* row, bool transposed) {
  const void* pc = __builtin_return_address(0);
  whole_warp("ldmatrix", pc);
  const Thread& self = *block.current;
  if (self.lane() < static_cast<unsigned>(matrices) * 8) {
    if ((reinterpret_cast<uintptr_t>(row) & 15u) != 0) {
      fail(716, &self, pc, "misaligned address", "ldmatrix reads rows of 16 bytes at multiples of 16, not at %p", row);
    }
    if (hooks::on) hooks::reads(self, row, 16, pc);
  }
  LoadMatrix m{r, static_cast<unsigned>(matrices), static_cast<const unsigned char*>(row), transposed};
  collective("ldmatrix", run_ldmatrix, FULL, &m, pc);
}
