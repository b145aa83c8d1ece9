// layer_norm(x, gamma?, beta?) -> (y, mean, rstd) and layer_norm_grad(dy, x, mean, rstd, gamma?) -> (dx, dgamma,
// dbeta): rows of `width` neighbouring elements. A row's statistics are summed in float over runs and in double across
// them. Sums over rows are cut into slices by shapes alone and added in order. y may be x's memory, dx may be dy's.
// What is stored as bf16 is widened and narrowed by runs; parameters and statistics are f32.
#include <algorithm>
#include <cmath>

#include "../kernel.h"
#include "float_runs.h"
#include "layer_norm_rows.h"

namespace dlc {
namespace {

// A run's sums are float; longer rows are cut.
constexpr int64_t kRun = 4096;
// compiler/ops/families/rows.ts reserves the workspace by the same rule.
constexpr int64_t kMostSlices = 32;
constexpr int64_t kSliceElements = 16384;
constexpr int64_t kPartialFloats = int64_t{1} << 20;
// Columns of partial sums that one task adds up.
constexpr int64_t kTaskColumns = 1024;

struct Rows {
  int64_t rows = 1, width = 1;
  double epsilon = 0;
  bool center = true;
  std::vector<int64_t> outer, inner;

  Rows(const Tensor &x, const Attrs &attrs) : epsilon(attrs.number("epsilon")), center(attrs.boolean("center")) {
    const int64_t axis = attrs.integer("axis");
    require(is_f32_or_bf16(x), "layer_norm is for f32 and bf16");
    require(axis >= 0 && axis < x.rank(), "layer_norm: no such axis");
    require(epsilon >= 0, "layer_norm: epsilon out of range");
    for (int64_t i = 0; i < x.rank(); ++i) {
      const int64_t extent = x.shape[static_cast<size_t>(i)];
      (i < axis ? outer : inner).push_back(extent);
      (i < axis ? rows : width) *= extent;
    }
    require(width >= 1, "layer_norm: empty rows");
  }
  int64_t slices() const {
    const int64_t most = std::min({kMostSlices, rows, std::max<int64_t>(1, kPartialFloats / width)});
    const int64_t wanted = (rows * width + kSliceElements - 1) / kSliceElements;
    return std::max<int64_t>(1, std::min(most, wanted));
  }
  // Calls f(first column, count) for the runs of a row in order.
  template <typename F>
  void each_run(F f) const {
    for (int64_t at = 0; at < width; at += kRun) f(at, std::min(kRun, width - at));
  }
  // Calls f(row, lane) for all rows, in parallel.
  template <typename F>
  void each_row(ThreadPool &pool, F f) const {
    const int64_t group = std::max<int64_t>(1, kSliceElements / width);
    pool.parallel((rows + group - 1) / group, [&](int64_t task, int lane) {
      for (int64_t row = task * group; row < std::min(rows, (task + 1) * group); ++row) f(row, lane);
    });
  }
};

void require_floats(const Tensor &t, const std::vector<int64_t> &shape, bool optional) {
  if (optional && t.data == nullptr) return;
  require(t.dtype == DLC_F32 && t.shape == shape, "layer_norm: wrong type or shape");
}

// A row's parameters from a column on; null stays null.
const float *from(const float *parameters, int64_t at) {
  return parameters == nullptr ? nullptr : parameters + at;
}

// An output like x, or x's gradient.
void require_like(const Tensor &y, const Tensor &x) {
  require(y.data == nullptr || (y.dtype == x.dtype && y.shape == x.shape), "layer_norm: wrong type or shape");
}

class LayerNorm final : public Kernel {
 public:
  explicit LayerNorm(const KernelArgs &args) : pool_(args.pool), view_(input(args), args.attrs) {
    for (size_t i = 1; i < args.inputs.size(); ++i) require_floats(args.inputs[i], view_.inner, false);
    require_like(args.outputs[0], args.inputs[0]);
    require_floats(args.outputs[1], view_.outer, true);
    require_floats(args.outputs[2], view_.outer, true);
    x_ = FloatSource(args.inputs[0]);
    gamma_ = args.inputs.size() > 1 ? args.inputs[1].as<float>() : nullptr;
    beta_ = args.inputs.size() > 2 ? args.inputs[2].as<float>() : nullptr;
    y_ = FloatSink(args.outputs[0]);
    mean_ = args.outputs[1].as<float>();
    rstd_ = args.outputs[2].as<float>();
  }

