// Runs a fused program block by block on behalf of another kernel.
#include "fused_runner.h"

#include <algorithm>

namespace dlc {

FusedRunner::FusedRunner(std::string_view text, std::span<const Tensor> inputs, std::span<const Tensor> outputs,
                         const std::vector<int64_t> &shape) {
  FusedProgram program = parse_fused_program(text, inputs.size());
  require(program.yields.size() == outputs.size(), "a fused program's yields and outputs differ in number");
  std::vector<FusedInput> read;
  for (size_t i = 0; i < inputs.size(); ++i) {
    const Tensor &input = inputs[i];
    const bool given = i == 0 && input.data == nullptr;
    const bool single = !given && input.elements() == 1;
    require(given || (input.dtype == DLC_F32 && input.data != nullptr && (single || input.shape == shape)),
            "a fused program takes f32 of one shape, or numbers");
    const auto *bytes = input.as<std::byte>();
    read.push_back({single, false, !single, bytes, given ? nullptr : bytes + input.bytes()});
    inputs_.push_back(input.as<float>());
  }
  std::vector<FusedOutput> written;
  for (size_t i = 0; i < outputs.size(); ++i) {
    const Tensor &output = outputs[i];
    const bool given = i == 0 && output.data == nullptr;
    require(output.data == nullptr || (output.dtype == DLC_F32 && output.shape == shape),
            "a fused program gives f32 of one shape");
    const auto *bytes = output.as<std::byte>();
    written.push_back({given || bytes != nullptr, true, bytes, bytes == nullptr ? nullptr : bytes + output.bytes()});
    outputs_.push_back(output.as<float>());
  }
  code_ = compile_fused(std::move(program), read, written);
  require(static_cast<size_t>(scratch_floats()) * sizeof(float) * 2 <= ThreadPool::kLaneScratchBytes,
          "a fused program is too large");
  for (const FusedStep &step : code_.steps) loops_.push_back(DLC_DISPATCH(fused_loop)(step.instr, step.mask));
  for (const FusedStep &step : code_.number_steps) number_loops_.push_back(DLC_DISPATCH(fused_loop)(step.instr, 0));
}

int64_t FusedRunner::scratch_floats() const {
  return code_.slots * kBlock + code_.numbers;
}

void FusedRunner::run(int64_t begin, int64_t count, const float *given, float *made, float *scratch) const {
  float *const numbers = scratch + code_.slots * kBlock;
  const auto address = [&](const FusedPlace &place) -> float * {
    const auto index = static_cast<size_t>(place.index);
    switch (place.kind) {
      case FusedPlace::Kind::slot:
        return scratch + place.index * kBlock;
      case FusedPlace::Kind::input:
        return inputs_[index] == nullptr ? const_cast<float *>(given) : inputs_[index] + begin;
      case FusedPlace::Kind::output:
        return outputs_[index] == nullptr ? made : outputs_[index] + begin;
      case FusedPlace::Kind::number:
        break;
    }
    return numbers + place.index;
  };
  const auto execute = [&](const FusedStep &step, FusedLoop<float> loop, int64_t elements) {
    const float *args[kMostArgs];
    for (int a = 0; a < kMostArgs; ++a) args[a] = address(step.args[a]);
    loop(address(step.dst), args, elements);
  };
  for (size_t i = 0; i < code_.literals.size(); ++i) numbers[i] = static_cast<float>(code_.literals[i]);
  for (const FusedLoad &at : code_.number_loads) numbers[at.place] = *inputs_[static_cast<size_t>(at.input)];
  for (size_t i = 0; i < code_.number_steps.size(); ++i) execute(code_.number_steps[i], number_loops_[i], 1);
  for (const FusedLoad &at : code_.loads)
    std::copy_n(address({FusedPlace::Kind::input, at.input}), count, scratch + at.place * kBlock);
  for (size_t i = 0; i < code_.steps.size(); ++i) execute(code_.steps[i], loops_[i], count);
  for (const FusedStore &at : code_.stores) {
    const float *from = address(at.from);
    float *to = address({FusedPlace::Kind::output, at.output});
    if (at.from.kind == FusedPlace::Kind::number) {
      std::fill_n(to, count, *from);
    } else if (to != from) {
      std::copy_n(from, count, to);
    }
  }
}

}  // namespace dlc
