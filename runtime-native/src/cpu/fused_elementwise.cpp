// fused_elementwise(inputs...): a small program for every element of one shape, inputs broadcast to it. Runs block by
// block: each instruction is one vectorized loop over a block that stays in the first-level cache, so memory is passed
// once however long the program is. Chunks of blocks are tasks; their bounds depend on the shape alone.
// An output may lie exactly on an input of the same size.
#include <algorithm>
#include <cstring>

#include "../kernel.h"
#include "bf16_rows.h"
#include "broadcast.h"
#include "convert.h"
#include "fused_code.h"
#include "fused_loops.h"

namespace dlc {
namespace {

// Elements of a task: at most so many, and fewer where each is much work, an addition counting as one.
constexpr int64_t kChunk = 16384;
constexpr int64_t kChunkWork = 131072;
constexpr int64_t kFunctionWork = 10;
// Shorter rows are not worth a start of their own: what is one number in each is spread into a block instead.
constexpr int64_t kShortestRow = 256;

bool is_function(Instr instr) {
  switch (instr) {
    case Instr::exp:
    case Instr::expm1:
    case Instr::log:
    case Instr::log1p:
    case Instr::sigmoid:
    case Instr::tanh:
    case Instr::erf:
    case Instr::sin:
    case Instr::cos:
    case Instr::tan:
    case Instr::asin:
    case Instr::acos:
    case Instr::atan:
    case Instr::sinh:
    case Instr::cosh:
    case Instr::asinh:
    case Instr::acosh:
    case Instr::atanh:
    case Instr::pow:
    case Instr::mod:
    case Instr::atan2:
      return true;
    default:
      return false;
  }
}

// Halved until a task is small: a multiple of every block.
int64_t chunk_of(const std::vector<FusedStep> &steps) {
  int64_t work = 1;
  for (const FusedStep &step : steps) work += is_function(step.instr) ? kFunctionWork : 1;
  int64_t chunk = kChunk;
  while (chunk > 1024 && chunk * work > kChunkWork) chunk /= 2;
  return chunk;
}

// Computes in T: float, or double where integers or f64 take part.
template <typename T>
class FusedElementwise final : public Kernel {
 public:
  FusedElementwise(const KernelArgs &args, const std::vector<int64_t> &shape, FusedCode code, int64_t row)
      : pool_(args.pool), code_(std::move(code)), chunk_(chunk_of(code_.steps)), row_(row) {
    elements_ = 1;
    for (const int64_t extent : shape) elements_ *= extent;
    for (const Tensor &input : args.inputs)
      inputs_.push_back({input.data, input.dtype, broadcast_view(input.shape, shape)});
    for (const Tensor &output : args.outputs) outputs_.push_back({output.data, output.dtype});
    // About half of a first-level cache for the block buffers.
    block_ = code_.slots <= 6 ? 1024 : code_.slots <= 12 ? 512 : 256;
    require((static_cast<size_t>(code_.slots) * static_cast<size_t>(block_) + static_cast<size_t>(code_.numbers)) *
                    sizeof(T) <=
                ThreadPool::kLaneScratchBytes,
            "fused_elementwise: the program is too large");
    for (const FusedStep &step : code_.steps) loops_.push_back(loop_of(step.instr, step.mask));
    for (const FusedStep &step : code_.number_steps) number_loops_.push_back(loop_of(step.instr, 0));
    for (const FusedStep &step : code_.row_steps) row_loops_.push_back(loop_of(step.instr, 0));
  }

  dlc_status run(RunContext &) override {
    const int64_t chunks = (elements_ + chunk_ - 1) / chunk_;
    pool_.parallel(chunks, [this](int64_t chunk, int lane) {
      const int64_t begin = chunk * chunk_;
      run_chunk(begin, std::min(begin + chunk_, elements_), reinterpret_cast<T *>(pool_.scratch(lane)));
    });
    return DLC_OK;
  }

  bool move(std::span<const Tensor> inputs, std::span<const Tensor> outputs) override {
    for (size_t i = 0; i < inputs.size(); ++i) inputs_[i].data = inputs[i].data;
    for (size_t i = 0; i < outputs.size(); ++i) outputs_[i].data = outputs[i].data;
    return true;
  }

 private:
  struct Input {
    const void *data;
    dlc_dtype dtype;
    BroadcastView view;
  };
  struct Output {
    void *data;
    dlc_dtype dtype;
  };

  static FusedLoop<T> loop_of(Instr instr, unsigned mask) {
    if constexpr (std::is_same_v<T, float>)
      return DLC_DISPATCH(fused_loop)(instr, mask);
    else
      return fused_loop_f64(instr, mask);
  }

