// A fused program compiled for blocks: which values are single numbers (for all or for one row), which live in block
// buffers and which are read and written in the tensors' own memory. No loops here and no data, only decisions.
#pragma once

#include <cstdint>
#include <vector>

#include "fused_program.h"

namespace dlc {

// What the compiler must know of the tensors.
struct FusedInput {
  bool single = false;  // one element, repeated
  bool row = false;     // one element for each row of the result
  bool direct = false;  // of the result's shape and of the computing type: blocks are read where they lie
  const void *begin = nullptr, *end = nullptr;
};
struct FusedOutput {
  bool wanted = true;
  bool direct = false;  // of the computing type: blocks may be written where they go
  bool rounds = false;  // to bfloat16, when blocks are stored
  const void *begin = nullptr, *end = nullptr;
};

struct FusedPlace {
  enum class Kind : uint8_t { number, slot, input, output } kind = Kind::number;
  int32_t index = 0;
};

struct FusedStep {
  Instr instr = Instr::neg;
  FusedPlace dst;
  FusedPlace args[kMostArgs];
  unsigned mask = 0;  // arguments that are numbers
};

struct FusedLoad {
  int32_t input = 0;
  int32_t place = 0;  // slot or number
};

struct FusedStore {
  FusedPlace from;
  int32_t output = 0;
};

struct FusedCode {
  std::vector<double> literals;  // numbers[0..)
  std::vector<FusedLoad> number_loads;
  std::vector<FusedStep> number_steps;  // once for each task
  std::vector<FusedLoad> row_loads;
  std::vector<FusedStep> row_steps;  // once for each row, numbers too
  std::vector<FusedLoad> loads;      // the rest for each block
  std::vector<FusedStep> steps;
  std::vector<FusedStore> stores;
  int numbers = 0;
  int slots = 0;
};

FusedCode compile_fused(FusedProgram program, const std::vector<FusedInput> &inputs,
                        const std::vector<FusedOutput> &outputs);

}  // namespace dlc
