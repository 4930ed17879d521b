// The algorithms of a convolution: which takes what, their workspaces, and the queries. What each takes is what the
// library's documentation says of it; sizes and order are ours, chosen so that a caller who takes them for granted fails.
#include <algorithm>

#include "convolution.h"

namespace gridstride::cudnn {

namespace {

// In the order of their numbers.
constexpr Algorithm FORWARD[] = {{0, "IMPLICIT_GEMM", true}, {1, "IMPLICIT_PRECOMP_GEMM", true},
                                 {2, "GEMM", true},          {3, "DIRECT", true},
                                 {4, "FFT", true},           {5, "FFT_TILING", true},
                                 {6, "WINOGRAD", true},      {7, "WINOGRAD_NONFUSED", true}};
constexpr Algorithm BACKWARD_DATA[] = {{0, "ALGO_0", false},    {1, "ALGO_1", true},   {2, "FFT", true},
                                       {3, "FFT_TILING", true}, {4, "WINOGRAD", true}, {5, "WINOGRAD_NONFUSED", true}};
constexpr Algorithm BACKWARD_FILTER[] = {{0, "ALGO_0", false}, {1, "ALGO_1", true},
                                         {2, "FFT", true},     {3, "ALGO_3", false},
                                         {4, "WINOGRAD", true}, {5, "WINOGRAD_NONFUSED", true},
                                         {6, "FFT_TILING", true}};
// The order in which the queries name them, expected fastest first; nondeterministic ones lead where there are some.
constexpr int FORWARD_ORDER[] = {1, 0, 7, 6, 2, 5, 4, 3};
constexpr int BACKWARD_DATA_ORDER[] = {0, 1, 5, 4, 3, 2};
constexpr int BACKWARD_FILTER_ORDER[] = {3, 0, 1, 5, 6, 2, 4};

struct Table {
  const Algorithm* algorithms;
  const int* order;
  int count;
};

Table table_of(Pass pass) {
  switch (pass) {
    case Pass::FORWARD: return {FORWARD, FORWARD_ORDER, 8};
    case Pass::BACKWARD_DATA: return {BACKWARD_DATA, BACKWARD_DATA_ORDER, 6};
    default: return {BACKWARD_FILTER, BACKWARD_FILTER_ORDER, 7};
  }
}

enum class Family : uint8_t { GEMM, EXPLICIT_GEMM, FFT, FFT_TILING, WINOGRAD, WINOGRAD_NONFUSED, NONE };

Family family_of(Pass pass, int number) {
  constexpr Family FORWARDS[] = {Family::GEMM, Family::GEMM,       Family::EXPLICIT_GEMM, Family::NONE,
                                 Family::FFT,  Family::FFT_TILING, Family::WINOGRAD,      Family::WINOGRAD_NONFUSED};
  constexpr Family DATA[] = {Family::GEMM,       Family::GEMM,     Family::FFT,
                             Family::FFT_TILING, Family::WINOGRAD, Family::WINOGRAD_NONFUSED};
  constexpr Family FILTER[] = {Family::GEMM, Family::GEMM, Family::FFT, Family::GEMM,
                               Family::NONE, Family::WINOGRAD_NONFUSED, Family::FFT_TILING};
  switch (pass) {
    case Pass::FORWARD: return FORWARDS[number];
    case Pass::BACKWARD_DATA: return DATA[number];
    default: return FILTER[number];
  }
}

bool hw_packed(const Shape& s) {
  return (s.dim[3] == 1 || s.stride[3] == 1) && (s.dim[2] == 1 || s.stride[2] == s.dim[3]);
}
bool chw_packed(const Shape& s) { return hw_packed(s) && (s.dim[1] == 1 || s.stride[1] == s.dim[2] * s.dim[3]); }

// What the fast transforms ask for.
std::string transform_refusal(const Problem& p, Family family) {
  const Convolution& v = p.convolution;
  if (p.filter_format != NCHW || !hw_packed(p.x) || !hw_packed(p.y)) return "takes NCHW with packed images alone";
  if (v.stride[0] != 1 || v.stride[1] != 1) return "takes stride 1 alone";
  if (family == Family::FFT || family == Family::FFT_TILING) {
    if (p.x.type == BFLOAT16) return "does not take bfloat16";
    for (int i = 0; i < 2; i++) {
      if (p.w.dim[i + 2] <= v.pad[i]) return "takes filters larger than the padding alone";
      if (family == Family::FFT && p.x.dim[i + 2] + 2 * v.pad[i] > 256) return "takes padded images up to 256 alone";
      if (family == Family::FFT_TILING && p.w.dim[i + 2] > 32) return "takes filters up to 32 alone";
    }
    return "";
  }
  int r = p.w.dim[2], s = p.w.dim[3];
  if (family == Family::WINOGRAD) {
    if (p.x.type == BFLOAT16) return "does not take bfloat16";
    return r == 3 && s == 3 ? "" : "takes 3x3 filters alone";
  }
  return (r == 3 && s == 3) || (r == 5 && s == 5) ? "" : "takes 3x3 and 5x5 filters alone";
}

size_t product(std::initializer_list<int64_t> factors) {
  size_t out = 1;
  for (int64_t f : factors) out *= static_cast<size_t>(f);
  return out;
}

void performances(const Problem& problem, int requested, int* returned, Performance* out) {
  if (requested < 1) fail(BAD_PARAM, "%d results asked for", requested);
  need(returned, "the place for the number of results");
  need(out, "the place for the results");
  Table table = table_of(problem.pass);
  int n = 0;
  for (bool taken : {true, false}) {
    for (int i = 0; i < table.count && n < requested; i++) {
      const Algorithm& algorithm = table.algorithms[table.order[i]];
      if (refusal(problem, algorithm).empty() != taken) continue;
      Performance& row = out[n++];
      row = {};
      row.algorithm = algorithm.number;
      row.status = taken ? SUCCESS : NOT_SUPPORTED;
      row.time = -1;  // nothing was measured
      row.memory = taken ? workspace_of(problem, algorithm) : 0;
      row.determinism = algorithm.deterministic ? 1 : 0;
      bool small = problem.x.type != FLOAT;
      row.math_type = problem.convolution.math == FMA_MATH ? FMA_MATH : small ? TENSOR_OP_MATH : DEFAULT_MATH;
    }
  }
  *returned = n;
}

void workspace_size(const Problem& problem, int number, size_t* out) {
  need(out, "the place for the size");
  const Algorithm& algorithm = algorithm_of(problem.pass, number);
  std::string why = refusal(problem, algorithm);
  if (!why.empty()) {
    fail(NOT_SUPPORTED, "%s %s: %s", algorithm.name, why.c_str(), problem.describe().c_str());
  }
  *out = workspace_of(problem, algorithm);
}

}  // namespace

int algorithm_count(Pass pass) { return table_of(pass).count; }

const Algorithm& algorithm_of(Pass pass, int number) {
  Table table = table_of(pass);
  if (number < 0 || number >= table.count) fail(BAD_PARAM, "%d is no algorithm of this pass", number);
  return table.algorithms[number];
}

std::string refusal(const Problem& p, const Algorithm& algorithm) {
  const Convolution& v = p.convolution;
  Family family = family_of(p.pass, algorithm.number);
  bool dilated = v.dilation[0] != 1 || v.dilation[1] != 1;
  if (family == Family::NONE) return "is named, but implemented nowhere";
  if (family != Family::GEMM) {
    if (dilated) return "does not take dilation";
    if (family != Family::EXPLICIT_GEMM) return transform_refusal(p, family);
    return p.filter_format == NCHW ? "" : "takes filters as NCHW alone";
  }
  if (p.pass == Pass::FORWARD && algorithm.number == 1 && dilated) return "does not take dilation";
  if (p.filter_format == NHWC) {
    if (p.pass == Pass::BACKWARD_FILTER && algorithm.number == 3) return "takes filters as NCHW alone";
    bool packed = packed_as(p.x, NHWC) && packed_as(p.y, NHWC);
    return packed ? "" : "takes a filter as NHWC with packed NHWC tensors alone";
  }
  if (p.pass != Pass::FORWARD && !chw_packed(p.y)) return "takes dy as NCHW with packed images alone";
  return "";
}

size_t workspace_of(const Problem& p, const Algorithm& algorithm) {
  int64_t n = p.n(), c = p.c(), k = p.k(), h = p.x.dim[2], w = p.x.dim[3], r = p.w.dim[2], s = p.w.dim[3],
          out_h = p.y.dim[2], out_w = p.y.dim[3], pad_h = p.convolution.pad[0], pad_w = p.convolution.pad[1];
  switch (family_of(p.pass, algorithm.number)) {
    case Family::GEMM:
      if (algorithm.number == 0) return 0;
      if (p.pass == Pass::FORWARD) return 4 * product({r * s * c / p.groups() + out_h * out_w});  // offsets
      if (p.pass == Pass::BACKWARD_DATA) return 4 * product({r * s * k / p.groups() + h * w});
      return 4 * product({k, r, s, c / p.groups()});  // partial sums
    case Family::EXPLICIT_GEMM: return 4 * product({c / p.groups(), r, s, out_h, out_w});
    case Family::FFT: return 8 * product({n * c + k * c + n * k, h + 2 * pad_h, w + 2 * pad_w});
    case Family::FFT_TILING: return 8 * product({n * c + k * c + n * k, 32, 32});
    case Family::WINOGRAD: return 64 * product({k, c / p.groups()});
    case Family::WINOGRAD_NONFUSED:
      return 4 * 36 * product({n * (c + k), (out_h + 3) / 4, (out_w + 3) / 4}) + 144 * product({k, c / p.groups()});
    default: return 0;
  }
}

const Algorithm& checked_algorithm(const Problem& problem, int number, const void* workspace, size_t bytes,
                                   std::vector<library::Range>& ranges) {
  size_t wanted = 0;
  workspace_size(problem, number, &wanted);
  const Algorithm& algorithm = algorithm_of(problem.pass, number);
  if (bytes < wanted) {
    fail(SIZE_INSUFFICIENT, "a workspace of %zu bytes, %s needs %zu: %s", bytes, algorithm.name, wanted,
         problem.describe().c_str());
  }
  if (bytes > 0) need(workspace, "the workspace");
  if (wanted > 0) {
    ranges.push_back({"the workspace", reinterpret_cast<uintptr_t>(workspace), library::Access::SCRATCH, wanted});
  }
  return algorithm;
}

}  // namespace gridstride::cudnn

