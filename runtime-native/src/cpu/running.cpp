// cumsum(x), cumprod(x) and linear_recurrence(a, b): what is carried on along an axis, in double (integers: in 64 bits,
// wrapping). A tensor is seen as [outer, extent, inner] around the axis. The output may lie on an input.
#include <algorithm>
#include <type_traits>

#include "../kernel.h"

namespace dlc {
namespace {

// Neighbouring lines of one task: they are read together, row by row.
constexpr int64_t kLines = 64;
constexpr int64_t kTaskElements = 16384;

template <typename T>
using Wide = std::conditional_t<std::is_integral_v<T>, uint64_t, double>;

struct Sum {
  static constexpr int start = 0;
  template <typename W>
  static W combine(W carried, W x) {
    return carried + x;
  }
};
struct Product {
  static constexpr int start = 1;
  template <typename W>
  static W combine(W carried, W x) {
    return carried * x;
  }
};

// The lines of a tensor along an axis, and the way through them.
struct Run {
  int64_t outer = 1, extent = 1, inner = 1;
  bool reverse = false;

  Run(const Tensor &x, const Attrs &attrs) : reverse(attrs.boolean("reverse")) {
    const int64_t axis = attrs.integer("axis");
    require(axis >= 0 && axis < x.rank(), "the axis is outside the input");
    for (int64_t i = 0; i < x.rank(); ++i)
      (i < axis ? outer : i > axis ? inner : extent) *= x.shape[static_cast<size_t>(i)];
  }

  // Calls f(first row of some lines side by side, step to the next row, number of lines), in parallel.
  template <typename F>
  void each(ThreadPool &pool, F f) const {
    const int64_t tiles = (inner + kLines - 1) / kLines, parts = outer * tiles;
    const int64_t work = std::max<int64_t>(1, extent * std::min(inner, kLines));
    const int64_t per_task = std::max<int64_t>(1, kTaskElements / work);
    const int64_t last = reverse ? (extent - 1) * inner : 0;
    if (extent == 0) return;
    pool.parallel((parts + per_task - 1) / per_task, [&](int64_t task, int) {
      for (int64_t part = task * per_task; part < std::min(parts, (task + 1) * per_task); ++part) {
        const int64_t begin = part % tiles * kLines;
        f(part / tiles * extent * inner + begin + last, reverse ? -inner : inner, std::min(kLines, inner - begin));
      }
    });
  }
};

template <typename T, typename Op>
class Cumulative final : public Kernel {
 public:
  Cumulative(const KernelArgs &args, const Run &run, bool exclusive)
      : pool_(args.pool), run_(run), exclusive_(exclusive), x_(args.inputs[0].as<T>()), y_(args.outputs[0].as<T>()) {}

  dlc_status run(RunContext &) override {
    if (!y_) return DLC_OK;
    run_.each(pool_, [this](int64_t start, int64_t step, int64_t lines) {
      Wide<T> carried[kLines];
      std::fill_n(carried, kLines, static_cast<Wide<T>>(Op::start));
      for (int64_t k = 0; k < run_.extent; ++k, start += step) {
        if (exclusive_)
          row<true>(x_ + start, y_ + start, carried, lines);
        else
          row<false>(x_ + start, y_ + start, carried, lines);
      }
    });
    return DLC_OK;
  }

 private:
  template <bool exclusive>
  static void row(const T *x, T *y, Wide<T> *carried, int64_t lines) {
    // x and y are the same memory or apart, so no element depends on another.
#pragma GCC ivdep
    for (int64_t j = 0; j < lines; ++j) {
      const Wide<T> before = carried[j];
      carried[j] = Op::combine(before, static_cast<Wide<T>>(x[j]));
      y[j] = static_cast<T>(exclusive ? before : carried[j]);
    }
  }

  ThreadPool &pool_;
  Run run_;
  bool exclusive_;
  const T *x_;
  T *y_;
};

class LinearRecurrence final : public Kernel {
 public:
  LinearRecurrence(const KernelArgs &args, const Run &run)
      : pool_(args.pool),
        run_(run),
        a_(args.inputs[0].as<float>()),
        b_(args.inputs[1].as<float>()),
        y_(args.outputs[0].as<float>()) {}

  dlc_status run(RunContext &) override {
    if (!y_) return DLC_OK;
    run_.each(pool_, [this](int64_t start, int64_t step, int64_t lines) {
      double carried[kLines];
      for (int64_t j = 0; j < lines; ++j) y_[start + j] = b_[start + j];
      for (int64_t j = 0; j < lines; ++j) carried[j] = static_cast<double>(y_[start + j]);
      for (int64_t k = 1; k < run_.extent; ++k) {
        start += step;
        const float *const a = a_ + start, *const b = b_ + start;
        float *const y = y_ + start;
#pragma GCC ivdep
        for (int64_t j = 0; j < lines; ++j) {
          carried[j] = static_cast<double>(a[j]) * carried[j] + static_cast<double>(b[j]);
          y[j] = static_cast<float>(carried[j]);
        }
      }
    });
    return DLC_OK;
  }

 private:
  ThreadPool &pool_;
  Run run_;
  const float *a_, *b_;
  float *y_;
};

template <typename Op>
std::unique_ptr<Kernel> make_cumulative(const KernelArgs &args) {
  require(args.inputs.size() == 1 && args.outputs.size() == 1, "a running total takes one input, gives one output");
  const Tensor &x = args.inputs[0], &y = args.outputs[0];
  const Run run(x, args.attrs);
  const bool exclusive = args.attrs.boolean("exclusive");
  require(!y.data || (y.dtype == x.dtype && y.shape == x.shape), "a running total's output is of another type");
  switch (x.dtype) {
    case DLC_F32:
      return std::make_unique<Cumulative<float, Op>>(args, run, exclusive);
    case DLC_F64:
      return std::make_unique<Cumulative<double, Op>>(args, run, exclusive);
    case DLC_U8:
      return std::make_unique<Cumulative<uint8_t, Op>>(args, run, exclusive);
    case DLC_I32:
      return std::make_unique<Cumulative<int32_t, Op>>(args, run, exclusive);
    case DLC_I64:
      return std::make_unique<Cumulative<int64_t, Op>>(args, run, exclusive);
    default:
      throw Failure(DLC_UNSUPPORTED, "no running total of this dtype");
  }
}

}  // namespace

std::unique_ptr<Kernel> make_cumsum(const KernelArgs &args) {
  return make_cumulative<Sum>(args);
}

std::unique_ptr<Kernel> make_cumprod(const KernelArgs &args) {
  return make_cumulative<Product>(args);
}

std::unique_ptr<Kernel> make_linear_recurrence(const KernelArgs &args) {
  require(args.inputs.size() == 2 && args.outputs.size() == 1, "linear_recurrence takes two inputs, gives one output");
  const Tensor &a = args.inputs[0], &b = args.inputs[1], &y = args.outputs[0];
  require(a.dtype == DLC_F32 && b.dtype == DLC_F32, "linear_recurrence is for f32");
  require(b.shape == a.shape, "linear_recurrence: the shapes of the inputs differ");
  require(!y.data || (y.dtype == DLC_F32 && y.shape == a.shape), "linear_recurrence: wrong output");
  return std::make_unique<LinearRecurrence>(args, Run(a, args.attrs));
}

}  // namespace dlc
