// reduce_sum, reduce_max, reduce_min, reduce_prod over any axes; of bfloat16 as float. Sums are a fixed tree: short
// runs in float, their results in double; what is cut for parallel work is cut by the shape alone and put together in
// order. So the bits are the same for any number of threads.
#include <algorithm>
#include <limits>
#include <type_traits>

#include "../kernel.h"
#include "reduce_loops.h"
#include "reduce_shape.h"

namespace dlc {
namespace {

// Elements that are worth a task.
constexpr int64_t kGrain = 32768;
// Columns that are taken together.
constexpr int64_t kTile = 1024;
// Outputs with fewer rows or tiles of columns than this are cut into pieces as well.
constexpr int64_t kWorthwhileTasks = 32;

int64_t ceil_div(int64_t a, int64_t b) {
  return (a + b - 1) / b;
}

template <typename T>
T combined(Reduction reduction, T a, T b) {
  switch (reduction) {
    case Reduction::max:
      return a > b || a != a ? a : b;
    case Reduction::min:
      return a < b || a != a ? a : b;
    case Reduction::prod:
      if constexpr (std::is_same_v<T, int64_t>)
        return static_cast<int64_t>(static_cast<uint64_t>(a) * static_cast<uint64_t>(b));  // wraps
      else
        return a * b;
    case Reduction::sum:
      break;
  }
  if constexpr (std::is_same_v<T, int64_t>)
    return static_cast<int64_t>(static_cast<uint64_t>(a) + static_cast<uint64_t>(b));  // wraps
  else
    return a + b;
}

double start_of(Reduction reduction) {
  constexpr double inf = std::numeric_limits<double>::infinity();
  switch (reduction) {
    case Reduction::max:
      return -inf;
    case Reduction::min:
      return inf;
    case Reduction::prod:
      return 1;
    case Reduction::sum:
      break;
  }
  return 0;
}

// How the elements of one output are shared among tasks whose results lie in lane 0's scratch until all are there.
// `unit` elements go together.
struct Pieces {
  int64_t count, size;

  Pieces(int64_t elements, int64_t grain, int64_t outputs) {
    const int64_t room = static_cast<int64_t>(ThreadPool::kLaneScratchBytes / sizeof(double));
    const int64_t most = std::max<int64_t>(1, room / std::max<int64_t>(outputs, 1));
    size = std::max<int64_t>({1, grain, ceil_div(elements, most)});
    count = std::max<int64_t>(1, ceil_div(elements, size));
  }
};

// The innermost axis goes: each output is made of whole rows.
template <typename T>
class ReduceRows final : public Kernel {
 public:
  ReduceRows(const KernelArgs &args, ReduceShape shape, Reduction reduction)
      : pool_(args.pool),
        shape_(std::move(shape)),
        reduction_(reduction),
        loops_(reduce_loops_for<T>(reduction)),
        x_(args.inputs[0].as<T>()),
        y_(args.outputs[0].as<float>()),
        pieces_(shape_.per_output, kGrain, shape_.outputs) {}

  dlc_status run(RunContext &) override {
    if (!y_) return DLC_OK;
    if (pieces_.count == 1) {
      const int64_t per_task = std::max<int64_t>(1, kGrain / std::max<int64_t>(shape_.per_output, 1));
      pool_.parallel(ceil_div(shape_.outputs, per_task), [&](int64_t task, int) {
        const int64_t end = std::min(shape_.outputs, (task + 1) * per_task);
        for (int64_t o = task * per_task; o < end; ++o) y_[o] = static_cast<float>(part(o, 0, shape_.per_output));
      });
      return DLC_OK;
    }
    auto *const parts = reinterpret_cast<double *>(pool_.scratch(0));
    pool_.parallel(shape_.outputs * pieces_.count, [&](int64_t task, int) {
      const int64_t begin = task % pieces_.count * pieces_.size;
      parts[task] = part(task / pieces_.count, begin, std::min(shape_.per_output, begin + pieces_.size));
    });
    for (int64_t o = 0; o < shape_.outputs; ++o) {
      double total = start_of(reduction_);
      for (int64_t piece = 0; piece < pieces_.count; ++piece)
        total = combined(reduction_, total, parts[o * pieces_.count + piece]);
      y_[o] = static_cast<float>(total);
    }
    return DLC_OK;
  }

