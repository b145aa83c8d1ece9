// Element-wise instructions in float, vectorized by the compiler for each instruction set.
#include "fused_loops.h"

#include "vmath.h"

extern "C" {
float fmodf(float, float);
float sinf(float);
float cosf(float);
float tanf(float);
}

namespace dlc::DLC_ISA {
namespace {

template <Instr>
struct Op;

// What is left of a division by b, from C's rest, which has the sign of what was divided.
inline float with_sign_of(float rest, float b) {
  return (rest != 0.0f) & ((rest < 0.0f) != (b < 0.0f)) ? rest + b : rest;
}

#define DLC_OP1(id, expression)                               \
  template <>                                                 \
  struct Op<Instr::id> {                                      \
    static inline float apply(float a) { return expression; } \
  };
#define DLC_OP2(id, expression)                                        \
  template <>                                                          \
  struct Op<Instr::id> {                                               \
    static inline float apply(float a, float b) { return expression; } \
  };
#define DLC_OP3(id, expression)                                                 \
  template <>                                                                   \
  struct Op<Instr::id> {                                                        \
    static inline float apply(float a, float b, float c) { return expression; } \
  };
#define DLC_OP4(id, expression)                                                          \
  template <>                                                                            \
  struct Op<Instr::id> {                                                                 \
    static inline float apply(float a, float b, float c, float d) { return expression; } \
  };

DLC_OP1(neg, -a)
DLC_OP1(abs, __builtin_fabsf(a))
DLC_OP1(sign, a > 0.0f ? 1.0f : a < 0.0f ? -1.0f : a)  // 0 and NaN stay
DLC_OP1(exp, vexp(a))
DLC_OP1(expm1, vexpm1(a))
DLC_OP1(log, vlog(a))
DLC_OP1(log1p, vlog1p(a))
DLC_OP1(sqrt, __builtin_sqrtf(a))
DLC_OP1(rsqrt, 1.0f / __builtin_sqrtf(a))
DLC_OP1(square, a *a)
DLC_OP1(reciprocal, 1.0f / a)
DLC_OP1(floor, __builtin_floorf(a))
DLC_OP1(ceil, __builtin_ceilf(a))
DLC_OP1(round, __builtin_rintf(a))  // halves to even
DLC_OP1(sigmoid, vsigmoid(a))
DLC_OP1(tanh, vtanh(a))
DLC_OP1(erf, verf(a))
DLC_OP1(relu, 0.0f >= a ? 0.0f : a)  // NaN stays
DLC_OP1(sin, vsin_quarter(a, 0))
DLC_OP1(cos, vsin_quarter(a, 1))
DLC_OP1(tan, vsin_quarter(a, 0) / vsin_quarter(a, 1))
DLC_OP1(asin, vasin(a))
DLC_OP1(acos, vacos(a))
DLC_OP1(atan, vatan(a))
DLC_OP1(sinh, vsinh(a))
DLC_OP1(cosh, vcosh(a))
DLC_OP1(asinh, vasinh(a))
DLC_OP1(acosh, vacosh(a))
DLC_OP1(atanh, vatanh(a))
DLC_OP1(is_nan, a != a ? 1.0f : 0.0f)
DLC_OP1(is_finite, __builtin_fabsf(a) < kInf ? 1.0f : 0.0f)
DLC_OP1(logical_not, a == 0.0f ? 1.0f : 0.0f)
DLC_OP1(bf16, from_bits(static_cast<int32_t>(bf16_of(a))))
DLC_OP2(add, a + b)
DLC_OP2(sub, a - b)
DLC_OP2(mul, a *b)
DLC_OP2(div, a / b)
DLC_OP2(maximum, (a > b) | (a != a) ? a : b)  // NaN of either wins
DLC_OP2(minimum, (a < b) | (a != a) ? a : b)
DLC_OP2(pow, vpow(a, b))
DLC_OP2(mod, with_sign_of(fmodf(a, b), b))
DLC_OP2(atan2, vatan2(a, b))
DLC_OP2(equal, a == b ? 1.0f : 0.0f)
DLC_OP2(not_equal, a != b ? 1.0f : 0.0f)
DLC_OP2(less, a < b ? 1.0f : 0.0f)
DLC_OP2(less_equal, a <= b ? 1.0f : 0.0f)
DLC_OP2(greater, a > b ? 1.0f : 0.0f)
DLC_OP2(greater_equal, a >= b ? 1.0f : 0.0f)
DLC_OP2(logical_and, (a != 0.0f) & (b != 0.0f) ? 1.0f : 0.0f)
DLC_OP2(logical_or, (a != 0.0f) | (b != 0.0f) ? 1.0f : 0.0f)
DLC_OP3(where, a != 0.0f ? b : c)
DLC_OP3(clamp, a <= b ? b : a >= c ? c : a)
DLC_OP3(mul_add, a *b + c)
DLC_OP3(mul_sub, a *b - c)
DLC_OP3(sub_mul, c - a * b)
// As C has the power: of -0 it is 0, of -infinity infinity.
DLC_OP1(root, a == -kInf ? kInf : __builtin_sqrtf(a + 0.0f))
DLC_OP1(inverse_root, 1.0f / (a == -kInf ? kInf : __builtin_sqrtf(a + 0.0f)))
DLC_OP1(cube, a *a *a)
DLC_OP4(select_equal, a == b ? c : d)
DLC_OP4(select_less, a < b ? c : d)
DLC_OP4(select_less_equal, a <= b ? c : d)

#include "fused_loops.inc.h"

// Angles too large for the fast reduction (or not finite) go through the C library, the whole block with them.
template <float (*exact)(float), Instr instr>
void trigonometric(float *dst, const float *const *args, int64_t n) {
  const float *x = args[0];
  int32_t outside = 0;
  for (int64_t i = 0; i < n; ++i) outside |= !(__builtin_fabsf(x[i]) <= kMostAngle);
  if (!outside) return Loop<instr, float, 1, 0>::run(dst, args, n);
  for (int64_t i = 0; i < n; ++i) dst[i] = exact(x[i]);
}

}  // namespace

FusedLoop<float> fused_loop(Instr instr, unsigned mask) {
  if (instr == Instr::sin) return trigonometric<sinf, Instr::sin>;
  if (instr == Instr::cos) return trigonometric<cosf, Instr::cos>;
  if (instr == Instr::tan) return trigonometric<tanf, Instr::tan>;
  return loop_of<float>(instr, mask);
}

}  // namespace dlc::DLC_ISA
