// Runs a fused program block by block on behalf of another kernel.
#include "fused_runner.h"

#include <algorithm>

#include "float_runs.h"

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
    require(given || (is_f32_or_bf16(input) && input.data != nullptr && (single || input.shape == shape)),
            "a fused program takes f32 or bf16 of one shape, or numbers");
    const bool narrow = !given && input.dtype == DLC_BF16;
    const auto *bytes = input.as<std::byte>();
    read.push_back({single, false, !single && !narrow, bytes, given ? nullptr : bytes + input.bytes()});
    inputs_.push_back({input.data, narrow});
  }
  std::vector<FusedOutput> written;
  for (size_t i = 0; i < outputs.size(); ++i) {
    const Tensor &output = outputs[i];
    const bool given = i == 0 && output.data == nullptr;
    require(output.data == nullptr || (is_f32_or_bf16(output) && output.shape == shape),
            "a fused program gives f32 or bf16 of one shape");
    const bool narrow = output.data != nullptr && output.dtype == DLC_BF16;
    const auto *bytes = output.as<std::byte>();
    written.push_back({given || bytes != nullptr, !narrow, narrow, bytes, bytes ? bytes + output.bytes() : nullptr});
    outputs_.push_back({output.data, narrow});
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

// Of a place that lies in memory as float.
float *FusedRunner::float_at(const FusedPlace &place, int64_t begin, const float *given, float *made,
                             float *scratch) const {
  const auto index = static_cast<size_t>(place.index);
  switch (place.kind) {
    case FusedPlace::Kind::slot:
      return scratch + place.index * kBlock;
    case FusedPlace::Kind::input: {
      auto *data = static_cast<float *>(inputs_[index].data);
      return data == nullptr ? const_cast<float *>(given) : data + begin;
    }
    case FusedPlace::Kind::output: {
      auto *data = static_cast<float *>(outputs_[index].data);
      return data == nullptr ? made : data + begin;
    }
    case FusedPlace::Kind::number:
      break;
  }
  return scratch + code_.slots * kBlock + place.index;
}

void FusedRunner::load(const Place &input, int64_t begin, int64_t count, float *to) const {
  if (input.narrow) {
    widen_(static_cast<const Bf16 *>(input.data) + begin, count, to);
  } else {
    std::copy_n(static_cast<const float *>(input.data) + begin, count, to);
  }
}

void FusedRunner::run(int64_t begin, int64_t count, const float *given, float *made, float *scratch) const {
  float *const numbers = scratch + code_.slots * kBlock;
  const auto address = [&](const FusedPlace &place) { return float_at(place, begin, given, made, scratch); };
  const auto execute = [&](const FusedStep &step, FusedLoop<float> loop, int64_t elements) {
    const float *args[kMostArgs];
    for (int a = 0; a < kMostArgs; ++a) args[a] = address(step.args[a]);
    loop(address(step.dst), args, elements);
  };
  for (size_t i = 0; i < code_.literals.size(); ++i) numbers[i] = static_cast<float>(code_.literals[i]);
  for (const FusedLoad &at : code_.number_loads) load(inputs_[static_cast<size_t>(at.input)], 0, 1, numbers + at.place);
  for (size_t i = 0; i < code_.number_steps.size(); ++i) execute(code_.number_steps[i], number_loops_[i], 1);
  for (const FusedLoad &at : code_.loads) {
    const Place &input = inputs_[static_cast<size_t>(at.input)];
    float *const to = scratch + at.place * kBlock;
    if (input.data == nullptr) {
      std::copy_n(given, count, to);
    } else {
      load(input, begin, count, to);
    }
  }
  for (size_t i = 0; i < code_.steps.size(); ++i) execute(code_.steps[i], loops_[i], count);
  for (const FusedStore &at : code_.stores) {
    const float *from = address(at.from);
    const Place &output = outputs_[static_cast<size_t>(at.output)];
    if (output.narrow) {
      Bf16 *const to = static_cast<Bf16 *>(output.data) + begin;
      if (at.from.kind == FusedPlace::Kind::number) {
        std::fill_n(to, count, Bf16::of(*from));
      } else {
        narrow_(from, count, to);
      }
      continue;
    }
    float *const to = address({FusedPlace::Kind::output, at.output});
    if (at.from.kind == FusedPlace::Kind::number) {
      std::fill_n(to, count, *from);
    } else if (to != from) {
      std::copy_n(from, count, to);
    }
  }
}

}  // namespace dlc