 private:
  // Elements [begin, end) of output o, counted through its rows.
  double part(int64_t o, int64_t begin, int64_t end) const {
    const T *base = x_ + shape_.kept.offset(o);
    double total = start_of(reduction_);
    while (begin < end) {
      const int64_t row = begin / shape_.inner, at = begin % shape_.inner;
      const int64_t count = std::min(end - begin, shape_.inner - at);
      total = combined(reduction_, total, loops_.row(base + shape_.reduced.offset(row) + at, count));
      begin += count;
    }
    return total;
  }

  ThreadPool &pool_;
  ReduceShape shape_;
  Reduction reduction_;
  ReduceLoops<T> loops_;
  const T *x_;
  float *y_;
  Pieces pieces_;
};

// The innermost axis stays: rows of outputs, made by combining rows of inputs, in tiles.
template <typename T>
class ReduceColumns final : public Kernel {
 public:
  ReduceColumns(const KernelArgs &args, ReduceShape shape, Reduction reduction)
      : pool_(args.pool),
        shape_(std::move(shape)),
        reduction_(reduction),
        loops_(reduce_loops_for<T>(reduction)),
        x_(args.inputs[0].as<T>()),
        y_(args.outputs[0].as<float>()),
        tiles_(ceil_div(shape_.inner, kTile)),
        pieces_(shape_.reduced.count,
                std::max(ceil_div(kGrain, std::clamp<int64_t>(shape_.inner, 1, kTile)),
                         ceil_div(shape_.reduced.count * shape_.kept.count * tiles_, kWorthwhileTasks)),
                shape_.outputs) {
    const AxisWalk &reduced = shape_.reduced;
    if (!reduced.axes.empty()) run_ = reduced.axes.back().extent, pitch_ = reduced.axes.back().stride;
    // Products leave the range of float sooner than their result does.
    rows_ = reduction == Reduction::prod ? 1 : rows_in_float(pitch_, std::min(shape_.inner, kTile));
  }

  dlc_status run(RunContext &) override {
    if (!y_) return DLC_OK;
    auto *const parts = reinterpret_cast<double *>(pool_.scratch(0));
    const int64_t tasks = shape_.kept.count * tiles_ * pieces_.count;
    const int64_t rows = std::min(pieces_.size, shape_.reduced.count);
    const int64_t work = std::max<int64_t>(1, rows * std::min(shape_.inner, kTile));
    const int64_t per_task = std::max<int64_t>(1, kGrain / work);
    pool_.parallel(ceil_div(tasks, per_task), [&](int64_t group, int) {
      const int64_t end = std::min(tasks, (group + 1) * per_task);
      for (int64_t task = group * per_task; task < end; ++task) {
        const int64_t piece = task % pieces_.count, tile = task / pieces_.count % tiles_;
        const int64_t outer = task / pieces_.count / tiles_;
        const int64_t from = tile * kTile, width = std::min(kTile, shape_.inner - from);
        double totals[kTile];
        part(shape_.kept.offset(outer) + from, width, piece, totals);
        const int64_t output = outer * shape_.inner + from;
        if (pieces_.count == 1)
          for (int64_t i = 0; i < width; ++i) y_[output + i] = static_cast<float>(totals[i]);
        else
          std::copy_n(totals, width, parts + piece * shape_.outputs + output);
      }
    });
    if (pieces_.count == 1) return DLC_OK;
    for (int64_t o = 0; o < shape_.outputs; ++o) {
      double total = parts[o];
      for (int64_t piece = 1; piece < pieces_.count; ++piece)
        total = combined(reduction_, total, parts[piece * shape_.outputs + o]);
      y_[o] = static_cast<float>(total);
    }
    return DLC_OK;
  }

 private:
  void part(int64_t offset, int64_t width, int64_t piece, double *totals) const {
    const int64_t end = std::min(shape_.reduced.count, (piece + 1) * pieces_.size);
    std::fill_n(totals, width, start_of(reduction_));
    for (int64_t row = piece * pieces_.size; row < end;) {
      const int64_t count = std::min({end - row, rows_, run_ - row % run_});
      float sums[kTile];
      loops_.columns(x_ + offset + shape_.reduced.offset(row), count, pitch_, width, sums);
      loops_.collect(totals, sums, width);
      row += count;
    }
  }

