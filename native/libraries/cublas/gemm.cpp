// The products of matrices: what a call says is checked, and becomes work on the handle's stream.
#include <algorithm>
#include <cstring>

#include "handle.h"
#include "product.h"

namespace gridstride::cublas {

using library::Access;
using library::fail;
using library::Range;

namespace {

// cudaDataType
constexpr int R_32F = 0, R_16BF = 14;

// cublasComputeType_t
enum : int {
  COMPUTE_16F = 64,
  COMPUTE_16F_PEDANTIC = 65,
  COMPUTE_32F = 68,
  COMPUTE_32F_PEDANTIC = 69,
  COMPUTE_64F = 70,
  COMPUTE_64F_PEDANTIC = 71,
  COMPUTE_32I = 72,
  COMPUTE_32I_PEDANTIC = 73,
  COMPUTE_32F_FAST_16F = 74,
  COMPUTE_32F_FAST_16BF = 75,
  COMPUTE_32F_FAST_TF32 = 77,
};

// cublasGemmAlgo_t: -1 (default), 0 to 23, 99 to 115 (tensor cores, of no meaning since Ampere).
bool is_algorithm(int algorithm) {
  return (algorithm >= -1 && algorithm <= 23) || (algorithm >= 99 && algorithm <= 115);
}

struct Call {
  int transpose_a, transpose_b;
  int m, n, k;
  const void* alpha;
  const void* a;
  int type_a, lda;
  long long stride_a;
  const void* b;
  int type_b, ldb;
  long long stride_b;
  const void* beta;
  void* c;
  int type_c, ldc;
  long long stride_c;
  int batch;
  int compute;
  int algorithm = -1;
};

bool transposed(const char* name, int operation) {
  if (operation < 0 || operation > 2) {
    fail(INVALID_VALUE, "%s is %d; 0 (none), 1 (transposed) or 2 (conjugate transposed) is expected", name, operation);
  }
  return operation != 0;
}

Type type_of(const char* name, int type) {
  if (type != R_32F && type != R_16BF) {
    fail(NOT_SUPPORTED, "%s has type %d; 0 (float32) and 14 (bfloat16) are simulated", name, type);
  }
  return type == R_32F ? Type::FLOAT32 : Type::BFLOAT16;
}

// The combinations of the table "cublasGemmEx" in cuBLAS's documentation that have these types.
Rounding rounding_of(const Handle& handle, const Call& call) {
  bool same = call.type_a == call.type_b;
  bool small = call.type_a == R_16BF;
  bool known = same && (call.type_c == R_32F || (small && call.type_c == R_16BF));
  switch (call.compute) {
    case COMPUTE_32F:
    case COMPUTE_32F_PEDANTIC: break;
    case COMPUTE_32F_FAST_16BF:
    case COMPUTE_32F_FAST_TF32: known = known && !small; break;
    case COMPUTE_16F:
    case COMPUTE_16F_PEDANTIC:
    case COMPUTE_32F_FAST_16F:
    case COMPUTE_64F:
    case COMPUTE_64F_PEDANTIC:
    case COMPUTE_32I:
    case COMPUTE_32I_PEDANTIC:
      fail(NOT_SUPPORTED,
           "compute type %d is not simulated; 68 (float32), 69 (float32 pedantic), 75 (as bfloat16) and 77 (as TF32) are",
           call.compute);
    default: fail(INVALID_VALUE, "there is no compute type %d", call.compute);
  }
  if (!known) {
    fail(NOT_SUPPORTED, "A of type %d, B of %d and C of %d do not go with compute type %d (0 is float32, 14 bfloat16)",
         call.type_a, call.type_b, call.type_c, call.compute);
  }
  // Cards before Ampere multiply TF32 and bfloat16 in no other way than float32, or not at all.
  bool ampere = library::capability() >= 80;
  if (small && !ampere) {
    fail(NOT_SUPPORTED, "bfloat16 needs compute capability 8.0, the device has %d.%d", library::capability() / 10,
         library::capability() % 10);
  }
  if (small || !ampere || handle.math() == PEDANTIC_MATH || call.compute == COMPUTE_32F_PEDANTIC) return Rounding::NONE;
  if (call.compute == COMPUTE_32F_FAST_16BF) return Rounding::BFLOAT16;
  bool tf32 = call.compute == COMPUTE_32F_FAST_TF32 || handle.math() == TF32_TENSOR_OP_MATH;
  return tf32 ? Rounding::TF32 : Rounding::NONE;
}

// A scalar of the call: its value now, or the place in the device's memory that is read when the work runs.
const float* scalar(const Handle& handle, const char* name, const void* p, float& value, std::vector<Range>& ranges) {
  if (p == nullptr) fail(INVALID_VALUE, "%s is null", name);
  if (handle.pointer_mode == PointerMode::HOST) {
    if (library::on_device(p)) {
      fail(INVALID_VALUE, "%s is memory of the device, but the pointer mode is host", name);
    }
    std::memcpy(&value, p, sizeof value);
    return nullptr;
  }
  ranges.push_back({name, reinterpret_cast<uintptr_t>(p), Access::READ, sizeof(float)});
  return static_cast<const float*>(p);
}

// One operand: `rows` is how long its columns are in memory, `columns` how many there are.
Matrix matrix(const char* name, const void* p, Type type, int leading, long long stride, size_t rows, size_t columns) {
  if (leading < 1 || static_cast<size_t>(leading) < rows) {
    fail(INVALID_VALUE, "the leading dimension of %s is %d, but its columns have %zu elements", name, leading, rows);
  }
  if (stride < 0) fail(INVALID_VALUE, "the stride of %s is %lld", name, stride);
  auto at = reinterpret_cast<uintptr_t>(p);
  if (rows > 0 && columns > 0) {
    if (p == nullptr) fail(INVALID_VALUE, "%s is null", name);
    if (at % size_of(type) != 0) fail(INVALID_VALUE, "%s at %p is not aligned to its elements of %zu bytes", name, p, size_of(type));
  }
  return {at, type, static_cast<size_t>(leading), static_cast<size_t>(stride)};
}

Range range(const char* name, const Matrix& x, size_t rows, size_t columns, size_t batch, Access access) {
  size_t each = size_of(x.type);
  return {name, x.at, access, rows * each, columns, x.leading * each, x.stride == 0 ? 1 : batch, x.stride * each};
}

void size(const char* name, int value) {
  if (value < 0) fail(INVALID_VALUE, "%s is %d", name, value);
}

void enqueue(Handle& handle, const Call& call) {
  Product p;
  p.transposed_a = transposed("transa", call.transpose_a);
  p.transposed_b = transposed("transb", call.transpose_b);
  size("m", call.m);
  size("n", call.n);
  size("k", call.k);
  size("the number of matrices", call.batch);
  if (!is_algorithm(call.algorithm)) fail(INVALID_VALUE, "there is no algorithm %d", call.algorithm);
  p.m = static_cast<size_t>(call.m);
  p.n = static_cast<size_t>(call.n);
  p.k = static_cast<size_t>(call.k);
  p.batch = static_cast<size_t>(call.batch);
  Type type_a = type_of("A", call.type_a), type_b = type_of("B", call.type_b), type_c = type_of("C", call.type_c);
  p.rounding = rounding_of(handle, call);
  size_t a_rows = p.transposed_a ? p.k : p.m, a_columns = p.transposed_a ? p.m : p.k;
  size_t b_rows = p.transposed_b ? p.n : p.k, b_columns = p.transposed_b ? p.k : p.n;
  p.a = matrix("A", call.a, type_a, call.lda, call.stride_a, a_rows, a_columns);
  p.b = matrix("B", call.b, type_b, call.ldb, call.stride_b, b_rows, b_columns);
  p.c = matrix("C", call.c, type_c, call.ldc, call.stride_c, p.m, p.n);
  std::vector<Range> ranges;
  p.device_alpha = scalar(handle, "alpha", call.alpha, p.alpha, ranges);
  p.device_beta = scalar(handle, "beta", call.beta, p.beta, ranges);
  if (p.m == 0 || p.n == 0 || p.batch == 0) return;

  if (p.batch > 1 && p.c.stride == 0) fail(INVALID_VALUE, "%zu matrices C at the same place", p.batch);
  if (p.device_alpha != nullptr || p.alpha != 0) {
    ranges.push_back(range("A", p.a, a_rows, a_columns, p.batch, Access::READ));
    ranges.push_back(range("B", p.b, b_rows, b_columns, p.batch, Access::READ));
  }
  bool reads_c = p.device_beta == nullptr && p.beta != 0;
  ranges.push_back(range("C", p.c, p.m, p.n, p.batch, reads_c ? Access::UPDATE : Access::WRITE));
  // A card's library keeps sums of parts of k in it.
  size_t used = std::min(handle.workspace_bytes, p.m * p.n * sizeof(float));
  if (used > 0) ranges.push_back({"the workspace", handle.workspace, Access::SCRATCH, used});
  library::refuse_overlap(ranges, INVALID_VALUE);

  library::Job job;
  job.call = library::current_call;
  job.description = library::text("m %d, n %d, k %d, %d matrices", call.m, call.n, call.k, call.batch);
  job.ranges = std::move(ranges);
  job.run = [p] { multiply(p); };
  library::enqueue(handle.stream, std::move(job));
}

}  // namespace

}  // namespace gridstride::cublas

