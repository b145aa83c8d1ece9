// What the C ABI stands on: a device, and on it a loaded plan with its memory, ready to run. The CPU's are in
// cpu_executor.h, those of a card in cuda/.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "plan.h"

namespace dlc {

class Executor {
 public:
  virtual ~Executor() = default;

  const Plan &plan() const { return plan_; }
  virtual dlc_memory memory() const = 0;
  // Buffers are of the state's size.
  virtual void read_state(uint32_t index, void *data) = 0;
  virtual void write_state(uint32_t index, const void *data) = 0;

  // As in dlc.h; sizes and counts have been checked by the caller, program is in range.
  virtual dlc_status run(uint32_t program, uint32_t steps, const void *const *inputs, void *const *outputs,
                         uint32_t *done) = 0;
  virtual dlc_status trace(uint32_t program, const void *const *inputs) = 0;
  virtual dlc_status profile(uint32_t program, const void *const *inputs, uint32_t steps, double *seconds) = 0;
  void cancel() { cancelled_.store(true, std::memory_order_relaxed); }

  // Of the last call that failed.
  const dlc_failure &failure() const { return failure_; }
  const char *error() const { return error_; }
  void set_error(const char *text);

 protected:
  // `at` is the step whose kernel failed, or null.
  dlc_status fail(dlc_status status, uint32_t program, const PlanStep *at, uint32_t step, const char *message);

  Plan plan_;
  std::atomic<bool> cancelled_{false};

 private:
  dlc_failure failure_{kNone, kNone, 0};
  char error_[1024] = "";
};

// Outlives its executors.
class Device {
 public:
  virtual ~Device() = default;
  virtual std::string describe() const = 0;
  // Throws Failure.
  virtual std::unique_ptr<Executor> open(std::span<const std::byte> blob) = 0;
};

}  // namespace dlc
