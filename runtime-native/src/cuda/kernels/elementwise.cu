// The instructions of fused groups (docs/architecture.md), in float and in double; conditions are 0 and 1.

#define DLC_UNARY(name, in_float, in_double) \
  __device__ inline float name(float a) {    \
    return in_float;                         \
  }                                          \
  __device__ inline double name(double a) {  \
    return in_double;                        \
  }
#define DLC_UNARY_SAME(name, expression)    \
  __device__ inline float name(float a) {   \
    typedef float T;                        \
    return static_cast<T>(expression);      \
  }                                         \
  __device__ inline double name(double a) { \
    typedef double T;                       \
    return static_cast<T>(expression);      \
  }
#define DLC_BINARY(name, in_float, in_double)         \
  __device__ inline float name(float a, float b) {    \
    return in_float;                                  \
  }                                                   \
  __device__ inline double name(double a, double b) { \
    return in_double;                                 \
  }
#define DLC_BINARY_SAME(name, expression)             \
  __device__ inline float name(float a, float b) {    \
    typedef float T;                                  \
    return static_cast<T>(expression);                \
  }                                                   \
  __device__ inline double name(double a, double b) { \
    typedef double T;                                 \
    return static_cast<T>(expression);                \
  }

DLC_UNARY_SAME(op_neg, -a)
DLC_UNARY(op_abs, fabsf(a), fabs(a))
DLC_UNARY_SAME(op_sign, a > T(0) ? T(1) : a < T(0) ? T(-1) : a)
DLC_UNARY(op_exp, expf(a), exp(a))
DLC_UNARY(op_expm1, expm1f(a), expm1(a))
DLC_UNARY(op_log, logf(a), log(a))
DLC_UNARY(op_log1p, log1pf(a), log1p(a))
DLC_UNARY(op_sqrt, sqrtf(a), sqrt(a))
DLC_UNARY(op_rsqrt, 1.0f / sqrtf(a), 1.0 / sqrt(a))
DLC_UNARY_SAME(op_square, a *a)
DLC_UNARY_SAME(op_reciprocal, T(1) / a)
DLC_UNARY(op_floor, floorf(a), floor(a))
DLC_UNARY(op_ceil, ceilf(a), ceil(a))
DLC_UNARY(op_round, rintf(a), rint(a))
DLC_UNARY(op_sigmoid, a < 0.0f ? expf(a) / (1.0f + expf(a)) : 1.0f / (1.0f + expf(-a)),
          a < 0.0 ? exp(a) / (1.0 + exp(a)) : 1.0 / (1.0 + exp(-a)))
DLC_UNARY(op_tanh, tanhf(a), tanh(a))
DLC_UNARY(op_erf, erff(a), erf(a))
DLC_UNARY_SAME(op_relu, a != a || a > T(0) ? a : T(0))
DLC_UNARY(op_sin, sinf(a), sin(a))
DLC_UNARY(op_cos, cosf(a), cos(a))
DLC_UNARY(op_tan, tanf(a), tan(a))
DLC_UNARY(op_asin, asinf(a), asin(a))
DLC_UNARY(op_acos, acosf(a), acos(a))
DLC_UNARY(op_atan, atanf(a), atan(a))
DLC_UNARY(op_sinh, sinhf(a), sinh(a))
DLC_UNARY(op_cosh, coshf(a), cosh(a))
DLC_UNARY(op_asinh, asinhf(a), asinh(a))
DLC_UNARY(op_acosh, acoshf(a), acosh(a))
DLC_UNARY(op_atanh, atanhf(a), atanh(a))
DLC_UNARY_SAME(op_is_nan, a != a ? T(1) : T(0))
DLC_UNARY_SAME(op_is_finite, a - a == T(0) ? T(1) : T(0))
DLC_UNARY_SAME(op_not, a == T(0) ? T(1) : T(0))
DLC_UNARY(op_bf16, widen(narrow(a)), static_cast<double>(widen(narrow(static_cast<float>(a)))))

DLC_BINARY_SAME(op_add, a + b)
DLC_BINARY_SAME(op_sub, a - b)
DLC_BINARY_SAME(op_mul, a *b)
DLC_BINARY_SAME(op_div, a / b)
DLC_BINARY_SAME(op_maximum, a != a || a > b ? a : b)
DLC_BINARY_SAME(op_minimum, a != a || a < b ? a : b)
DLC_BINARY(op_pow, powf(a, b), pow(a, b))
DLC_BINARY(op_atan2, atan2f(a, b), atan2(a, b))
DLC_BINARY_SAME(op_equal, a == b ? T(1) : T(0))
DLC_BINARY_SAME(op_not_equal, a != b ? T(1) : T(0))
DLC_BINARY_SAME(op_less, a < b ? T(1) : T(0))
DLC_BINARY_SAME(op_less_equal, a <= b ? T(1) : T(0))
DLC_BINARY_SAME(op_greater, a > b ? T(1) : T(0))
DLC_BINARY_SAME(op_greater_equal, a >= b ? T(1) : T(0))
DLC_BINARY_SAME(op_and, a != T(0) && b != T(0) ? T(1) : T(0))
DLC_BINARY_SAME(op_or, a != T(0) || b != T(0) ? T(1) : T(0))

// What is left of a division by b, with the sign of b.
__device__ inline float op_mod(float a, float b) {
  const float rest = fmodf(a, b);
  return rest == 0.0f ? copysignf(0.0f, b) : (rest < 0.0f) != (b < 0.0f) ? rest + b : rest;
}
__device__ inline double op_mod(double a, double b) {
  const double rest = fmod(a, b);
  return rest == 0.0 ? copysign(0.0, b) : (rest < 0.0) != (b < 0.0) ? rest + b : rest;
}
template <typename T>
__device__ inline T op_where(T condition, T a, T b) {
  return condition != T(0) ? a : b;
}
template <typename T>
__device__ inline T op_clamp(T x, T low, T high) {
  return x <= low ? low : x >= high ? high : x;
}

template <typename D, typename S>
struct Cast {
  __device__ static D of(S value) { return Store<D>::of(value); }
};
template <typename D>
struct Cast<D, Bf16> {
  __device__ static D of(Bf16 value) { return Store<D>::of(widen(value.bits)); }
};
template <typename D>
struct Cast<D, Bool> {
  __device__ static D of(Bool value) { return Store<D>::of(value.byte != 0 ? 1 : 0); }
};
template <typename D>
struct Cast<D, int> {
  __device__ static D of(int value) { return Store<D>::of(static_cast<long long>(value)); }
};
template <typename D>
struct Cast<D, unsigned char> {
  __device__ static D of(unsigned char value) { return Store<D>::of(static_cast<long long>(value)); }
};

template <long long elements, typename S, typename D>
__device__ inline void cast(const S *x, D *y) {
  const long long i = this_thread();
  if (i < elements) y[i] = Cast<D, S>::of(x[i]);
}

template <long long elements>
__device__ inline void accumulate(const float *sum, const float *x, float *y) {
  const long long i = this_thread();
  if (i < elements) y[i] = sum[i] + x[i];
}

template <long long elements, typename T>
__device__ inline void check_finite(Fault *fault, unsigned step, const T *x, T *y) {
  const long long i = this_thread();
  if (i >= elements) return;
  const float value = load<float>(x[i]);
  if (value - value != 0.0f)
    report(fault, step, static_cast<unsigned long long>(i), value != value ? 0 : value > 0.0f ? 1 : 2);
  if (y != nullptr) y[i] = x[i];
}
