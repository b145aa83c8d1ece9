// What this processor can do, asked once.
#pragma once

#include <string>
#include <vector>

namespace dlc {

// Instruction sets that kernels are compiled for, each including the ones before.
enum class Isa { baseline, avx2, avx512 };

// The best one that this processor and operating system support, unless limited.
Isa isa();
// For tests: prepare kernels as on a lesser processor. Not to be changed while kernels run.
void limit_isa(Isa most);

// Whether kernels may use the dot products of bfloat16 pairs (AVX512_BF16), which come with no level of Isa: their code
// is in functions of the avx512 files that name the target themselves.
bool has_bf16_dots();
// For tests: whether to use them where the processor has them. Not to be changed while kernels run.
void allow_bf16_dots(bool allowed);

const char *isa_name(Isa isa);
// "avx2", "fma", "avx512f", ... as found.
std::vector<std::string> cpu_feature_names();
// The processor's own name, or "unknown".
std::string cpu_model();

}  // namespace dlc
