// Compares our declarations of NVIDIA's libraries with the real headers, while this file is compiled: functions by
// the binary interface of result and arguments, constants by value, structures by size. CMake looks for the headers
// (DLC_CUDA_HEADERS names more folders); for each that is not there a skip is printed.
#include <cstdio>
#include <type_traits>

#if __has_include(<cuda.h>)
#include <cuda.h>
#define DLC_HAS_DRIVER 1
#endif
#if __has_include(<nvrtc.h>)
#include <nvrtc.h>
#define DLC_HAS_NVRTC 1
#endif
// The runtime's headers, which these include, need those of CCCL.
#if __has_include(<cublasLt.h>) && __has_include(<nv/target>)
#include <cublasLt.h>
#define DLC_HAS_CUBLASLT 1
#endif
#if __has_include(<cudnn.h>) && __has_include(<cuda_runtime.h>)
#include <cudnn.h>
#define DLC_HAS_CUDNN 1
#endif
#if __has_include(<nccl.h>) && __has_include(<nv/target>)
#include <nccl.h>
#define DLC_HAS_NCCL 1
#endif

#include "check.h"
#include "cuda/cublaslt_api.h"
#include "cuda/cudnn_api.h"
#include "cuda/driver_api.h"
#include "cuda/nccl_api.h"
#include "cuda/nvrtc_api.h"

namespace {

template <typename T>
constexpr bool is_word = std::is_arithmetic_v<T> || std::is_enum_v<T>;

// Whether a value of one type is passed as one of the other: numbers of one kind and size, enumerations as int, any two
// pointers to handles, pointers to values that are alike, structures of one size.
template <typename A, typename B>
constexpr bool alike() {
  if constexpr (std::is_same_v<A, B>) {
    return true;
  } else if constexpr (std::is_pointer_v<A> && std::is_pointer_v<B>) {
    using To = std::remove_cv_t<std::remove_pointer_t<A>>;
    using From = std::remove_cv_t<std::remove_pointer_t<B>>;
    if constexpr (std::is_const_v<std::remove_pointer_t<A>> != std::is_const_v<std::remove_pointer_t<B>>)
      return false;
    else if constexpr (is_word<To> || is_word<From> || std::is_pointer_v<To> || std::is_pointer_v<From>)
      return std::is_void_v<To> || std::is_void_v<From> || alike<To, From>();
    else
      return true;
  } else if constexpr (is_word<A> && is_word<B>) {
    return sizeof(A) == sizeof(B) && std::is_floating_point_v<A> == std::is_floating_point_v<B>;
  } else if constexpr (std::is_class_v<A> && std::is_class_v<B>) {
    return sizeof(A) == sizeof(B) && alignof(A) == alignof(B);
  } else {
    return false;
  }
}

template <typename Own, typename Real>
struct Same : std::false_type {};
template <typename R, typename... A, typename S, typename... B>
struct Same<R(A...), S(B...)> {
  static constexpr bool arguments() {
    if constexpr (sizeof...(A) == sizeof...(B))
      return (alike<A, B>() && ...);
    else
      return false;
  }
  static constexpr bool value = alike<R, S>() && arguments();
};

#define DLC_COMPARE_FUNCTION(name, result, ...) \
  static_assert(Same<result(__VA_ARGS__), std::remove_pointer_t<decltype(&::name)>>::value, #name);
#define DLC_COMPARE_CONSTANT(own, real, value) static_assert(value == static_cast<int>(::real), #real);

void report(const char *header, bool present) {
  if (!present) std::printf("    SKIPPED: %s is not here: its declarations are not compared\n", header);
}

}  // namespace

namespace dlc::cuda {

#ifdef DLC_HAS_DRIVER
DLC_DRIVER_FUNCTIONS(DLC_COMPARE_FUNCTION)
DLC_DRIVER_CONSTANTS(DLC_COMPARE_CONSTANT)
#endif
#ifdef DLC_HAS_NVRTC
DLC_NVRTC_FUNCTIONS(DLC_COMPARE_FUNCTION)
DLC_NVRTC_CONSTANTS(DLC_COMPARE_CONSTANT)
#endif
#ifdef DLC_HAS_CUBLASLT
DLC_CUBLASLT_FUNCTIONS(DLC_COMPARE_FUNCTION)
DLC_CUBLASLT_CONSTANTS(DLC_COMPARE_CONSTANT)
static_assert(sizeof(LtAlgorithm) == sizeof(::cublasLtMatmulAlgo_t));
static_assert(sizeof(LtChoice) == sizeof(::cublasLtMatmulHeuristicResult_t));
static_assert(offsetof(LtChoice, workspace_bytes) == offsetof(::cublasLtMatmulHeuristicResult_t, workspaceSize));
static_assert(offsetof(LtChoice, status) == offsetof(::cublasLtMatmulHeuristicResult_t, state));
#endif
#ifdef DLC_HAS_CUDNN
DLC_CUDNN_FUNCTIONS(DLC_COMPARE_FUNCTION)
DLC_CUDNN_CONSTANTS(DLC_COMPARE_CONSTANT)
#endif
#ifdef DLC_HAS_NCCL
DLC_NCCL_FUNCTIONS(DLC_COMPARE_FUNCTION)
DLC_NCCL_CONSTANTS(DLC_COMPARE_CONSTANT)
#endif

}  // namespace dlc::cuda

TEST("the declarations are those of the headers that are here") {
#ifdef DLC_HAS_DRIVER
  report("cuda.h", true);
#else
  report("cuda.h", false);
#endif
#ifdef DLC_HAS_NVRTC
  report("nvrtc.h", true);
#else
  report("nvrtc.h", false);
#endif
#ifdef DLC_HAS_CUBLASLT
  report("cublasLt.h", true);
#else
  report("cublasLt.h", false);
#endif
#ifdef DLC_HAS_CUDNN
  report("cudnn.h", true);
#else
  report("cudnn.h", false);
#endif
#ifdef DLC_HAS_NCCL
  report("nccl.h", true);
#else
  report("nccl.h", false);
#endif
}

TEST("unlike types are told apart") {
  static_assert(!Same<int(int *), int(long *)>::value);
  static_assert(!Same<int(int), int(int, int)>::value);
  static_assert(!Same<int(float), int(int)>::value);
  static_assert(!Same<int(const char *), int(char *)>::value);
  static_assert(Same<int(void *), int(dlc::cuda::Stream)>::value);
}
