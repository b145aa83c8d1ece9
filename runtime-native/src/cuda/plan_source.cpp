// Goes through the steps of a plan.
#include "cuda/plan_source.h"

#include "block.h"

namespace dlc::cuda {
namespace {

std::string place_of(const PlanProgram &program, const PlanStep &step) {
  return "program '" + std::string(program.name) + "', layer '" + std::string(step.layer) + "' at " +
         std::string(step.file) + ":" + std::to_string(step.line) + ":" + std::to_string(step.column) + ": ";
}

void write_program(const PlanProgram &program, const Shadow &shadow, ThreadPool &checking, Writer &writer) {
  const Frame frame{shadow.arena(), shadow.states(), shadow.constants(), {}, {}};
  for (const PlanStep &step : program.steps) {
    const std::string op(step.op);
    const Emit emit = find_emit(step.op);
    const KernelEntry *const checks = find_kernel(step.op);
    if (!emit || !checks)
      throw Failure(DLC_UNSUPPORTED,
                    place_of(program, step) + "there is no CUDA kernel for '" + op + "' yet: use --device cpu");
    std::vector<Tensor> inputs, outputs;
    for (const uint32_t index : step.inputs) inputs.push_back(tensor_at(program.tensors[index], frame));
    for (const uint32_t index : step.outputs)
      outputs.push_back(index == kNone ? Tensor{} : tensor_at(program.tensors[index], frame));
    try {
      // A plan may be hostile: what the CPU's kernel accepts is what is written.
      const std::span<std::byte> workspace(shadow.arena() + step.workspace_offset, step.workspace_bytes);
      checks->make({inputs, outputs, step.attrs, workspace, checking});
      writer.begin(step.id);
      emit({inputs, outputs, step.attrs}, writer);
    } catch (const Failure &failure) {
      const bool missing = failure.status() == DLC_UNSUPPORTED;
      throw Failure(failure.status(), place_of(program, step) + (missing ? "there is no CUDA kernel for '" + op +
                                                                               "' with " + failure.what() + " yet"
                                                                         : op + ": " + failure.what()));
    }
  }
}

}  // namespace

PlanSource write_plan(const Plan &plan, const Shadow &shadow, ThreadPool &checking) {
  PlanSource written;
  for (const PlanProgram &program : plan.programs) {
    Writer writer(written.source, written.launches.emplace_back(),
                  {shadow.states(), static_cast<size_t>(plan.state_bytes)});
    write_program(program, shadow, checking, writer);
  }
  return written;
}

}  // namespace dlc::cuda