  dlc_status run(RunContext &) override {
    view_.each_row(pool_, [&](int64_t row, int lane) { run_row(row, reinterpret_cast<float *>(pool_.scratch(lane))); });
    return DLC_OK;
  }

 private:
  static const Tensor &input(const KernelArgs &args) {
    require(!args.inputs.empty() && args.inputs.size() <= 3 && args.outputs.size() == 3,
            "layer_norm has one to three inputs, three outputs");
    return args.inputs[0];
  }

  // Chan's combination of the moments of consecutive runs.
  struct Total {
    double count = 0, mean = 0, squares = 0;
    void add(const Moments &run, int64_t run_count) {
      const double n = static_cast<double>(run_count), run_mean = run.sum / n, both = count + n;
      const double delta = run_mean - mean;
      mean += delta * n / both;
      squares += run.squares + delta * delta * count * n / both;
      count = both;
    }
  };

  void run_row(int64_t row, float *scratch) const {
    const int64_t start = row * view_.width;
    const float *x = nullptr;
    Total total;
    view_.each_run([&](int64_t at, int64_t count) {
      x = x_.read(start + at, count, scratch);
      if (view_.center) {
        total.add(moments_(x, count), count);
      } else {
        total.squares += squares_(x, count);
      }
    });
    const float mean = static_cast<float>(total.mean);
    const float rstd =
        static_cast<float>(1 / std::sqrt(total.squares / static_cast<double>(view_.width) + view_.epsilon));
    if (mean_ != nullptr) mean_[row] = mean;
    if (rstd_ != nullptr) rstd_[row] = rstd;
    if (!y_.is_wanted()) return;
    view_.each_run([&](int64_t at, int64_t count) {
      // A row of one run has been read.
      if (count < view_.width) x = x_.read(start + at, count, scratch);
      float *const y = y_.place(start + at, scratch);
      normalize_(x, mean, rstd, from(gamma_, at), from(beta_, at), count, y);
      y_.written(start + at, count, y);
    });
  }

  ThreadPool &pool_;
  Rows view_;
  decltype(&baseline::row_moments) moments_ = DLC_DISPATCH(row_moments);
  decltype(&baseline::squares_of) squares_ = DLC_DISPATCH(squares_of);
  decltype(&baseline::normalize_row) normalize_ = DLC_DISPATCH(normalize_row);
  FloatSource x_;
  FloatSink y_;
  const float *gamma_ = nullptr, *beta_ = nullptr;
  float *mean_ = nullptr, *rstd_ = nullptr;
};

class LayerNormGrad final : public Kernel {
 public:
  explicit LayerNormGrad(const KernelArgs &args) : pool_(args.pool), view_(input(args), args.attrs) {
    const Tensor &x = args.inputs[1];
    require(args.inputs[0].data != nullptr, "layer_norm_grad: no gradient");
    require_like(args.inputs[0], x);
    require_floats(args.inputs[2], view_.outer, false);
    require_floats(args.inputs[3], view_.outer, false);
    require_like(args.outputs[0], x);
    dy_ = FloatSource(args.inputs[0]);
    x_ = FloatSource(x);
    mean_ = args.inputs[2].as<float>();
    rstd_ = args.inputs[3].as<float>();
    dx_ = FloatSink(args.outputs[0]);
    if (args.inputs.size() < 5) return;
    require_floats(args.inputs[4], view_.inner, false);
    require_floats(args.outputs[1], view_.inner, true);
    require_floats(args.outputs[2], view_.inner, true);
    gamma_ = args.inputs[4].as<float>();
    dgamma_ = args.outputs[1].as<float>();
    dbeta_ = args.outputs[2].as<float>();
    require(args.workspace.size() >= static_cast<size_t>(2 * view_.slices() * view_.width) * sizeof(float),
            "layer_norm_grad: the plan reserves too little workspace");
    partial_ = reinterpret_cast<float *>(args.workspace.data());
  }

