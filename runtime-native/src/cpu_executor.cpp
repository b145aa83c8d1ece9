// Prepares a plan's kernels and steps through them. No allocation and no exception once a session stands.
#include "cpu_executor.h"

#include <algorithm>
#include <cstdio>
#include <cstring>

namespace dlc {

std::unique_ptr<Executor> CpuDevice::open(std::span<const std::byte> blob) {
  return std::make_unique<CpuExecutor>(*this, blob);
}

CpuExecutor::CpuExecutor(CpuDevice &device, std::span<const std::byte> blob) : device_(device) {
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
  for (const PlanProgram &program : plan_.programs)
    programs_.emplace_back(program, program, frame(), device_.pool, "program '" + std::string(program.name) + "', ");
}

std::byte *CpuExecutor::address(const PlanProgram &program, uint32_t tensor) const {
  return static_cast<std::byte *>(address_at(program.tensors[tensor], frame()));
}

void CpuExecutor::read_state(uint32_t index, void *data) {
  const PlanTensor &state = plan_.states[index];
  if (state.bytes) std::memcpy(data, states_.data() + state.offset, state.bytes);
}

void CpuExecutor::write_state(uint32_t index, const void *data) {
  const PlanTensor &state = plan_.states[index];
  if (state.bytes) std::memcpy(states_.data() + state.offset, data, state.bytes);
  stale_ = true;
}

dlc_memory CpuExecutor::memory() const {
  return {plan_.state_bytes, plan_.const_bytes, arena_.bytes(), states_.bytes() + constants_.bytes() + arena_.bytes()};
}

void CpuExecutor::copy_inputs(const PlanProgram &program, const void *const *inputs, uint32_t step) {
  for (size_t i = 0; i < program.inputs.size(); ++i) {
    const uint32_t tensor = program.inputs[i].tensor;
    const uint64_t bytes = program.tensors[tensor].bytes;
    copy_bytes(device_.pool, address(program, tensor), static_cast<const std::byte *>(inputs[i]) + step * bytes, bytes);
  }
}

dlc_status CpuExecutor::run_block(uint32_t program, uint32_t step, RunContext &context) {
  context.failed = nullptr;
  const dlc_status status = programs_[program].run(context);
  if (status == DLC_OK) return status;
  return fail(status, program, context.failed, step, context.message[0] ? context.message : dlc_status_name(status));
}

dlc_status CpuExecutor::prepare(uint32_t index, uint32_t step) {
  const uint32_t before = plan_.programs[index].prepare;
  if (before == kNone || !stale_) return DLC_OK;
  RunContext context;
  const dlc_status status = run_block(before, step, context);
  stale_ = status != DLC_OK;
  return status;
}

dlc_status CpuExecutor::run(uint32_t index, uint32_t steps, const void *const *inputs, void *const *outputs,
                            uint32_t *done) {
  const PlanProgram &program = plan_.programs[index];
  RunContext context;
  for (uint32_t step = 0; step < steps; ++step) {
    const std::lock_guard lock(device_.busy);
    // Before the inputs, which lie in the arena that programs share.
    dlc_status status = prepare(index, step);
    stale_ |= program.writes_states;
    if (status == DLC_OK) {
      copy_inputs(program, inputs, step);
      status = run_block(index, step, context);
    }
    if (status != DLC_OK) {
      cancelled_.store(false, std::memory_order_relaxed);
      return status;
    }
    for (size_t i = 0; i < program.outputs.size(); ++i) {
      const uint32_t tensor = program.outputs[i].tensor;
      const uint64_t bytes = program.tensors[tensor].bytes;
      if (outputs[i])
        copy_bytes(device_.pool, static_cast<std::byte *>(outputs[i]) + step * bytes, address(program, tensor), bytes);
    }
    *done = step + 1;
    if (step + 1 < steps && cancelled_.exchange(false, std::memory_order_relaxed))
      return fail(DLC_CANCELLED, index, nullptr, step, "cancelled");
  }
  cancelled_.store(false, std::memory_order_relaxed);
  return DLC_OK;
}

dlc_status CpuExecutor::profile(uint32_t index, const void *const *inputs, uint32_t steps, double *seconds) {
  const AlignedBuffer saved(states_.bytes());
  const std::lock_guard lock(device_.busy);
  dlc_status status = prepare(index, 0);
  std::memcpy(saved.data(), states_.data(), states_.bytes());
  RunContext context;
  context.seconds = seconds;
  for (uint32_t step = 0; step < steps && status == DLC_OK; ++step) {
    copy_inputs(plan_.programs[index], inputs, 0);
    status = run_block(index, step, context);
  }
  std::memcpy(states_.data(), saved.data(), states_.bytes());
  return status;
}

}  // namespace dlc
