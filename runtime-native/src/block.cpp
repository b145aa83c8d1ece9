// Prepares steps and runs them. Running allocates nothing.
#include "block.h"

#include <algorithm>
#include <chrono>
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

Region prepare_region(const PlanRegion &plan, const PlanProgram &program, const Frame &frame, ThreadPool &pool,
                      const std::string &where) {
  Region region{Block(plan, program, frame, pool, where), {}, {}, {}};
  for (const uint32_t index : plan.inputs)
    region.inputs.push_back(index == kNone ? Tensor{} : tensor_at(plan.tensors[index], frame));
  for (const RegionOutput &output : plan.outputs) {
    region.outputs.push_back(tensor_at(plan.tensors[output.tensor], frame));
    region.early.push_back(output.early);
  }
  return region;
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

void copy_bytes(ThreadPool &pool, void *dst, const void *src, uint64_t bytes) {
  if (bytes <= kCopyChunk) {
    if (bytes) std::memmove(dst, src, bytes);
    return;
  }
  const auto chunks = static_cast<int64_t>((bytes + kCopyChunk - 1) / kCopyChunk);
  pool.parallel(chunks, [&](int64_t chunk, int) {
    const uint64_t begin = static_cast<uint64_t>(chunk) * kCopyChunk;
    std::memmove(static_cast<std::byte *>(dst) + begin, static_cast<const std::byte *>(src) + begin,
                 std::min(kCopyChunk, bytes - begin));
  });
}

void *address_at(const PlanTensor &tensor, const Frame &frame) {
  switch (tensor.space) {
    case Space::arena:
      return frame.arena + tensor.offset;
    case Space::state:
      return frame.states + tensor.offset;
    case Space::constant:
      return frame.constants + tensor.offset;
    case Space::operand:
      return frame.operands[tensor.offset].data;
    case Space::result:
      return frame.results[tensor.offset].data;
  }
  throw Failure(DLC_BAD_PLAN, "unknown space of a tensor");
}

Tensor tensor_at(const PlanTensor &tensor, const Frame &frame) {
  return {address_at(tensor, frame), tensor.dtype, tensor.shape, std::string(tensor.name)};
}

Block::Block(const PlanBlock &plan, const PlanProgram &program, const Frame &frame, ThreadPool &pool,
             const std::string &where) {
  steps_.reserve(plan.steps.size());
  for (const PlanStep &step : plan.steps) {
    Step &made = steps_.emplace_back();
    made.plan = &step;
    for (const uint32_t index : step.inputs) {
      made.inputs.push_back(tensor_at(plan.tensors[index], frame));
      made.reads_state.push_back(plan.tensors[index].space == Space::state);
    }
    for (const uint32_t index : step.outputs)
      made.outputs.push_back(index == kNone ? Tensor{} : tensor_at(plan.tensors[index], frame));
    const std::span<std::byte> workspace(frame.arena + step.workspace_offset, step.workspace_bytes);
    const KernelArgs args{made.inputs, made.outputs, step.attrs, workspace, pool};
    const KernelEntry *entry = find_kernel(step.op);
    if (!entry && !is_control(step.op))
      throw Failure(DLC_UNSUPPORTED,
                    where + place_of(step) + ": this build has no kernel for '" + std::string(step.op) + "'");
    std::vector<Region> regions;
    for (const uint32_t index : step.regions) {
      const Frame inner{workspace.data(), frame.states, frame.constants, made.inputs, made.outputs};
      regions.push_back(prepare_region(program.regions[index], program, inner, pool, where));
    }
    try {
      if (!entry) {
        made.kernel = make_control(step.op, args, std::move(regions));
      } else {
        require(step.regions.empty(), "it runs no regions");
        made.kernel = entry->make(args);
      }
    } catch (const Failure &failure) {
      throw Failure(failure.status(), where + place_of(step) + ": " + std::string(step.op) + ": " + failure.what());
    }
  }
}

dlc_status Block::run(RunContext &context) {
  for (Step &step : steps_) {
    context.message[0] = 0;
    const dlc_status status = context.trace     ? traced(step, context)
                              : context.seconds ? timed(step, context)
                                                : step.kernel->run(context);
    if (status == DLC_OK) continue;
    if (!context.failed) context.failed = step.plan;
    return status;
  }
  return DLC_OK;
}

bool Block::follow(const void *begin, size_t bytes, size_t part) {
  const auto *const first = static_cast<const std::byte *>(begin);
  std::vector<Follower> found;
  std::vector<size_t> steps;
  for (size_t i = 0; i < steps_.size(); ++i) {
    Step &step = steps_[i];
    const size_t before = found.size();
    for (auto *tensors : {&step.inputs, &step.outputs}) {
      for (Tensor &tensor : *tensors) {
        const auto *const at = tensor.as<std::byte>();
        const size_t size = tensor.data ? tensor.bytes() : 0;
        if (size == 0 || at + size <= first || at >= first + bytes) continue;
        if (at < first || at + size > first + bytes) return false;
        found.push_back({&tensor, part, static_cast<size_t>(at - first)});
      }
    }
    if (found.size() == before) continue;
    if (!step.kernel->move(step.inputs, step.outputs)) return false;
    steps.push_back(i);
  }
  followers_.insert(followers_.end(), found.begin(), found.end());
  moving_.insert(moving_.end(), steps.begin(), steps.end());
  std::sort(moving_.begin(), moving_.end());
  moving_.erase(std::unique(moving_.begin(), moving_.end()), moving_.end());
  return true;
}

void Block::place(size_t part, std::byte *begin) {
  for (const Follower &follower : followers_)
    if (follower.part == part) follower.tensor->data = begin + follower.offset;
}

void Block::moved() {
  for (const size_t index : moving_) steps_[index].kernel->move(steps_[index].inputs, steps_[index].outputs);
}

dlc_status Block::timed(Step &step, RunContext &context) {
  const auto began = std::chrono::steady_clock::now();
  const dlc_status status = step.kernel->run(context);
  context.seconds[step.plan->id] += std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
  return status;
}

dlc_status Block::traced(Step &step, RunContext &context) {
  for (size_t i = 0; i < step.inputs.size(); ++i)
    if (step.reads_state[i] && !check_values(step.inputs[i], "state", context.message, sizeof context.message))
      return DLC_NON_FINITE;
  const dlc_status status = step.kernel->run(context);
  if (status != DLC_OK) return status;
  for (const Tensor &output : step.outputs)
    if (!check_values(output, "value", context.message, sizeof context.message)) return DLC_NON_FINITE;
  return DLC_OK;
}

}  // namespace dlc