  dlc_status run(RunContext &) override {
    const auto scratch_of = [&](int lane) { return reinterpret_cast<float *>(pool_.scratch(lane)); };
    if (dgamma_ == nullptr && dbeta_ == nullptr) {
      view_.each_row(pool_, [&](int64_t row, int lane) { run_row(row, nullptr, scratch_of(lane)); });
      return DLC_OK;
    }
    const int64_t slices = view_.slices(), width = view_.width;
    pool_.parallel(slices, [&](int64_t slice, int lane) {
      float *sums = partial_ + slice * 2 * width;
      std::fill_n(sums, 2 * width, 0.0f);
      for (int64_t row = slice * view_.rows / slices; row < (slice + 1) * view_.rows / slices; ++row) {
        run_row(row, sums, scratch_of(lane));
      }
    });
    pool_.parallel((width + kTaskColumns - 1) / kTaskColumns, [&](int64_t task, int) {
      const int64_t first = task * kTaskColumns, count = std::min(kTaskColumns, width - first);
      for (int which = 0; which < 2; ++which) {
        float *to = which == 0 ? dgamma_ : dbeta_;
        if (to == nullptr) continue;
        std::copy_n(partial_ + which * width + first, count, to + first);
        for (int64_t slice = 1; slice < slices; ++slice) {
          add_row_(partial_ + (2 * slice + which) * width + first, count, to + first);
        }
      }
    });
    return DLC_OK;
  }

 private:
  static const Tensor &input(const KernelArgs &args) {
    require(
        (args.inputs.size() == 4 && args.outputs.size() == 1) || (args.inputs.size() == 5 && args.outputs.size() == 3),
        "layer_norm_grad has four inputs and one output, or five and three");
    return args.inputs[1];
  }

  // dx of a row, and its part of dgamma and dbeta if there are columns to add it to.
  void run_row(int64_t row, float *columns, float *scratch) const {
    const int64_t start = row * view_.width;
    const float mean = mean_[row], rstd = rstd_[row];
    const float *dy = nullptr, *x = nullptr;
    double sum = 0, product = 0;
    view_.each_run([&](int64_t at, int64_t count) {
      dy = dy_.read(start + at, count, scratch);
      x = x_.read(start + at, count, scratch + kRun);
      // Before dx, which may take the place of dy.
      if (columns != nullptr) add_columns_(dy, x, mean, rstd, count, columns + at, columns + view_.width + at);
      if (!dx_.is_wanted()) return;
      const GradSums sums = sums_(dy, x, from(gamma_, at), mean, count);
      sum += sums.dy;
      product += sums.product;
    });
    if (!dx_.is_wanted()) return;
    const double width = static_cast<double>(view_.width), r = rstd;
    const float a = view_.center ? static_cast<float>(sum / width) : 0.0f;
    const float b = static_cast<float>(product * r * r / width);
    view_.each_run([&](int64_t at, int64_t count) {
      // A row of one run has been read.
      if (count < view_.width) {
        dy = dy_.read(start + at, count, scratch);
        x = x_.read(start + at, count, scratch + kRun);
      }
      float *const dx = dx_.place(start + at, scratch);
      gradient_(dy, x, from(gamma_, at), mean, rstd, a, b, count, dx);
      dx_.written(start + at, count, dx);
    });
  }

  ThreadPool &pool_;
  Rows view_;
  decltype(&baseline::row_grad_sums) sums_ = DLC_DISPATCH(row_grad_sums);
  decltype(&baseline::add_columns) add_columns_ = DLC_DISPATCH(add_columns);
  decltype(&baseline::row_gradient) gradient_ = DLC_DISPATCH(row_gradient);
  decltype(&baseline::add_row) add_row_ = DLC_DISPATCH(add_row);
  FloatSource dy_, x_;
  FloatSink dx_;
  const float *mean_ = nullptr, *rstd_ = nullptr, *gamma_ = nullptr;
  float *dgamma_ = nullptr, *dbeta_ = nullptr, *partial_ = nullptr;
};

}  // namespace

std::unique_ptr<Kernel> make_layer_norm(const KernelArgs &args) {
  return std::make_unique<LayerNorm>(args);
}
std::unique_ptr<Kernel> make_layer_norm_grad(const KernelArgs &args) {
  return std::make_unique<LayerNormGrad>(args);
}

}  // namespace dlc
