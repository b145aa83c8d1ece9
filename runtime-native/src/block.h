// Steps made ready to run: tensors at their addresses, kernels prepared. A program is one, and so is each region; a
// step with regions is a kernel that runs the blocks in it.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "kernel.h"
#include "plan.h"

namespace dlc {

// Where the tensors of a block lie.
struct Frame {
  std::byte *arena;
  std::byte *states;
  std::byte *constants;
  // Of a region: what its step is given and gives.
  std::span<const Tensor> operands;
  std::span<const Tensor> results;
};

void *address_at(const PlanTensor &tensor, const Frame &frame);
Tensor tensor_at(const PlanTensor &tensor, const Frame &frame);

class Block {
 public:
  // Throws Failure. `where` says which program, for messages. The plan must outlive the block.
  Block(const PlanBlock &plan, const PlanProgram &program, const Frame &frame, ThreadPool &pool,
        const std::string &where);

  // Runs the steps in order; the first that fails ends it.
  dlc_status run(RunContext &context);

  // A loop's parts: ranges of memory that hold one tensor and views of it, and move from run to run. False where a
  // kernel that reads or writes such a range can't follow: then it stays.
  bool follow(const void *begin, size_t bytes, size_t part);
  // Where a part lies in the next run; after the last one `moved` tells the kernels.
  void place(size_t part, std::byte *begin);
  void moved();

 private:
  struct Step {
    const PlanStep *plan = nullptr;
    std::vector<Tensor> inputs;
    std::vector<Tensor> outputs;
    std::unique_ptr<Kernel> kernel;
    std::vector<bool> reads_state;  // of each input
  };

  struct Follower {
    Tensor *tensor;
    size_t part, offset;
  };

  static dlc_status timed(Step &step, RunContext &context);
  static dlc_status traced(Step &step, RunContext &context);

  std::vector<Step> steps_;
  std::vector<Follower> followers_;
  std::vector<size_t> moving_;  // the steps of followers
};

// A region ready to run. Its step fills in the inputs before a run and takes the outputs after it.
struct Region {
  Block block;
  std::vector<Tensor> inputs;  // data is null: nobody reads it
  std::vector<Tensor> outputs;
  std::vector<bool> early;  // of each output: taken before a run
};

// The kernel of an op, or null.
const KernelEntry *find_kernel(std::string_view op);

// True for the ops that run regions; they have kernels of their own.
bool is_control(std::string_view op);
std::unique_ptr<Kernel> make_control(std::string_view op, const KernelArgs &args, std::vector<Region> regions);

// Copies among the lanes where there is much. The two may overlap in a hostile plan only.
void copy_bytes(ThreadPool &pool, void *dst, const void *src, uint64_t bytes);

// False where the tensor holds a NaN or infinity; the message then says so.
bool check_values(const Tensor &tensor, const char *what, char *message, size_t capacity);

}  // namespace dlc
