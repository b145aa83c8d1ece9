// A loaded plan with its memory and its prepared kernels. Everything is allocated when it is made; running a step
// copies the inputs in, calls the kernels one after the other and copies the outputs out.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "kernel.h"
#include "memory.h"
#include "plan.h"

namespace dlc {

// A device and its threads; outlives its sessions.
struct Device {
  explicit Device(int threads) : pool(threads) {}

  ThreadPool pool;
  // Held for a step: the pool and the lanes' scratch serve one session at a time.
  std::mutex busy;
};

class Executor {
 public:
  // Throws Failure.
  Executor(Device &device, std::span<const std::byte> blob);

  const Plan &plan() const { return plan_; }
  dlc_memory memory() const;
  std::byte *state(uint32_t index) const;

  // As in dlc.h; sizes and counts have been checked by the caller, program is in range.
  dlc_status run(uint32_t program, uint32_t steps, const void *const *inputs, void *const *outputs, uint32_t *done);
  dlc_status trace(uint32_t program, const void *const *inputs);
  void cancel() { cancelled_.store(true, std::memory_order_relaxed); }

  // Of the last call that failed.
  const dlc_failure &failure() const { return failure_; }
  const char *error() const { return error_; }
  void set_error(const char *text);

 private:
  struct Step {
    std::vector<Tensor> inputs;
    std::vector<Tensor> outputs;
    std::unique_ptr<Kernel> kernel;
  };
  struct Program {
    std::vector<Step> steps;
  };

  Tensor tensor_of(const PlanTensor &tensor) const;
  Step prepare(const PlanProgram &program, const PlanStep &step, const std::string &where);
  std::byte *address(const PlanProgram &program, uint32_t tensor) const;
  void copy(void *dst, const void *src, uint64_t bytes);
  void copy_inputs(const PlanProgram &program, const void *const *inputs, uint32_t step);
  dlc_status fail(dlc_status status, uint32_t program, uint32_t kernel, uint32_t step, const char *message);
  dlc_status trace_kernels(uint32_t program);
  bool check_values(const Tensor &tensor, const char *what, char *message, size_t capacity) const;

  Device &device_;
  Plan plan_;
  AlignedBuffer states_;
  AlignedBuffer constants_;
  AlignedBuffer arena_;
  std::vector<Program> programs_;
  std::atomic<bool> cancelled_{false};
  dlc_failure failure_{kNone, kNone, 0};
  char error_[1024] = "";
};

// The kernel of an op, or null.
const KernelEntry *find_kernel(std::string_view op);

}  // namespace dlc
