// Goes through the steps of a plan.
#include "cuda/plan_source.h"

#include "block.h"
#include "cuda/kernels/kernels.h"

namespace dlc::cuda {
namespace {

std::string place_of(const PlanProgram &program, const PlanStep &step) {
  return "program '" + std::string(program.name) + "', layer '" + std::string(step.layer) + "' at " +
         std::string(step.file) + ":" + std::to_string(step.line) + ":" + std::to_string(step.column) + ": ";
}

// A loop of more launches is a matter for another way of running it.
constexpr size_t kMostLaunches = 200000;

class BlockWriter {
 public:
  BlockWriter(const PlanProgram &program, Writer &writer) : program_(program), writer_(writer) {}

  void write(const PlanBlock &block, const Frame &frame) {
    for (const PlanStep &step : block.steps) {
      std::vector<Tensor> inputs, outputs;
      for (const uint32_t index : step.inputs) inputs.push_back(tensor_at(block.tensors[index], frame));
      for (const uint32_t index : step.outputs)
        outputs.push_back(index == kNone ? Tensor{} : tensor_at(block.tensors[index], frame));
      try {
        write_step(step, {inputs, outputs, step.attrs, frame.arena + step.workspace_offset}, frame);
      } catch (const Failure &failure) {
        if (failure.status() != DLC_UNSUPPORTED || is_placed_) throw;
        is_placed_ = true;
        throw Failure(DLC_UNSUPPORTED, place_of(program_, step) + "there is no CUDA kernel for '" +
                                           std::string(step.op) + "'" + failure.what() + " yet: use --device cpu");
      }
    }
  }

 private:
  void write_step(const PlanStep &step, const StepArgs &args, const Frame &frame) {
    const bool is_outermost = depth_ == 0;
    writer_.begin(step.id, is_outermost);
    if (step.op == "scan") {
      ++depth_;
      write_scan(step, args, frame);
      --depth_;
    } else if (const Emit emit = find_emit(step.op)) {
      emit(args, writer_);
    } else {
      throw Failure(DLC_UNSUPPORTED, "");
    }
  }

  // All iterations, one behind the other.
  void write_scan(const PlanStep &step, const StepArgs &args, const Frame &frame) {
    const auto consts = static_cast<size_t>(args.attrs.integer("consts"));
    const auto carries = static_cast<size_t>(args.attrs.integer("carries"));
    const int64_t length = args.attrs.integer("length");
    const bool reverse = args.attrs.boolean("reverse");
    const PlanRegion &region = program_.regions[step.regions[0]];
    const Frame inner{frame.arena + step.workspace_offset, frame.states, frame.constants, args.inputs, args.outputs};
    for (size_t j = 0; j < carries; ++j)
      if (args.outputs[j].data != args.inputs[consts + j].data) copy(args.inputs[consts + j], args.outputs[j]);
    const uint32_t index_at = region.inputs.back();
    const Tensor index = index_at == kNone ? Tensor{} : tensor_at(region.tensors[index_at], inner);
    for (int64_t done = 0; done < length; ++done) {
      const int64_t at = reverse ? length - 1 - done : done;
      writer_.begin(step.id, false);
      if (index.data) writer_.set_index(index, done == 0 ? at : reverse ? -1 : 1, done == 0);
      for (size_t i = 0; i + 1 < region.inputs.size(); ++i)
        if (region.inputs[i] != kNone)
          copy(part(args.inputs[consts + carries + i], at), tensor_at(region.tensors[region.inputs[i]], inner));
      take(region, inner, args.outputs.subspan(carries), at, true);
      write(region, inner);
      writer_.begin(step.id, false);
      take(region, inner, args.outputs.subspan(carries), at, false);
      if (writer_.launches() > kMostLaunches) unsupported(" of so many steps");
    }
  }

  void take(const PlanRegion &region, const Frame &inner, std::span<const Tensor> stacks, int64_t at, bool early) {
    for (size_t i = 0; i < region.outputs.size(); ++i)
      if (stacks[i].data && region.outputs[i].early == early)
        copy(tensor_at(region.tensors[region.outputs[i].tensor], inner), part(stacks[i], at));
  }

  // Part `at` of a sequence or stack.
  static Tensor part(const Tensor &whole, int64_t at) {
    Tensor one = whole;
    one.shape.erase(one.shape.begin());
    one.data = whole.as<std::byte>() + static_cast<size_t>(at) * one.bytes();
    return one;
  }

  void copy(const Tensor &from, const Tensor &to) { copy_strided(writer_, from, to, dense_strides(from.shape), 0); }

  const PlanProgram &program_;
  Writer &writer_;
  int depth_ = 0;
  bool is_placed_ = false;
};

}  // namespace

PlanSource write_plan(const Plan &plan, const Shadow &shadow, ThreadPool &checking) {
  PlanSource written;
  for (const PlanProgram &program : plan.programs) {
    Writer writer(written.source, written.launches.emplace_back(),
                  {shadow.states(), static_cast<size_t>(plan.state_bytes)});
    const Frame frame{shadow.arena(), shadow.states(), shadow.constants(), {}, {}};
    // A plan may be hostile: what the CPU's kernels accept is what is written.
    const Block checked(program, program, frame, checking, "program '" + std::string(program.name) + "', ");
    BlockWriter(program, writer).write(program, frame);
  }
  return written;
}

}  // namespace dlc::cuda