using namespace gridstride::cudnn;

namespace {

void max_count(Handle* handle, Pass pass, int* out) {
  handle_of(handle);
  need(out, "the place for the number");
  *out = algorithm_count(pass);
}

}  // namespace

LIBRARY_CALL cudnnGetConvolutionForwardAlgorithmMaxCount(Handle* handle, int* out) {
  CALL
  max_count(handle, Pass::FORWARD, out);
  END_CALL
}

LIBRARY_CALL cudnnGetConvolutionBackwardDataAlgorithmMaxCount(Handle* handle, int* out) {
  CALL
  max_count(handle, Pass::BACKWARD_DATA, out);
  END_CALL
}

LIBRARY_CALL cudnnGetConvolutionBackwardFilterAlgorithmMaxCount(Handle* handle, int* out) {
  CALL
  max_count(handle, Pass::BACKWARD_FILTER, out);
  END_CALL
}

LIBRARY_CALL cudnnGetConvolutionForwardAlgorithm_v7(Handle* handle, Tensor* x, Filter* w, Convolution* v, Tensor* y,
                                                  int requested, int* returned, Performance* out) {
  CALL
  handle_of(handle);
  performances(problem_of(Pass::FORWARD, x, w, v, y), requested, returned, out);
  END_CALL
}

LIBRARY_CALL cudnnGetConvolutionBackwardDataAlgorithm_v7(Handle* handle, Filter* w, Tensor* dy, Convolution* v,
                                                       Tensor* dx, int requested, int* returned, Performance* out) {
  CALL
  handle_of(handle);
  performances(problem_of(Pass::BACKWARD_DATA, dx, w, v, dy), requested, returned, out);
  END_CALL
}

