// What a matrix product needs of cuBLASLt; see driver_api.h.
#pragma once

#include <cstddef>
#include <cstdint>

#include "driver_api.h"

namespace dlc::cuda {

using LtHandle = struct LtHandleTag *;
using LtProduct = struct LtProductTag *;
using LtLayout = struct LtLayoutTag *;
using LtPreference = struct LtPreferenceTag *;

// As the library lays it out; a choice is copied, never looked into but for these.
struct LtAlgorithm {
  uint64_t data[8];
};
struct LtChoice {
  LtAlgorithm algorithm;
  size_t workspace_bytes;
  int status;
  float waves;
  int reserved[4];
};

#define DLC_CUBLASLT_FUNCTIONS(F)                                                                                     \
  F(cublasLtGetVersion, size_t)                                                                                       \
  F(cublasLtGetStatusString, const char *, int status)                                                                \
  F(cublasLtCreate, int, LtHandle *handle)                                                                            \
  F(cublasLtDestroy, int, LtHandle handle)                                                                            \
  F(cublasLtMatmulDescCreate, int, LtProduct *product, int compute_type, int scale_type)                              \
  F(cublasLtMatmulDescDestroy, int, LtProduct product)                                                                \
  F(cublasLtMatmulDescSetAttribute, int, LtProduct product, int attribute, const void *value, size_t bytes)           \
  F(cublasLtMatrixLayoutCreate, int, LtLayout *layout, int type, uint64_t rows, uint64_t columns, int64_t stride)     \
  F(cublasLtMatrixLayoutDestroy, int, LtLayout layout)                                                                \
  F(cublasLtMatrixLayoutSetAttribute, int, LtLayout layout, int attribute, const void *value, size_t bytes)           \
  F(cublasLtMatmulPreferenceCreate, int, LtPreference *preference)                                                    \
  F(cublasLtMatmulPreferenceDestroy, int, LtPreference preference)                                                    \
  F(cublasLtMatmulPreferenceSetAttribute, int, LtPreference preference, int attribute, const void *value,             \
    size_t bytes)                                                                                                     \
  F(cublasLtMatmulAlgoGetHeuristic, int, LtHandle handle, LtProduct product, LtLayout a, LtLayout b, LtLayout c,      \
    LtLayout d, LtPreference preference, int wanted, LtChoice *choices, int *found)                                   \
  F(cublasLtMatmul, int, LtHandle handle, LtProduct product, const void *alpha, const void *a, LtLayout a_layout,     \
    const void *b, LtLayout b_layout, const void *beta, const void *c, LtLayout c_layout, void *d, LtLayout d_layout, \
    const LtAlgorithm *algorithm, void *workspace, size_t workspace_bytes, Stream stream)

#define DLC_CUBLASLT_CONSTANTS(C)                                   \
  C(kLtSuccess, CUBLAS_STATUS_SUCCESS, 0)                           \
  C(kLtFloat32, CUDA_R_32F, 0)                                      \
  C(kLtBfloat16, CUDA_R_16BF, 14)                                   \
  C(kLtCompute32F, CUBLAS_COMPUTE_32F, 68)                          \
  C(kLtComputeTF32, CUBLAS_COMPUTE_32F_FAST_TF32, 77)               \
  C(kLtTransposeA, CUBLASLT_MATMUL_DESC_TRANSA, 3)                  \
  C(kLtTransposeB, CUBLASLT_MATMUL_DESC_TRANSB, 4)                  \
  C(kLtEpilogue, CUBLASLT_MATMUL_DESC_EPILOGUE, 7)                  \
  C(kLtBiasPointer, CUBLASLT_MATMUL_DESC_BIAS_POINTER, 8)           \
  C(kLtOperationNone, CUBLAS_OP_N, 0)                               \
  C(kLtOperationTranspose, CUBLAS_OP_T, 1)                          \
  C(kLtEpilogueNone, CUBLASLT_EPILOGUE_DEFAULT, 1)                  \
  C(kLtEpilogueRelu, CUBLASLT_EPILOGUE_RELU, 2)                     \
  C(kLtEpilogueBias, CUBLASLT_EPILOGUE_BIAS, 4)                     \
  C(kLtEpilogueReluBias, CUBLASLT_EPILOGUE_RELU_BIAS, 6)            \
  C(kLtBatchCount, CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT, 5)           \
  C(kLtBatchStride, CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET, 6) \
  C(kLtMostWorkspace, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, 1)  \
  C(kLtReductionSchemes, CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK, 3)

}  // namespace dlc::cuda