  void load(int32_t input, int64_t begin, int64_t count, T *dst) const {
    const Input &at = inputs_[static_cast<size_t>(input)];
    if constexpr (std::is_same_v<T, float>) {
      if (at.dtype == DLC_BF16 && is_whole(at.view)) {
        widen_(static_cast<const Bf16 *>(at.data) + begin, count, dst);
        return;
      }
    }
    with_type(at.dtype, [&](auto *type) {
      using S = std::remove_pointer_t<decltype(type)>;
      read_broadcast(at.view, static_cast<const S *>(at.data), begin, count, dst);
    });
  }

  void store(const Output &output, const T *from, bool number, int64_t begin, int64_t count) const {
    with_type(output.dtype, [&](auto *type) {
      using D = std::remove_pointer_t<decltype(type)>;
      D *dst = static_cast<D *>(output.data) + begin;
      if (number) {
        std::fill_n(dst, count, convert<D>(*from));
      } else if constexpr (std::is_same_v<D, Bf16> && std::is_same_v<T, float>) {
        narrow_(from, count, dst);
      } else if (static_cast<const void *>(dst) != static_cast<const void *>(from)) {
        for (int64_t i = 0; i < count; ++i) dst[i] = convert<D>(from[i]);
      }
    });
  }

  void run_chunk(int64_t chunk_begin, int64_t chunk_end, T *slots) const {
    T *const numbers = slots + static_cast<int64_t>(code_.slots) * block_;
    int64_t begin = chunk_begin;
    const auto address = [&](const FusedPlace &place) -> T * {
      switch (place.kind) {
        case FusedPlace::Kind::slot:
          return slots + place.index * block_;
        case FusedPlace::Kind::input:
          return static_cast<T *>(const_cast<void *>(inputs_[static_cast<size_t>(place.index)].data)) + begin;
        case FusedPlace::Kind::output:
          return static_cast<T *>(outputs_[static_cast<size_t>(place.index)].data) + begin;
        case FusedPlace::Kind::number:
          break;
      }
      return numbers + place.index;
    };
    const auto execute = [&](const FusedStep &step, FusedLoop<T> loop, int64_t count) {
      const T *args[kMostArgs];
      for (int a = 0; a < kMostArgs; ++a) args[a] = address(step.args[a]);
      loop(address(step.dst), args, count);
    };

    for (size_t i = 0; i < code_.literals.size(); ++i) numbers[i] = static_cast<T>(code_.literals[i]);
    for (const FusedLoad &at : code_.number_loads) load(at.input, 0, 1, numbers + at.place);
    for (size_t i = 0; i < code_.number_steps.size(); ++i) execute(code_.number_steps[i], number_loops_[i], 1);

    while (begin < chunk_end) {
      for (const FusedLoad &at : code_.row_loads) load(at.input, begin, 1, numbers + at.place);
      for (size_t i = 0; i < code_.row_steps.size(); ++i) execute(code_.row_steps[i], row_loops_[i], 1);
      const int64_t row_end = std::min(chunk_end, (begin / row_ + 1) * row_);
      for (; begin < row_end; begin += block_) {
        const int64_t count = std::min(block_, row_end - begin);
        for (const FusedLoad &at : code_.loads) load(at.input, begin, count, slots + at.place * block_);
        for (size_t i = 0; i < code_.steps.size(); ++i) execute(code_.steps[i], loops_[i], count);
        for (const FusedStore &at : code_.stores)
          store(outputs_[static_cast<size_t>(at.output)], address(at.from), at.from.kind == FusedPlace::Kind::number,
                begin, count);
      }
      begin = row_end;
    }
  }

  ThreadPool &pool_;
  FusedCode code_;
  int64_t elements_ = 0;
  int64_t chunk_;
  int64_t block_ = 0;
  int64_t row_;  // elements
  std::vector<Input> inputs_;
  std::vector<Output> outputs_;
  std::vector<FusedLoop<T>> loops_;
  std::vector<FusedLoop<T>> number_loops_;
  std::vector<FusedLoop<T>> row_loops_;
  decltype(&baseline::widen) widen_ = DLC_DISPATCH(widen);
  decltype(&baseline::narrow) narrow_ = DLC_DISPATCH(narrow);
};

// Integers of 64 bits would lose digits in double, so a group that only copies does not convert at all.
class Copy final : public Kernel {
 public:
  explicit Copy(const KernelArgs &args, const FusedProgram &program) : pool_(args.pool) {
    for (size_t i = 0; i < args.outputs.size(); ++i) {
      const Tensor &src = args.inputs[static_cast<size_t>(program.yields[i].index)];
      if (args.outputs[i].data && args.outputs[i].data != src.data)
        copies_.push_back({args.outputs[i].as<std::byte>(), src.as<std::byte>(), static_cast<int64_t>(src.bytes())});
    }
  }

