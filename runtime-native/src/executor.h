// A loaded plan with its memory and its prepared kernels. Everything is allocated when it is made; running a step
// copies the inputs in, calls the kernels one after the other and copies the outputs out.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "block.h"
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
  const std::byte *state(uint32_t index) const;
  void write_state(uint32_t index, const void *data);

  // As in dlc.h; sizes and counts have been checked by the caller, program is in range.
  dlc_status run(uint32_t program, uint32_t steps, const void *const *inputs, void *const *outputs, uint32_t *done);
  dlc_status trace(uint32_t program, const void *const *inputs);
  dlc_status profile(uint32_t program, const void *const *inputs, uint32_t steps, double *seconds);
  void cancel() { cancelled_.store(true, std::memory_order_relaxed); }

  // Of the last call that failed.
  const dlc_failure &failure() const { return failure_; }
  const char *error() const { return error_; }
  void set_error(const char *text);

 private:
  Frame frame() const { return {arena_.data(), states_.data(), constants_.data(), {}, {}}; }
  std::byte *address(const PlanProgram &program, uint32_t tensor) const;
  void copy_inputs(const PlanProgram &program, const void *const *inputs, uint32_t step);
  // `at` is the step whose kernel failed, or null.
  dlc_status fail(dlc_status status, uint32_t program, const PlanStep *at, uint32_t step, const char *message);
  dlc_status run_block(uint32_t program, uint32_t step, RunContext &context);
  // What `program` reads of what is made of states, made again where one was written since.
  dlc_status prepare(uint32_t program, uint32_t step);
  dlc_status trace_step(uint32_t program);

  Device &device_;
  Plan plan_;
  AlignedBuffer states_;
  AlignedBuffer constants_;
  AlignedBuffer arena_;
  std::vector<Block> programs_;
  bool stale_ = true;  // a state was written since something was prepared
  std::atomic<bool> cancelled_{false};
  dlc_failure failure_{kNone, kNone, 0};
  char error_[1024] = "";
};

}  // namespace dlc
