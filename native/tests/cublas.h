// The calls of cuBLAS under test, as its documentation has them.
#pragma once

#include "check.h"

inline float* floats_at(CUdeviceptr p) { return reinterpret_cast<float*>(p); }

#define DECLARE(name, ...) extern "C" int name(__VA_ARGS__);
DECLARE(cublasCreate_v2, void**)
DECLARE(cublasDestroy_v2, void*)
DECLARE(cublasSetStream_v2, void*, CUstream)
DECLARE(cublasGetStream_v2, void*, CUstream*)
DECLARE(cublasSetWorkspace_v2, void*, void*, size_t)
DECLARE(cublasSetPointerMode_v2, void*, int)
DECLARE(cublasSetMathMode, void*, int)
DECLARE(cublasGetMathMode, void*, int*)
DECLARE(cublasSetAtomicsMode, void*, int)
DECLARE(cublasGetVersion_v2, void*, int*)
DECLARE(cublasGetProperty, int, int*)
DECLARE(cublasSgemm_v2, void*, int, int, int, int, int, const float*, const float*, int, const float*, int,
        const float*, float*, int)
DECLARE(cublasSgemmStridedBatched, void*, int, int, int, int, int, const float*, const float*, int, long long,
        const float*, int, long long, const float*, float*, int, long long, int)
DECLARE(cublasGemmEx, void*, int, int, int, int, int, const void*, const void*, int, int, const void*, int, int,
        const void*, void*, int, int, int, int)
DECLARE(cublasGemmStridedBatchedEx, void*, int, int, int, int, int, const void*, const void*, int, int, long long,
        const void*, int, int, long long, const void*, void*, int, int, long long, int, int, int)
DECLARE(cublasDgemm_v2)
#undef DECLARE
