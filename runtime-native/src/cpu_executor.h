// A plan on the CPU. Everything is allocated when it is made; running a step copies the inputs in, calls the kernels
// one after the other and copies the outputs out.
#pragma once

#include <mutex>
#include <vector>

#include "block.h"
#include "executor.h"
#include "memory.h"

namespace dlc {

class CpuDevice final : public Device {
 public:
  explicit CpuDevice(int threads) : pool(threads) {}

  std::string describe() const override;
  std::unique_ptr<Executor> open(std::span<const std::byte> blob) override;

  ThreadPool pool;
  // Held for a step: the pool and the lanes' scratch serve one session at a time.
  std::mutex busy;
};

class CpuExecutor final : public Executor {
 public:
  // Throws Failure.
  CpuExecutor(CpuDevice &device, std::span<const std::byte> blob);

  dlc_memory memory() const override;
  void read_state(uint32_t index, void *data) override;
  void write_state(uint32_t index, const void *data) override;
  dlc_status run(uint32_t program, uint32_t steps, const void *const *inputs, void *const *outputs,
                 uint32_t *done) override;
  dlc_status trace(uint32_t program, const void *const *inputs) override;
  dlc_status profile(uint32_t program, const void *const *inputs, uint32_t steps, double *seconds) override;

 private:
  Frame frame() const { return {arena_.data(), states_.data(), constants_.data(), {}, {}}; }
  std::byte *address(const PlanProgram &program, uint32_t tensor) const;
  void copy_inputs(const PlanProgram &program, const void *const *inputs, uint32_t step);
  dlc_status run_block(uint32_t program, uint32_t step, RunContext &context);
  // What `program` reads of what is made of states, made again where one was written since.
  dlc_status prepare(uint32_t program, uint32_t step);
  dlc_status trace_step(uint32_t program);

  CpuDevice &device_;
  AlignedBuffer states_;
  AlignedBuffer constants_;
  AlignedBuffer arena_;
  std::vector<Block> programs_;
  bool stale_ = true;  // a state was written since something was prepared
};

}  // namespace dlc