LIBRARY_CALL cudnnGetConvolutionBackwardFilterAlgorithm_v7(Handle* handle, Tensor* x, Tensor* dy, Convolution* v,
                                                         Filter* dw, int requested, int* returned, Performance* out) {
  CALL
  handle_of(handle);
  performances(problem_of(Pass::BACKWARD_FILTER, x, dw, v, dy), requested, returned, out);
  END_CALL
}

LIBRARY_CALL cudnnGetConvolutionForwardWorkspaceSize(Handle* handle, Tensor* x, Filter* w, Convolution* v, Tensor* y,
                                                   int algorithm, size_t* out) {
  CALL
  handle_of(handle);
  workspace_size(problem_of(Pass::FORWARD, x, w, v, y), algorithm, out);
  END_CALL
}

LIBRARY_CALL cudnnGetConvolutionBackwardDataWorkspaceSize(Handle* handle, Filter* w, Tensor* dy, Convolution* v,
                                                        Tensor* dx, int algorithm, size_t* out) {
  CALL
  handle_of(handle);
  workspace_size(problem_of(Pass::BACKWARD_DATA, dx, w, v, dy), algorithm, out);
  END_CALL
}

LIBRARY_CALL cudnnGetConvolutionBackwardFilterWorkspaceSize(Handle* handle, Tensor* x, Tensor* dy, Convolution* v,
                                                          Filter* dw, int algorithm, size_t* out) {
  CALL
  handle_of(handle);
  workspace_size(problem_of(Pass::BACKWARD_FILTER, x, dw, v, dy), algorithm, out);
  END_CALL
}
