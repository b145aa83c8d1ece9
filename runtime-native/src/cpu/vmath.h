// Elementary functions of float, free of branches, so that loops over them vectorize. Included by *.isa.cpp files only
// (everything is static to its file). Errors are below 5e-7 relative; NaN, infinities and signs are those of <cmath>.
// The coefficients are minimax fits of the remainders named beside them, rounded to float.
#pragma once

#include <cstdint>

namespace {

inline float from_bits(int32_t bits) {
  return __builtin_bit_cast(float, bits);
}
inline int32_t to_bits(float x) {
  return __builtin_bit_cast(int32_t, x);
}
// The nearest bfloat16, ties to even, in the upper half of the result; the lower half is 0. NaN stays NaN.
inline uint32_t bf16_of(float x) {
  const auto bits = static_cast<uint32_t>(to_bits(x));
  const uint32_t nearest = bits + 0x7fffu + ((bits >> 16) & 1u);
  return (x == x ? nearest : bits | 0x400000u) & 0xffff0000u;
}
// 2^n for -126 <= n <= 127.
inline float exp2_int(int32_t n) {
  return from_bits((n + 127) << 23);
}

constexpr float kInf = __builtin_inff();
constexpr float kNaN = __builtin_nanf("");
constexpr float kHalfPi = 1.57079633f;
constexpr float kLog2E = 1.44269504f;
constexpr float kLn2 = 0.693147181f;
// ln 2 in two parts; the first has few bits, so its product with a small integer is exact.
constexpr float kLn2High = 0.693359375f;
constexpr float kLn2Low = -2.12194440e-4f;
// Adding 1.5 * 2^23 rounds to an integer and leaves it in the low bits.
constexpr float kRound = 12582912.0f;

// x = n ln 2 + r, |r| <= ln 2 / 2.
struct Reduced {
  float r;
  int32_t n;
};
inline Reduced reduce_exp(float x) {
  const float t = x * kLog2E + kRound;
  const float n = t - kRound;
  float r = x - n * kLn2High;
  r = r - n * kLn2Low;
  return {r, to_bits(t) - to_bits(kRound)};
}

inline float vexp(float x) {
  // Beyond these the result is infinity or 0 anyway. NaN passes through.
  float c = x > 89.0f ? 89.0f : x;
  c = c < -104.0f ? -104.0f : c;
  const Reduced at = reduce_exp(c);
  const float r = at.r;
  // (e^r - 1 - r) / r^2
  float p = 1.395171857e-03f;
  p = p * r + 8.369598538e-03f;
  p = p * r + 4.166618735e-02f;
  p = p * r + 1.666651219e-01f;
  p = p * r + 0.5f;
  const float y = (p * r) * r + r + 1.0f;
  // In two factors, for results that are denormal or nearly infinite.
  const int32_t half = at.n >> 1;
  return y * exp2_int(half) * exp2_int(at.n - half);
}

inline float vexpm1(float x) {
  float c = x > 89.0f ? 89.0f : x;
  c = c < -30.0f ? -30.0f : c;
  const Reduced at = reduce_exp(c);
  const float r = at.r;
  float p = 1.991558529e-04f;
  p = p * r + 1.394204679e-03f;
  p = p * r + 8.333270438e-03f;
  p = p * r + 4.166634381e-02f;
  p = p * r + 1.666666716e-01f;
  p = p * r + 0.5f;
  const float q = (p * r) * r + r;  // e^r - 1
  // 2^n q + (2^n - 1), halved so that 2^128 is not needed.
  const float s = exp2_int(at.n - 1);
  const float y = 2.0f * (s * q + (s - 0.5f));
  return x == 0.0f ? x : y;
}

inline float vlog(float x) {
  // Denormals are scaled up first.
  const bool tiny = x < 1.17549435e-38f;
  const float scaled = tiny ? x * 8388608.0f : x;
  // Unsigned where it may wrap: -0 is the least integer.
  const auto bits = static_cast<int32_t>(static_cast<uint32_t>(to_bits(scaled)) - 0x3f3504f3u);
  const int32_t e = bits >> 23;
  const float f = from_bits((bits & 0x007fffff) + 0x3f3504f3) - 1.0f;  // in [sqrt(1/2), sqrt(2)) - 1
  const float n = static_cast<float>(e) - (tiny ? 23.0f : 0.0f);
  // (ln(1 + f) - f + f^2 / 2) / f^3
  float p = 6.915125251e-02f;
  p = p * f + -1.178968474e-01f;
  p = p * f + 1.187302023e-01f;
  p = p * f + -1.238437220e-01f;
  p = p * f + 1.421865523e-01f;
  p = p * f + -1.666924953e-01f;
  p = p * f + 2.000222653e-01f;
  p = p * f + -2.499998659e-01f;
  p = p * f + 3.333331048e-01f;
  const float z = f * f;
  float y = p * f * z;
  y = y + n * kLn2Low;
  y = y - 0.5f * z;
  y = f + y;
  y = y + n * kLn2High;
  y = x == kInf ? kInf : y;
  y = x == 0.0f ? -kInf : y;
  return x >= 0.0f ? y : kNaN;
}

inline float vlog1p(float x) {
  const float u = 1.0f + x;
  // ln(1 + x) = ln u + what rounding u lost, to first order.
  const float y = vlog(u) + (x - (u - 1.0f)) / u;
  const bool plain = u > 0.0f && u < kInf;
  return x == 0.0f ? x : plain ? y : vlog(u);
}

inline float vtanh(float x) {
  const float a = __builtin_fabsf(x);
  // (tanh(x) / x - 1) / x^2 for small x
  const float z = a * a;
  float p = 2.147539752e-03f;
  p = p * z + -8.182677440e-03f;
  p = p * z + 2.170296945e-02f;
  p = p * z + -5.394720286e-02f;
  p = p * z + 1.333321035e-01f;
  p = p * z + -3.333333135e-01f;
  const float small = x + x * z * p;
  const float large = 1.0f - 2.0f / (vexp(2.0f * a) + 1.0f);
  return a < 0.625f ? small : __builtin_copysignf(large, x);
}

inline float vsigmoid(float x) {
  const float e = vexp(-__builtin_fabsf(x));
  const float y = 1.0f / (1.0f + e);
  return x < 0.0f ? e * y : y;
}

inline float verf(float x) {
  const float a = __builtin_fabsf(x);
  // erf(x) / x - 1 for |x| <= 1
  const float s = a * a;
  float p = 7.889122935e-05f;
  p = p * s + -8.020842215e-04f;
  p = p * s + 5.189535674e-03f;
  p = p * s + -2.685444430e-02f;
  p = p * s + 1.128360033e-01f;
  p = p * s + -3.761262596e-01f;
  p = p * s + 1.283791661e-01f;
  const float small = x + x * p;
  // -ln(erfc(t)) / t for 1 < t <= 4; beyond, erf is 1
  const float t = a > 4.0f ? 4.0f : a;
  float q = -2.124339953e-04f;
  q = q * t + 3.202158259e-03f;
  q = q * t + -2.284887806e-02f;
  q = q * t + 1.051976606e-01f;
  q = q * t + 6.357671022e-01f;
  q = q * t + 1.128499866e+00f;
  const float large = 1.0f - vexp(-t * q);
  const float y = a <= 1.0f ? small : __builtin_copysignf(large, x);
  return x == x ? y : x;
}

// |x| up to where vsin and vcos stay accurate; callers take another way beyond.
constexpr float kMostAngle = 8192.0f;

// sin (quarter = 0) or cos (quarter = 1) of x = n pi/2 + r.
inline float vsin_quarter(float x, int32_t quarter) {
  const float t = x * 0.636619772f + kRound;
  const float n = t - kRound;
  // pi/2 in three parts of few bits
  float r = x - n * 1.5703125f;
  r = r - n * 4.8375129699707031e-4f;
  r = r - n * 7.5497899548918822e-8f;
  const int32_t k = to_bits(t) - to_bits(kRound) + quarter;
  const float z = r * r;
  // (sin(r) / r - 1) / r^2
  float s = 2.717564485e-06f;
  s = s * z + -1.983925613e-04f;
  s = s * z + 8.333329111e-03f;
  s = s * z + -1.666666716e-01f;
  s = r + r * z * s;
  // (cos(r) - 1 + r^2 / 2) / r^4
  float c = 2.443120320e-05f;
  c = c * z + -1.388730598e-03f;
  c = c * z + 4.166664556e-02f;
  c = 1.0f - 0.5f * z + z * z * c;
  const float y = (k & 1) ? c : s;
  return from_bits(to_bits(y) ^ ((k & 2) << 30));
}

inline float vasin(float x) {
  const float a = __builtin_fabsf(x);
  // Above a half through asin(x) = pi/2 - 2 asin(sqrt((1 - x) / 2)). Beyond 1 the root is NaN.
  const bool upper = a > 0.5f;
  const float z = upper ? 0.5f * (1.0f - a) : a * a;
  const float r = upper ? __builtin_sqrtf(z) : a;
  // (asin(r) / r - 1) / r^2 for r <= 1/2
  float p = 4.216630757e-02f;
  p = p * z + 2.417951450e-02f;
  p = p * z + 4.547037557e-02f;
  p = p * z + 7.495297492e-02f;
  p = p * z + 1.666675210e-01f;
  const float y = r + r * z * p;
  return __builtin_copysignf(upper ? kHalfPi - 2.0f * y : y, x);
}

inline float vacos(float x) {
  const float a = __builtin_fabsf(x);
  // Near 1 by the angle itself, so that it keeps its digits: acos(x) = 2 asin(sqrt((1 - x) / 2)).
  const float near = 2.0f * vasin(__builtin_sqrtf(0.5f * (1.0f - a)));
  const float far = kHalfPi - vasin(a > 0.5f ? 0.0f : x);
  const float y = x > 0.0f ? near : 2.0f * kHalfPi - near;
  return a <= 0.5f ? far : y;
}

// atan(t) for 0 <= t <= 1.
inline float atan_unit(float t) {
  const float z = t * t;
  // (atan(t) / t - 1) / t^2
  float p = 2.920691855e-03f;
  p = p * z + -1.636792719e-02f;
  p = p * z + 4.321185872e-02f;
  p = p * z + -7.552213967e-02f;
  p = p * z + 1.066600457e-01f;
  p = p * z + -1.421105564e-01f;
  p = p * z + 1.999377310e-01f;
  p = p * z + -3.333315253e-01f;
  return t + t * z * p;
}

inline float vatan(float x) {
  const float a = __builtin_fabsf(x);
  const float y = atan_unit(a > 1.0f ? 1.0f / a : a);
  return __builtin_copysignf(a > 1.0f ? kHalfPi - y : y, x);
}

// The angle of the point (x, y).
inline float vatan2(float y, float x) {
  const float a = __builtin_fabsf(y), b = __builtin_fabsf(x);
  const float most = a > b ? a : b, least = a > b ? b : a;
  // Two infinities are halfway; the origin counts as on the axis.
  float t = least == kInf ? 1.0f : least / most;
  t = most == 0.0f ? 0.0f : t;
  float angle = atan_unit(t);
  angle = a > b ? kHalfPi - angle : angle;
  angle = to_bits(x) < 0 ? 2.0f * kHalfPi - angle : angle;
  return (x == x) & (y == y) ? __builtin_copysignf(angle, y) : kNaN;
}

inline float vsinh(float x) {
  const float a = __builtin_fabsf(x);
  const float e = vexpm1(a > 20.0f ? 20.0f : a);
  const float small = 0.5f * (e + e / (e + 1.0f));
  // In two factors: e^a alone would be infinite before the result is.
  const float half = vexp(0.5f * a);
  return __builtin_copysignf(a > 20.0f ? (0.5f * half) * half : small, x);
}

inline float vcosh(float x) {
  const float half = vexp(0.5f * __builtin_fabsf(x));
  const float rest = 1.0f / half;
  return (0.5f * half) * half + (0.5f * rest) * rest;
}

inline float vasinh(float x) {
  const float a = __builtin_fabsf(x);
  // Beyond 1e4 the 1 under the root is lost anyway, and a square might be infinite.
  const bool large = a > 1e4f;
  const float s = large ? 0.0f : a;
  const float small = vlog1p(s + s * s / (1.0f + __builtin_sqrtf(s * s + 1.0f)));
  return __builtin_copysignf(large ? vlog(a) + kLn2 : small, x);
}

inline float vacosh(float x) {
  const bool large = x > 1e4f;
  const float t = large ? 0.0f : x - 1.0f;
  const float small = vlog1p(t + __builtin_sqrtf(t * (t + 2.0f)));
  const float y = large ? vlog(x) + kLn2 : small;
  return x >= 1.0f ? y : kNaN;
}

inline float vatanh(float x) {
  const float a = __builtin_fabsf(x);
  return __builtin_copysignf(0.5f * vlog1p(2.0f * a / (1.0f - a)), x);
}

// log2(x) for x >= 0, with the digits that a power of it needs: within 1e-11, in double.
inline double log2_wide(float x) {
  const bool tiny = x < 1.17549435e-38f;
  const float scaled = tiny ? x * 8388608.0f : x;
  const auto bits = static_cast<int32_t>(static_cast<uint32_t>(to_bits(scaled)) - 0x3f3504f3u);
  const float m = from_bits((bits & 0x007fffff) + 0x3f3504f3);  // in [sqrt(1/2), sqrt(2))
  const float e = static_cast<float>(bits >> 23) - (tiny ? 23.0f : 0.0f);
  // ln m = 2 (s + s^3 / 3 + s^5 / 5 + ...)
  const double f = static_cast<double>(m) - 1.0;
  const double s = f / (f + 2.0), z = s * s;
  double p = 0.0931;  // 1/11 and what follows
  p = p * z + 1.0 / 9;
  p = p * z + 1.0 / 7;
  p = p * z + 1.0 / 5;
  p = p * z + 1.0 / 3;
  p = p * z + 1.0;
  return static_cast<double>(e) + p * s * 2.8853900817779268;  // 2 / ln 2
}

// x^y with the limits and signs of C's powf.
inline float vpow(float x, float y) {
  const float a = __builtin_fabsf(x), b = __builtin_fabsf(y);
  double l = log2_wide(a);
  l = a == 0.0f ? static_cast<double>(-kInf) : l;
  l = a < kInf ? l : static_cast<double>(a);  // infinity or NaN
  double t = static_cast<double>(y) * l;
  // Beyond these the result is infinity or 0 anyway. NaN passes through.
  t = t > 200.0 ? 200.0 : t;
  t = t < -200.0 ? -200.0 : t;
  const float rounded = static_cast<float>(t) + kRound;
  const float r = static_cast<float>(t - static_cast<double>(rounded - kRound)) * kLn2;
  const int32_t n = to_bits(rounded) - to_bits(kRound), half = n >> 1;
  // (e^r - 1 - r) / r^2
  float p = 1.395171857e-03f;
  p = p * r + 8.369598538e-03f;
  p = p * r + 4.166618735e-02f;
  p = p * r + 1.666651219e-01f;
  p = p * r + 0.5f;
  float power = (p * r) * r + r + 1.0f;
  power = power * exp2_int(half) * exp2_int(n - half);
  power = (y == 0.0f) | ((a == 1.0f) & ((y == y) | (x > 0.0f))) ? 1.0f : power;
  // From 2^24 on every number is even.
  const float h = 0.5f * b;
  const bool whole = (b >= 8388608.0f) | ((b + 8388608.0f) - 8388608.0f == b);
  const bool even = (b >= 16777216.0f) | ((h + 8388608.0f) - 8388608.0f == h);
  power = (to_bits(x) < 0) & whole & !even ? -power : power;
  return (x < 0.0f) & (a < kInf) & !whole ? kNaN : power;
}

}  // namespace