  ThreadPool &pool_;
  ReduceShape shape_;
  Reduction reduction_;
  ReduceLoops<T> loops_;
  const T *x_;
  float *y_;
  int64_t tiles_;
  int64_t run_ = 1, pitch_ = 0;  // rows that are equally far apart, and how far
  int64_t rows_;                 // combined in float
  Pieces pieces_;
};

// Doubles and integers (in 64 bits, wrapping), plainly.
template <typename T>
class ReducePlain final : public Kernel {
  using Wide = std::conditional_t<std::is_integral_v<T>, int64_t, double>;

 public:
  ReducePlain(const KernelArgs &args, ReduceShape shape, Reduction reduction)
      : pool_(args.pool),
        shape_(std::move(shape)),
        reduction_(reduction),
        x_(args.inputs[0].as<T>()),
        y_(args.outputs[0].as<T>()) {}

  dlc_status run(RunContext &) override {
    if (!y_) return DLC_OK;
    const int64_t per_task = std::max<int64_t>(1, kGrain / std::max<int64_t>(shape_.per_output, 1));
    pool_.parallel(ceil_div(shape_.outputs, per_task), [&](int64_t task, int) {
      const int64_t end = std::min(shape_.outputs, (task + 1) * per_task);
      for (int64_t o = task * per_task; o < end; ++o) y_[o] = output(o);
    });
    return DLC_OK;
  }

 private:
  T output(int64_t o) const {
    const T *base =
        x_ + (shape_.inner_reduced ? shape_.kept.offset(o) : shape_.kept.offset(o / shape_.inner) + o % shape_.inner);
    const int64_t row = shape_.inner_reduced ? shape_.inner : 1;
    Wide total = start();
    for (int64_t r = 0; r < shape_.reduced.count; ++r)
      for (int64_t i = 0; i < row; ++i)
        total = combined(reduction_, total, static_cast<Wide>(base[shape_.reduced.offset(r) + i]));
    return static_cast<T>(total);
  }

  Wide start() const {
    if constexpr (std::is_integral_v<T>) {
      if (reduction_ == Reduction::max) return std::numeric_limits<T>::min();
      if (reduction_ == Reduction::min) return std::numeric_limits<T>::max();
    }
    return static_cast<Wide>(start_of(reduction_));
  }

  ThreadPool &pool_;
  ReduceShape shape_;
  Reduction reduction_;
  const T *x_;
  T *y_;
};

template <typename T>
std::unique_ptr<Kernel> make_reduce_floats(const KernelArgs &args, ReduceShape shape, Reduction reduction) {
  if (shape.inner_reduced) return std::make_unique<ReduceRows<T>>(args, std::move(shape), reduction);
  return std::make_unique<ReduceColumns<T>>(args, std::move(shape), reduction);
}

std::unique_ptr<Kernel> make_reduce(const KernelArgs &args, Reduction reduction) {
  ReduceShape shape = reduce_shape(args);
  switch (args.inputs[0].dtype) {
    case DLC_F32:
      return make_reduce_floats<float>(args, std::move(shape), reduction);
    case DLC_BF16:
      return make_reduce_floats<Bf16>(args, std::move(shape), reduction);
    case DLC_F64:
      return std::make_unique<ReducePlain<double>>(args, std::move(shape), reduction);
    case DLC_U8:
      return std::make_unique<ReducePlain<uint8_t>>(args, std::move(shape), reduction);
    case DLC_I32:
      return std::make_unique<ReducePlain<int32_t>>(args, std::move(shape), reduction);
    case DLC_I64:
      return std::make_unique<ReducePlain<int64_t>>(args, std::move(shape), reduction);
    default:
      throw Failure(DLC_UNSUPPORTED, "no reduction of this dtype");
  }
}

}  // namespace

std::unique_ptr<Kernel> make_reduce_sum(const KernelArgs &args) {
  return make_reduce(args, Reduction::sum);
}
std::unique_ptr<Kernel> make_reduce_max(const KernelArgs &args) {
  return make_reduce(args, Reduction::max);
}
std::unique_ptr<Kernel> make_reduce_min(const KernelArgs &args) {
  return make_reduce(args, Reduction::min);
}
std::unique_ptr<Kernel> make_reduce_prod(const KernelArgs &args) {
  return make_reduce(args, Reduction::prod);
}

}  // namespace dlc
