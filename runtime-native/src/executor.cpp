// Prepares a plan's kernels and steps through them. No allocation and no exception once a session stands.
#include "executor.h"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <unordered_map>

namespace dlc {
namespace {

// Copies larger than this are shared among the lanes.
constexpr uint64_t kCopyChunk = uint64_t{1} << 20;

std::string place_of(const PlanStep &step) {
  return "layer '" + std::string(step.layer) + "' at " + std::string(step.file) + ":" + std::to_string(step.line) +
         ":" + std::to_string(step.column);
}

}  // namespace

const KernelEntry *find_kernel(std::string_view op) {
  static const std::unordered_map<std::string_view, const KernelEntry *> by_name = [] {
    std::unordered_map<std::string_view, const KernelEntry *> map;
    for (const KernelEntry &entry : cpu_kernels()) map.emplace(entry.name, &entry);
    return map;
  }();
  const auto at = by_name.find(op);
  return at == by_name.end() ? nullptr : at->second;
}

Executor::Executor(Device &device, std::span<const std::byte> blob) : device_(device) {
  std::span<const std::byte> constants;
  plan_ = load_plan(blob, constants);
  // Arenas of programs never live at the same time: they share the largest.
  uint64_t arena = 0;
  for (const PlanProgram &program : plan_.programs) arena = std::max(arena, program.arena_bytes);
  const uint64_t total = plan_.state_bytes + plan_.const_bytes + arena;
  if (total > usable_memory())
    throw Failure(DLC_OUT_OF_MEMORY, std::string("the plan needs ") + ByteText(static_cast<double>(total)).c_str() +
                                         "; this machine has " +
                                         ByteText(static_cast<double>(usable_memory())).c_str());
  states_ = AlignedBuffer(plan_.state_bytes);
  constants_ = AlignedBuffer(plan_.const_bytes);
  arena_ = AlignedBuffer(arena);
  if (!constants.empty()) std::memcpy(constants_.data(), constants.data(), constants.size());

  const std::lock_guard lock(device_.busy);
  programs_.reserve(plan_.programs.size());
  for (const PlanProgram &program : plan_.programs) {
    Program &made = programs_.emplace_back();
    made.steps.reserve(program.steps.size());
    for (const PlanStep &step : program.steps)
      made.steps.push_back(prepare(program, step, "program '" + std::string(program.name) + "', "));
  }
}

Executor::Step Executor::prepare(const PlanProgram &program, const PlanStep &step, const std::string &where) {
  const KernelEntry *entry = find_kernel(step.op);
  if (!entry)
    throw Failure(DLC_UNSUPPORTED,
                  where + place_of(step) + ": this build has no kernel for '" + std::string(step.op) + "'");
  Step made;
  for (const uint32_t index : step.inputs) made.inputs.push_back(tensor_of(program.tensors[index]));
  for (const uint32_t index : step.outputs)
    made.outputs.push_back(index == kNone ? Tensor{} : tensor_of(program.tensors[index]));
  const std::span<std::byte> workspace(arena_.data() + step.workspace_offset, step.workspace_bytes);
  try {
    made.kernel = entry->make({made.inputs, made.outputs, step.attrs, workspace, device_.pool});
  } catch (const Failure &failure) {
    throw Failure(failure.status(), where + place_of(step) + ": " + std::string(step.op) + ": " + failure.what());
  }
  return made;
}

Tensor Executor::tensor_of(const PlanTensor &tensor) const {
  const AlignedBuffer &space = tensor.space == Space::arena   ? arena_
                               : tensor.space == Space::state ? states_
                                                              : constants_;
  return {space.data() + tensor.offset, tensor.dtype, tensor.shape, std::string(tensor.name)};
}

std::byte *Executor::address(const PlanProgram &program, uint32_t tensor) const {
  const PlanTensor &t = program.tensors[tensor];
  const AlignedBuffer &space = t.space == Space::arena ? arena_ : t.space == Space::state ? states_ : constants_;
  return space.data() + t.offset;
}

std::byte *Executor::state(uint32_t index) const {
  return states_.data() + plan_.states[index].offset;
}

dlc_memory Executor::memory() const {
  return {plan_.state_bytes, plan_.const_bytes, arena_.bytes(), states_.bytes() + constants_.bytes() + arena_.bytes()};
}

void Executor::set_error(const char *text) {
  std::snprintf(error_, sizeof error_, "%s", text);
}

void Executor::copy(void *dst, const void *src, uint64_t bytes) {
  const auto chunks = static_cast<int64_t>((bytes + kCopyChunk - 1) / kCopyChunk);
  device_.pool.parallel(chunks, [&](int64_t chunk, int) {
    const uint64_t begin = static_cast<uint64_t>(chunk) * kCopyChunk;
    std::memcpy(static_cast<std::byte *>(dst) + begin, static_cast<const std::byte *>(src) + begin,
                std::min(kCopyChunk, bytes - begin));
  });
}

void Executor::copy_inputs(const PlanProgram &program, const void *const *inputs, uint32_t step) {
  for (size_t i = 0; i < program.inputs.size(); ++i) {
    const uint32_t tensor = program.inputs[i].tensor;
    const uint64_t bytes = program.tensors[tensor].bytes;
    if (bytes) copy(address(program, tensor), static_cast<const std::byte *>(inputs[i]) + step * bytes, bytes);
  }
}

dlc_status Executor::fail(dlc_status status, uint32_t program, uint32_t kernel, uint32_t step, const char *message) {
  failure_ = {program, kernel, step};
  if (kernel == kNone) {
    set_error(message);
    return status;
  }
  // The place stands in brackets behind the message, so that a caller with better means to show it can cut it off.
  const PlanStep &at = plan_.programs[program].steps[kernel];
  std::snprintf(error_, sizeof error_, "%s [layer '%.*s' at %.*s:%u:%u]", message, static_cast<int>(at.layer.size()),
                at.layer.data(), static_cast<int>(at.file.size()), at.file.data(), at.line, at.column);
  return status;
}

dlc_status Executor::run(uint32_t index, uint32_t steps, const void *const *inputs, void *const *outputs,
                         uint32_t *done) {
  const PlanProgram &program = plan_.programs[index];
  Program &prepared = programs_[index];
  RunContext context;
  for (uint32_t step = 0; step < steps; ++step) {
    const std::lock_guard lock(device_.busy);
    copy_inputs(program, inputs, step);
    for (uint32_t kernel = 0; kernel < prepared.steps.size(); ++kernel) {
      context.message[0] = 0;
      const dlc_status status = prepared.steps[kernel].kernel->run(context);
      if (status != DLC_OK) {
        cancelled_.store(false, std::memory_order_relaxed);
        return fail(status, index, kernel, step, context.message[0] ? context.message : dlc_status_name(status));
      }
    }
    for (size_t i = 0; i < program.outputs.size(); ++i) {
      const uint32_t tensor = program.outputs[i].tensor;
      const uint64_t bytes = program.tensors[tensor].bytes;
      if (outputs[i] && bytes)
        copy(static_cast<std::byte *>(outputs[i]) + step * bytes, address(program, tensor), bytes);
    }
    *done = step + 1;
    if (step + 1 < steps && cancelled_.exchange(false, std::memory_order_relaxed))
      return fail(DLC_CANCELLED, index, kNone, step, "cancelled");
  }
  cancelled_.store(false, std::memory_order_relaxed);
  return DLC_OK;
}

}  // namespace dlc
