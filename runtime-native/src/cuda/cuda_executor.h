// A plan on a card: one piece of memory for states, constants and the arena, one module with the kernels of all
// programs, launches in the order of the plan. Nothing is allocated while it steps.
#pragma once

#include <vector>

#include "cuda/device.h"
#include "cuda/plan_source.h"
#include "cuda/shadow.h"
#include "executor.h"

namespace dlc::cuda {

class CudaExecutor final : public Executor {
 public:
  // Throws Failure; DLC_UNSUPPORTED names the op that has no kernel.
  CudaExecutor(CudaDevice &device, std::span<const std::byte> blob);
  ~CudaExecutor() override;

  dlc_memory memory() const override;
  void read_state(uint32_t index, void *data) override;
  void write_state(uint32_t index, const void *data) override;
  dlc_status run(uint32_t program, uint32_t steps, const void *const *inputs, void *const *outputs,
                 uint32_t *done) override;
  dlc_status trace(uint32_t program, const void *const *inputs) override;
  dlc_status profile(uint32_t program, const void *const *inputs, uint32_t steps, double *seconds) override;

 private:
  // The kernels' report of a stray value, as the prelude of the kernels lays it out.
  struct Fault {
    uint32_t step = 0;
    uint32_t unused = 0;
    uint64_t key = 0;
  };
  // With everything that cuLaunchKernel is given.
  struct Prepared {
    Function function = nullptr;
    uint32_t blocks = 0;
    uint32_t step = 0, owner = 0;
    std::vector<uint64_t> values;    // where faults go, the step (its lower half counts), addresses
    std::vector<void *> parameters;  // where each value is
  };

  DevicePointer address(const void *shadow) const;
  DevicePointer address(const PlanTensor &tensor) const;
  Prepared prepared(const Launch &launch, const LoadedModule &module) const;
  void launch(Prepared &launch) const;
  // The launches of the steps from `begin` on that belong to one.
  size_t end_of_step(const std::vector<Prepared> &launches, size_t begin) const;
  void copy_inputs(const PlanProgram &program, const void *const *inputs, uint32_t step) const;
  void copy_outputs(const PlanProgram &program, void *const *outputs, uint32_t step) const;
  void download(void *dst, DevicePointer src, uint64_t bytes) const;
  // Waits for what was launched; a stray value ends the step.
  dlc_status finish(uint32_t program, uint32_t step);
  dlc_status prepare(uint32_t program, uint32_t step);
  // False, with a message, where a tensor holds NaN or infinity.
  bool is_finite(const PlanTensor &tensor, const std::string &name, const char *what, RunContext &context) const;
  dlc_status traced(uint32_t program, const void *const *inputs);

  CudaDevice &device_;
  Shadow shadow_;
  CardMemory memory_;
  CardMemory fault_memory_;
  LoadedModule module_;
  std::vector<std::vector<Prepared>> programs_;
  Fault fault_;
  bool stale_ = true;  // a state was written since something was prepared
};

}  // namespace dlc::cuda