  dlc_status run(RunContext &) override {
    constexpr int64_t chunk = 4 * kChunk;
    for (const Part &part : copies_)
      pool_.parallel((part.bytes + chunk - 1) / chunk, [&](int64_t task, int) {
        const int64_t begin = task * chunk;
        std::memcpy(part.dst + begin, part.src + begin, static_cast<size_t>(std::min(chunk, part.bytes - begin)));
      });
    return DLC_OK;
  }

 private:
  struct Part {
    std::byte *dst;
    const std::byte *src;
    int64_t bytes;
  };

  ThreadPool &pool_;
  std::vector<Part> copies_;
};

bool only_copies(const KernelArgs &args, const FusedProgram &program) {
  if (!program.statements.empty()) return false;
  // With several, one output might lie on what another copies.
  if (program.yields.size() != 1 || program.yields[0].kind != FusedArg::Kind::input) return false;
  const Tensor &src = args.inputs[static_cast<size_t>(program.yields[0].index)];
  const Tensor &dst = args.outputs[0];
  return !dst.data || (src.dtype == dst.dtype && src.shape == dst.shape);
}

// NumPy's result shape of all inputs.
std::vector<int64_t> group_shape(std::span<const Tensor> inputs) {
  std::vector<int64_t> shape;
  for (const Tensor &input : inputs) {
    if (input.shape.size() > shape.size()) shape.insert(shape.begin(), input.shape.size() - shape.size(), 1);
    for (size_t i = 1; i <= input.shape.size(); ++i) {
      int64_t &extent = shape[shape.size() - i];
      const int64_t own = input.shape[input.shape.size() - i];
      require(own == extent || own == 1 || extent == 1, "fused_elementwise: the inputs do not broadcast");
      if (extent == 1) extent = own;
    }
  }
  return shape;
}

// The length of rows in which inputs like [1, C, 1, 1] are one number; the whole result where there is no such thing.
int64_t row_length(std::span<const Tensor> inputs, const std::vector<int64_t> &shape) {
  int64_t row = INT64_MAX;
  for (const Tensor &input : inputs) {
    const BroadcastView view = broadcast_view(input.shape, shape);
    if (view.rank < 2 || view.stride[view.rank - 1] != 0) continue;
    const int64_t length = view.extent[view.rank - 1];
    if (length >= kShortestRow) row = std::min(row, length);
  }
  return row;
}

template <typename T>
std::unique_ptr<Kernel> make_in(const KernelArgs &args, FusedProgram program, const std::vector<int64_t> &shape) {
  constexpr dlc_dtype own = std::is_same_v<T, float> ? DLC_F32 : DLC_F64;
  const int64_t row = row_length(args.inputs, shape);
  std::vector<FusedInput> inputs;
  for (const Tensor &input : args.inputs) {
    const BroadcastView view = broadcast_view(input.shape, shape);
    FusedInput made;
    made.single = input.elements() == 1;
    made.row = !made.single && view.stride[view.rank - 1] == 0 && view.extent[view.rank - 1] % row == 0;
    made.direct = is_whole(view) && input.dtype == own;
    made.begin = input.data;
    made.end = input.as<std::byte>() + input.bytes();
    inputs.push_back(made);
  }
  std::vector<FusedOutput> outputs;
  for (const Tensor &output : args.outputs) {
    FusedOutput made;
    made.wanted = output.data != nullptr;
    made.direct = output.dtype == own;
    made.rounds = output.dtype == DLC_BF16;
    made.begin = output.data;
    made.end = made.wanted ? output.as<std::byte>() + output.bytes() : nullptr;
    outputs.push_back(made);
  }
  return std::make_unique<FusedElementwise<T>>(args, shape, compile_fused(std::move(program), inputs, outputs), row);
}

}  // namespace

std::unique_ptr<Kernel> make_fused_elementwise(const KernelArgs &args) {
  require(!args.inputs.empty(), "fused_elementwise takes at least one input");
  FusedProgram program = parse_fused_program(args.attrs.string("program"), args.inputs.size());
  require(program.yields.size() == args.outputs.size(), "fused_elementwise: yields and outputs differ in number");
  const std::vector<int64_t> shape = group_shape(args.inputs);
  for (const Tensor &output : args.outputs)
    require(!output.data || output.shape == shape, "fused_elementwise: an output is not of the group's shape");
  if (only_copies(args, program)) return std::make_unique<Copy>(args, program);

  // What float does not hold, or does not hold the products of.
  const auto wide = [](const Tensor &tensor) {
    return tensor.data && (tensor.dtype == DLC_F64 || tensor.dtype == DLC_I32 || tensor.dtype == DLC_I64);
  };
  const bool in_double = std::any_of(args.inputs.begin(), args.inputs.end(), wide) ||
                         std::any_of(args.outputs.begin(), args.outputs.end(), wide);
  return in_double ? make_in<double>(args, std::move(program), shape) : make_in<float>(args, std::move(program), shape);
}

}  // namespace dlc
