// Asks the processor for its instruction sets. The compiler's builtin also checks that the operating system saves the
// wide registers.
#include "cpu_features.h"

#include <algorithm>
#include <atomic>
#include <cstring>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace dlc {
namespace {

Isa detect() {
#if defined(__x86_64__)
  __builtin_cpu_init();
  // What -march=x86-64-v3 and -v4 let the compiler use.
  const bool v3 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi") &&
                  __builtin_cpu_supports("bmi2");
  const bool v4 = v3 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                  __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
                  __builtin_cpu_supports("avx512vl");
  return v4 ? Isa::avx512 : v3 ? Isa::avx2 : Isa::baseline;
#else
  return Isa::baseline;
#endif
}

std::atomic<Isa> &current() {
  static std::atomic<Isa> isa{detect()};
  return isa;
}

bool detect_bf16_dots() {
#if defined(__x86_64__)
  __builtin_cpu_init();
  return __builtin_cpu_supports("avx512bf16");
#else
  return false;
#endif
}

std::atomic<bool> &bf16_dots() {
  static std::atomic<bool> allowed{detect_bf16_dots()};
  return allowed;
}

}  // namespace

Isa isa() {
  return current().load(std::memory_order_relaxed);
}

void limit_isa(Isa most) {
  current().store(std::min(most, detect()));
}

bool has_bf16_dots() {
  return isa() == Isa::avx512 && bf16_dots().load(std::memory_order_relaxed);
}

void allow_bf16_dots(bool allowed) {
  bf16_dots().store(allowed && detect_bf16_dots());
}

const char *isa_name(Isa isa) {
  switch (isa) {
    case Isa::avx512:
      return "avx512";
    case Isa::avx2:
      return "avx2";
    case Isa::baseline:
      break;
  }
  return "baseline";
}

std::vector<std::string> cpu_feature_names() {
  std::vector<std::string> names;
#if defined(__x86_64__)
  __builtin_cpu_init();
  const auto note = [&](bool has, const char *name) {
    if (has) names.emplace_back(name);
  };
  note(__builtin_cpu_supports("avx2"), "avx2");
  note(__builtin_cpu_supports("fma"), "fma");
  note(__builtin_cpu_supports("avx512f"), "avx512f");
  note(__builtin_cpu_supports("avx512bw"), "avx512bw");
  note(__builtin_cpu_supports("avx512vnni"), "avx512vnni");
  note(__builtin_cpu_supports("avx512bf16"), "avx512bf16");
#endif
  return names;
}

std::string cpu_model() {
#if defined(__x86_64__)
  unsigned int words[12] = {};
  unsigned int most = 0, b = 0, c = 0, d = 0;
  if (__get_cpuid(0x80000000u, &most, &b, &c, &d) && most >= 0x80000004u) {
    for (unsigned int leaf = 0; leaf < 3; ++leaf) {
      unsigned int *at = words + 4 * leaf;
      __get_cpuid(0x80000002u + leaf, at, at + 1, at + 2, at + 3);
    }
    char text[sizeof words + 1] = {};
    std::memcpy(text, words, sizeof words);
    std::string name(text);
    name.erase(0, name.find_first_not_of(' '));
    name.erase(name.find_last_not_of(' ') + 1);
    if (!name.empty()) return name;
  }
#endif
  return "unknown";
}

}  // namespace dlc