using namespace gridstride::cublas;

LIBRARY_CALL cublasGemmEx(void* handle, int transa, int transb, int m, int n, int k, const void* alpha, const void* a,
                          int type_a, int lda, const void* b, int type_b, int ldb, const void* beta, void* c,
                          int type_c, int ldc, int compute, int algorithm) {
  CALL
  enqueue(handle_of(handle), {transa, transb, m, n, k, alpha, a, type_a, lda, 0, b, type_b, ldb, 0, beta, c, type_c,
                              ldc, 0, 1, compute, algorithm});
  END_CALL
}

LIBRARY_CALL cublasGemmStridedBatchedEx(void* handle, int transa, int transb, int m, int n, int k, const void* alpha,
                                        const void* a, int type_a, int lda, long long stride_a, const void* b,
                                        int type_b, int ldb, long long stride_b, const void* beta, void* c, int type_c,
                                        int ldc, long long stride_c, int batch, int compute, int algorithm) {
  CALL
  enqueue(handle_of(handle), {transa, transb, m, n, k, alpha, a, type_a, lda, stride_a, b, type_b, ldb, stride_b, beta,
                              c, type_c, ldc, stride_c, batch, compute, algorithm});
  END_CALL
}

LIBRARY_CALL cublasSgemm_v2(void* handle, int transa, int transb, int m, int n, int k, const float* alpha,
                            const float* a, int lda, const float* b, int ldb, const float* beta, float* c, int ldc) {
  CALL
  enqueue(handle_of(handle), {transa, transb, m, n, k, alpha, a, R_32F, lda, 0, b, R_32F, ldb, 0, beta, c, R_32F, ldc,
                              0, 1, COMPUTE_32F});
  END_CALL
}

LIBRARY_CALL cublasSgemmStridedBatched(void* handle, int transa, int transb, int m, int n, int k, const float* alpha,
                                       const float* a, int lda, long long stride_a, const float* b, int ldb,
                                       long long stride_b, const float* beta, float* c, int ldc, long long stride_c,
                                       int batch) {
  CALL
  enqueue(handle_of(handle), {transa, transb, m, n, k, alpha, a, R_32F, lda, stride_a, b, R_32F, ldb, stride_b, beta,
                              c, R_32F, ldc, stride_c, batch, COMPUTE_32F});
  END_CALL
}
