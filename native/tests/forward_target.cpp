// A libcublas.so.13 for the test of forwarding: functions that note what they are given, and few of them.
#include <cstddef>
#include <cstdint>

#define EXPORTED extern "C" __attribute__((visibility("default")))

static int64_t noted[32];
static double noted_floats[8];

EXPORTED const int64_t* forward_target_noted() { return noted; }
EXPORTED const double* forward_target_floats() { return noted_floats; }

EXPORTED int cublasGemmEx(void* a, int b, int c, int d, int e, int f, const void* g, const void* h, int i, int j,
                          const void* k, int l, int m, const void* n, void* o, int p, int q, int r, int s) {
  const void* pointers[] = {a, g, h, k, n, o};
  for (int x = 0; x < 6; x++) noted[x] = reinterpret_cast<intptr_t>(pointers[x]);
  int numbers[] = {b, c, d, e, f, i, j, l, m, p, q, r, s};
  for (int x = 0; x < 13; x++) noted[6 + x] = numbers[x];
  return 42;
}

// No function of cuBLAS takes these; a call has to pass them all the same.
EXPORTED int cublasSetMathMode(double a, double b, double c, double d, double e, double f, double g, double h) {
  double all[] = {a, b, c, d, e, f, g, h};
  for (int x = 0; x < 8; x++) noted_floats[x] = all[x];
  return 43;
}

EXPORTED const char* cublasGetStatusName(int status) { return status == 7 ? "seven" : "another"; }
EXPORTED size_t cublasGetCudartVersion() { return (size_t{1} << 40) + 13000; }
