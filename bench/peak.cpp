// What the machine can do: multiply-adds a second of one thread and of all, in float32 and, where there is one, with
// the dot product of bfloat16. Prints JSON. Compiled for the machine it runs on.
#include <immintrin.h>

#include <chrono>
#include <cstdio>
#include <thread>
#include <vector>

namespace {

constexpr int kChains = 16;
constexpr long kRounds = 20'000'000;

double Seconds(const std::chrono::steady_clock::time_point began) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
}

#if defined(__AVX512F__)
using Vector = __m512;
constexpr int kLanes = 16;
Vector Set(float x) {
  return _mm512_set1_ps(x);
}
Vector MulAdd(Vector a, Vector b, Vector c) {
  return _mm512_fmadd_ps(a, b, c);
}
float First(Vector x) {
  return _mm512_cvtss_f32(x);
}
#else
using Vector = __m256;
constexpr int kLanes = 8;
Vector Set(float x) {
  return _mm256_set1_ps(x);
}
Vector MulAdd(Vector a, Vector b, Vector c) {
  return _mm256_fmadd_ps(a, b, c);
}
float First(Vector x) {
  return _mm256_cvtss_f32(x);
}
#endif

float Float32() {
  Vector sums[kChains];
  for (Vector &sum : sums) sum = Set(0.0F);
  const Vector a = Set(1.0F);
  Vector b = Set(1e-9F);
  for (long i = 0; i < kRounds; ++i) {
    asm volatile("" : "+v"(b));
#pragma GCC unroll 16
    for (Vector &sum : sums) sum = MulAdd(a, b, sum);
  }
  float total = 0;
  for (Vector &sum : sums) total += First(sum);
  return total;
}

float Bfloat16() {
#if defined(__AVX512BF16__)
  __m512 sums[kChains];
  for (__m512 &sum : sums) sum = _mm512_setzero_ps();
  const __m512bh a = (__m512bh)_mm512_set1_epi16(0x3f80);
  __m512i bits = _mm512_set1_epi16(0x3000);
  for (long i = 0; i < kRounds; ++i) {
    asm volatile("" : "+v"(bits));
#pragma GCC unroll 16
    for (__m512 &sum : sums) sum = _mm512_dpbf16_ps(sum, a, (__m512bh)bits);
  }
  float total = 0;
  for (__m512 &sum : sums) total += _mm512_cvtss_f32(sum);
  return total;
#else
  return 0;
#endif
}

volatile float sink;

double Rate(float (*work)(), int threads, int flops) {
  std::vector<std::thread> others;
  const auto began = std::chrono::steady_clock::now();
  for (int i = 0; i < threads; ++i) others.emplace_back([=] { sink = work(); });
  for (std::thread &one : others) one.join();
  return static_cast<double>(kRounds) * kChains * flops * threads / Seconds(began) / 1e9;
}

}  // namespace

int main() {
  const int threads = static_cast<int>(std::thread::hardware_concurrency());
#if defined(__AVX512BF16__)
  const double bf16[] = {Rate(Bfloat16, 1, 64), Rate(Bfloat16, threads, 64)};
#else
  const double bf16[] = {0, 0};
#endif
  std::printf("{\"threads\": %d, \"float32\": [%.1f, %.1f], \"bf16\": [%.1f, %.1f]}\n", threads,
              Rate(Float32, 1, 2 * kLanes), Rate(Float32, threads, 2 * kLanes), bf16[0], bf16[1]);
}
