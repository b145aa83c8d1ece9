// Makes launches of a plan's steps, and steps through them.
#include "cuda/cuda_executor.h"

#include <chrono>
#include <cstdio>

#include "block.h"
#include "memory.h"

namespace dlc::cuda {
namespace {

// What a report of a stray value says, in the words of the CPU's kernels.
dlc_status tell(const PlanBlock &block, const PlanStep &step, uint32_t position, int32_t value, RunContext &context) {
  char at[40] = "";
  if (step.op == "check_finite") {
    constexpr const char *names[] = {"NaN", "+infinity", "-infinity"};
    const PlanTensor &x = block.tensors[step.inputs[0]];
    const uint64_t elements = x.bytes / size_of(x.dtype);
    const std::string what(step.attrs.string("what", "value"));
    if (elements != 1)
      std::snprintf(at, sizeof at, " at element %u of %llu", position, static_cast<unsigned long long>(elements));
    std::snprintf(context.message, sizeof context.message, "%s is %s%s", what.c_str(), names[value % 3], at);
    return DLC_NON_FINITE;
  }
  const bool is_label = step.op.find("cross_entropy") != std::string_view::npos;
  // Indexed is the first input, or the output that updates go to.
  const bool scatters = step.op.starts_with("scatter");
  const PlanTensor &indexed = block.tensors[scatters ? step.outputs[0] : step.inputs[0]];
  const int64_t extent = indexed.shape[static_cast<size_t>(step.attrs.integer("axis"))];
  if (!step.attrs.boolean("reordered", false)) std::snprintf(at, sizeof at, " at position %u", position);
  std::snprintf(context.message, sizeof context.message, "%s %d%s is outside 0..%lld", is_label ? "label" : "index",
                value, at, static_cast<long long>(extent - 1));
  return DLC_DATA_ERROR;
}

}  // namespace

CudaExecutor::CudaExecutor(CudaDevice &device, std::span<const std::byte> blob) : device_(device) {
  std::span<const std::byte> constants;
  plan_ = load_plan(blob, constants);
  shadow_.reserve(plan_);
  const PlanSource written = write_plan(plan_, shadow_, device_.checking);

  const std::lock_guard lock(device_.busy);
  device_.make_current();
  memory_ = CardMemory(device_, shadow_.bytes(), "the plan");
  fault_memory_ = CardMemory(device_, sizeof(Fault), "the plan");
  if (!written.source.empty()) module_ = LoadedModule(device_, compile(device_, written.source.text()));
  for (const std::vector<Launch> &program : written.launches) {
    std::vector<Prepared> &made = programs_.emplace_back();
    for (const Launch &launch : program) made.push_back(prepared(launch, module_));
  }
  if (!constants.empty())
    device_.check(device_.driver().cuMemcpyHtoDAsync_v2(address(shadow_.constants()), constants.data(),
                                                        constants.size(), device_.stream()),
                  "copying constants to the card");
  device_.synchronize();
}

CudaExecutor::~CudaExecutor() {
  device_.driver().cuStreamSynchronize(device_.stream());
}

DevicePointer CudaExecutor::address(const void *shadow) const {
  return memory_.address() + shadow_.offset(shadow);
}

DevicePointer CudaExecutor::address(const PlanTensor &tensor) const {
  return address(address_at(tensor, {shadow_.arena(), shadow_.states(), shadow_.constants(), {}, {}}));
}

CudaExecutor::Prepared CudaExecutor::prepared(const Launch &launch, const LoadedModule &module) const {
  Prepared made;
  made.function = module.function(launch.kernel);
  made.blocks = launch.blocks;
  made.step = launch.step;
  made.owner = launch.owner;
  made.values = {fault_memory_.address(), launch.step};
  for (const void *const argument : launch.arguments) made.values.push_back(address(argument));
  for (uint64_t &value : made.values) made.parameters.push_back(&value);
  return made;
}

void CudaExecutor::launch(Prepared &launch) const {
  device_.check(device_.driver().cuLaunchKernel(launch.function, launch.blocks, 1, 1, kThreads, 1, 1, 0,
                                                device_.stream(), launch.parameters.data(), nullptr),
                "starting a kernel");
}

size_t CudaExecutor::end_of_step(const std::vector<Prepared> &launches, size_t begin) const {
  size_t end = begin;
  while (end < launches.size() && launches[end].step == launches[begin].step) ++end;
  return end;
}

dlc_memory CudaExecutor::memory() const {
  return {plan_.state_bytes, plan_.const_bytes, shadow_.arena_bytes(), memory_.bytes() + fault_memory_.bytes()};
}

void CudaExecutor::download(void *dst, DevicePointer src, uint64_t bytes) const {
  if (bytes == 0) return;
  device_.check(device_.driver().cuMemcpyDtoHAsync_v2(dst, src, bytes, device_.stream()), "copying from the card");
}

void CudaExecutor::read_state(uint32_t index, void *data) {
  const std::lock_guard lock(device_.busy);
  device_.make_current();
  download(data, address(shadow_.states() + plan_.states[index].offset), plan_.states[index].bytes);
  device_.synchronize();
}

void CudaExecutor::write_state(uint32_t index, const void *data) {
  const PlanTensor &state = plan_.states[index];
  const std::lock_guard lock(device_.busy);
  device_.make_current();
  stale_ = true;
  if (state.bytes == 0) return;
  device_.check(device_.driver().cuMemcpyHtoDAsync_v2(address(shadow_.states() + state.offset), data, state.bytes,
                                                      device_.stream()),
                "copying to the card");
  device_.synchronize();
}

void CudaExecutor::copy_inputs(const PlanProgram &program, const void *const *inputs, uint32_t step) const {
  for (size_t i = 0; i < program.inputs.size(); ++i) {
    const PlanTensor &tensor = program.tensors[program.inputs[i].tensor];
    if (tensor.bytes == 0) continue;
    device_.check(device_.driver().cuMemcpyHtoDAsync_v2(address(tensor),
                                                        static_cast<const std::byte *>(inputs[i]) + step * tensor.bytes,
                                                        tensor.bytes, device_.stream()),
                  "copying to the card");
  }
}

void CudaExecutor::copy_outputs(const PlanProgram &program, void *const *outputs, uint32_t step) const {
  for (size_t i = 0; i < program.outputs.size(); ++i) {
    const PlanTensor &tensor = program.tensors[program.outputs[i].tensor];
    if (outputs[i]) download(static_cast<std::byte *>(outputs[i]) + step * tensor.bytes, address(tensor), tensor.bytes);
  }
}

dlc_status CudaExecutor::finish(uint32_t index, uint32_t step) {
  download(&fault_, fault_memory_.address(), sizeof fault_);
  device_.synchronize();
  if (fault_.step == 0) return DLC_OK;
  device_.check(device_.driver().cuMemsetD8Async(fault_memory_.address(), 0, sizeof fault_, device_.stream()),
                "clearing memory of the card");
  const PlanProgram &program = plan_.programs[index];
  const uint64_t key = ~fault_.key;
  const auto position = static_cast<uint32_t>(key >> 32);
  const auto value = static_cast<int32_t>(static_cast<uint32_t>(key));
  std::vector<const PlanBlock *> blocks = {&program};
  for (const PlanRegion &region : program.regions) blocks.push_back(&region);
  for (const PlanBlock *const block : blocks) {
    for (const PlanStep &at : block->steps) {
      if (at.id + 1 != fault_.step) continue;
      RunContext context;
      const dlc_status status = tell(*block, at, position, value, context);
      return fail(status, index, &at, step, context.message);
    }
  }
  return fail(DLC_INTERNAL, index, nullptr, step, "a kernel reports a step that the program does not have");
}

dlc_status CudaExecutor::prepare(uint32_t index, uint32_t step) {
  const uint32_t before = plan_.programs[index].prepare;
  if (before == kNone || !stale_) return DLC_OK;
  for (Prepared &at : programs_[before]) launch(at);
  const dlc_status status = finish(before, step);
  stale_ = status != DLC_OK;
  return status;
}

dlc_status CudaExecutor::run(uint32_t index, uint32_t steps, const void *const *inputs, void *const *outputs,
                             uint32_t *done) {
  const PlanProgram &program = plan_.programs[index];
  for (uint32_t step = 0; step < steps; ++step) {
    const std::lock_guard lock(device_.busy);
    device_.make_current();
    // Before the inputs, which lie in the arena that programs share.
    dlc_status status = prepare(index, step);
    stale_ |= program.writes_states;
    if (status == DLC_OK) {
      copy_inputs(program, inputs, step);
      for (Prepared &at : programs_[index]) launch(at);
      copy_outputs(program, outputs, step);
      status = finish(index, step);
    }
    if (status != DLC_OK) {
      cancelled_.store(false, std::memory_order_relaxed);
      return status;
    }
    *done = step + 1;
    if (step + 1 < steps && cancelled_.exchange(false, std::memory_order_relaxed))
      return fail(DLC_CANCELLED, index, nullptr, step, "cancelled");
  }
  cancelled_.store(false, std::memory_order_relaxed);
  return DLC_OK;
}

bool CudaExecutor::is_finite(const PlanTensor &tensor, const std::string &name, const char *what,
                             RunContext &context) const {
  std::vector<std::byte> bytes(tensor.bytes + 1);
  download(bytes.data(), address(tensor), tensor.bytes);
  device_.synchronize();
  return check_values({bytes.data(), tensor.dtype, tensor.shape, name}, what, context.message, sizeof context.message);
}

dlc_status CudaExecutor::traced(uint32_t index, const void *const *inputs) {
  const PlanProgram &program = plan_.programs[index];
  RunContext context;
  copy_inputs(program, inputs, 0);
  for (const PlanPort &input : program.inputs)
    if (!is_finite(program.tensors[input.tensor], std::string(input.name), "input", context))
      return fail(DLC_NON_FINITE, index, nullptr, 0, context.message);
  std::vector<Prepared> &launches = programs_[index];
  size_t next = 0;
  for (const PlanStep &step : program.steps) {
    for (const uint32_t input : step.inputs) {
      const PlanTensor &tensor = program.tensors[input];
      if (tensor.space == Space::state && !is_finite(tensor, std::string(tensor.name), "state", context))
        return fail(DLC_NON_FINITE, index, &step, 0, context.message);
    }
    for (; next < launches.size() && launches[next].owner == step.id; ++next) launch(launches[next]);
    if (const dlc_status status = finish(index, 0); status != DLC_OK) return status;
    for (const uint32_t output : step.outputs) {
      if (output == kNone) continue;
      const PlanTensor &tensor = program.tensors[output];
      if (!is_finite(tensor, std::string(tensor.name), "value", context))
        return fail(DLC_NON_FINITE, index, &step, 0, context.message);
    }
  }
  return DLC_OK;
}

dlc_status CudaExecutor::trace(uint32_t index, const void *const *inputs) {
  const std::lock_guard lock(device_.busy);
  device_.make_current();
  if (const dlc_status status = prepare(index, 0); status != DLC_OK) return status;
  const CardMemory saved(device_, plan_.state_bytes, "a copy of the states");
  const auto copy = [&](DevicePointer dst, DevicePointer src) {
    if (plan_.state_bytes)
      device_.check(device_.driver().cuMemcpyDtoDAsync_v2(dst, src, plan_.state_bytes, device_.stream()),
                    "copying states");
  };
  copy(saved.address(), address(shadow_.states()));
  const dlc_status status = traced(index, inputs);
  copy(address(shadow_.states()), saved.address());
  device_.synchronize();
  return status;
}

dlc_status CudaExecutor::profile(uint32_t index, const void *const *inputs, uint32_t steps, double *seconds) {
  const std::lock_guard lock(device_.busy);
  device_.make_current();
  dlc_status status = prepare(index, 0);
  const CardMemory saved(device_, plan_.state_bytes, "a copy of the states");
  const auto copy = [&](DevicePointer dst, DevicePointer src) {
    if (plan_.state_bytes)
      device_.check(device_.driver().cuMemcpyDtoDAsync_v2(dst, src, plan_.state_bytes, device_.stream()),
                    "copying states");
  };
  copy(saved.address(), address(shadow_.states()));
  std::vector<Prepared> &launches = programs_[index];
  for (uint32_t step = 0; step < steps && status == DLC_OK; ++step) {
    copy_inputs(plan_.programs[index], inputs, 0);
    device_.synchronize();
    for (size_t at = 0; at < launches.size();) {
      const size_t end = end_of_step(launches, at);
      const auto began = std::chrono::steady_clock::now();
      const uint32_t id = launches[at].step, owner = launches[at].owner;
      for (; at < end; ++at) launch(launches[at]);
      device_.synchronize();
      const double took = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
      seconds[id] += took;
      // The time of a loop holds that of what it runs.
      if (owner != id) seconds[owner] += took;
    }
    status = finish(index, step);
  }
  copy(address(shadow_.states()), saved.address());
  device_.synchronize();
  return status;
}

}  // namespace dlc::cuda
