// Element-wise instructions in double, plain: groups of integers and f64 are small.
#include <cmath>

#include "bf16.h"
#include "fused_loops.h"

namespace dlc {
namespace {

template <Instr>
struct Op;

// What is left of a division by b, from C's rest, which has the sign of what was divided.
double with_sign_of(double rest, double b) {
  return rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest;
}

#define DLC_OP1(id, expression)                          \
  template <>                                            \
  struct Op<Instr::id> {                                 \
    static double apply(double a) { return expression; } \
  };
#define DLC_OP2(id, expression)                                    \
  template <>                                                      \
  struct Op<Instr::id> {                                           \
    static double apply(double a, double b) { return expression; } \
  };
#define DLC_OP3(id, expression)                                              \
  template <>                                                                \
  struct Op<Instr::id> {                                                     \
    static double apply(double a, double b, double c) { return expression; } \
  };
#define DLC_OP4(id, expression)                                                        \
  template <>                                                                          \
  struct Op<Instr::id> {                                                               \
    static double apply(double a, double b, double c, double d) { return expression; } \
  };

DLC_OP1(neg, -a)
DLC_OP1(abs, std::fabs(a))
DLC_OP1(sign, a > 0 ? 1 : a < 0 ? -1 : a)
DLC_OP1(exp, std::exp(a))
DLC_OP1(expm1, std::expm1(a))
DLC_OP1(log, std::log(a))
DLC_OP1(log1p, std::log1p(a))
DLC_OP1(sqrt, std::sqrt(a))
DLC_OP1(rsqrt, 1 / std::sqrt(a))
DLC_OP1(square, a *a)
DLC_OP1(reciprocal, 1 / a)
DLC_OP1(floor, std::floor(a))
DLC_OP1(ceil, std::ceil(a))
DLC_OP1(round, std::rint(a))
DLC_OP1(sigmoid, a < 0 ? std::exp(a) / (1 + std::exp(a)) : 1 / (1 + std::exp(-a)))
DLC_OP1(tanh, std::tanh(a))
DLC_OP1(erf, std::erf(a))
DLC_OP1(relu, a <= 0 ? 0 : a)
DLC_OP1(sin, std::sin(a))
DLC_OP1(cos, std::cos(a))
DLC_OP1(tan, std::tan(a))
DLC_OP1(asin, std::asin(a))
DLC_OP1(acos, std::acos(a))
DLC_OP1(atan, std::atan(a))
DLC_OP1(sinh, std::sinh(a))
DLC_OP1(cosh, std::cosh(a))
DLC_OP1(asinh, std::asinh(a))
DLC_OP1(acosh, std::acosh(a))
DLC_OP1(atanh, std::atanh(a))
DLC_OP1(is_nan, a != a)
DLC_OP1(is_finite, std::isfinite(a))
DLC_OP1(logical_not, a == 0)
DLC_OP1(bf16, Bf16::of(static_cast<float>(a)).wide())
DLC_OP2(add, a + b)
DLC_OP2(sub, a - b)
DLC_OP2(mul, a *b)
DLC_OP2(div, a / b)
DLC_OP2(maximum, a > b || a != a ? a : b)
DLC_OP2(minimum, a < b || a != a ? a : b)
DLC_OP2(pow, std::pow(a, b))
DLC_OP2(mod, with_sign_of(std::fmod(a, b), b))
DLC_OP2(atan2, std::atan2(a, b))
DLC_OP2(equal, a == b)
DLC_OP2(not_equal, a != b)
DLC_OP2(less, a < b)
DLC_OP2(less_equal, a <= b)
DLC_OP2(greater, a > b)
DLC_OP2(greater_equal, a >= b)
DLC_OP2(logical_and, a != 0 && b != 0)
DLC_OP2(logical_or, a != 0 || b != 0)
DLC_OP3(where, a != 0 ? b : c)
DLC_OP3(clamp, a <= b ? b : a >= c ? c : a)
DLC_OP3(mul_add, a *b + c)
DLC_OP3(mul_sub, a *b - c)
DLC_OP3(sub_mul, c - a * b)
DLC_OP1(root, std::pow(a, 0.5))
DLC_OP1(inverse_root, std::pow(a, -0.5))
DLC_OP1(cube, a *a *a)
DLC_OP4(select_equal, a == b ? c : d)
DLC_OP4(select_less, a < b ? c : d)
DLC_OP4(select_less_equal, a <= b ? c : d)

#include "fused_loops.inc.h"

}  // namespace

FusedLoop<double> fused_loop_f64(Instr instr, unsigned mask) {
  return loop_of<double>(instr, mask);
}

}  // namespace dlc
