// orthonormalize(x) -> y: the rows of a matrix made orthonormal by modified Gram-Schmidt, in double. Rows are taken in
// panels: those of a panel among each other, then all later rows against the panel while it is in the cache.
#include <algorithm>
#include <cmath>

#include "kernel.h"

namespace dlc {
namespace {

constexpr int64_t kPanel = 16;
constexpr int64_t kLanes = 8;
// Less than this share of a row is left where it depends on the rows before it.
constexpr double kDependent = 1e-12;

// In eight sums side by side, the same ones on every machine.
double dot(const double *a, const double *b, int64_t count) {
  double sums[kLanes] = {};
  int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes)
    for (int64_t lane = 0; lane < kLanes; ++lane) sums[lane] += a[i + lane] * b[i + lane];
  for (; i < count; ++i) sums[0] += a[i] * b[i];
  return ((sums[0] + sums[1]) + (sums[2] + sums[3])) + ((sums[4] + sums[5]) + (sums[6] + sums[7]));
}

class Orthonormalize final : public Kernel {
 public:
  Orthonormalize(const KernelArgs &args, const Tensor &x, const Tensor &y)
      : pool_(args.pool),
        x_(x.as<float>()),
        y_(y.as<float>()),
        rows_(x.shape[0]),
        columns_(x.shape[1]),
        work_(reinterpret_cast<double *>(args.workspace.data())) {}

  dlc_status run(RunContext &) override {
    if (!y_) return DLC_OK;
    std::copy_n(x_, rows_ * columns_, work_);
    for (int64_t begin = 0; begin < rows_; begin += kPanel) {
      const int64_t end = std::min(rows_, begin + kPanel);
      for (int64_t i = begin; i < end; ++i) finish(i, begin);
      pool_.parallel((rows_ - end + kPanel - 1) / kPanel, [&](int64_t task, int) {
        const int64_t first = end + task * kPanel;
        for (int64_t k = first; k < std::min(rows_, first + kPanel); ++k)
          for (int64_t j = begin; j < end; ++j) take(row(j), row(k));
      });
    }
    std::transform(work_, work_ + rows_ * columns_, y_, [](double value) { return static_cast<float>(value); });
    return DLC_OK;
  }

 private:
  double *row(int64_t i) const { return work_ + i * columns_; }

  // Row i has lost its parts along the rows before the panel.
  void finish(int64_t i, int64_t panel) const {
    double before = 0;
    for (int64_t k = 0; k < columns_; ++k) before += static_cast<double>(x_[i * columns_ + k]) * x_[i * columns_ + k];
    for (int64_t j = panel; j < i; ++j) take(row(j), row(i));
    const double length = std::sqrt(dot(row(i), row(i), columns_));
    const double scale = length > kDependent * std::sqrt(before) ? 1 / length : 0;
    for (int64_t k = 0; k < columns_; ++k) row(i)[k] *= scale;
  }

  void take(const double *along, double *from) const {
    const double part = dot(along, from, columns_);
    for (int64_t k = 0; k < columns_; ++k) from[k] -= part * along[k];
  }

  ThreadPool &pool_;
  const float *x_;
  float *y_;
  int64_t rows_, columns_;
  double *work_;
};

}  // namespace

std::unique_ptr<Kernel> make_orthonormalize(const KernelArgs &args) {
  require(args.inputs.size() == 1 && args.outputs.size() == 1, "orthonormalize takes one input and one output");
  const Tensor &x = args.inputs[0];
  const Tensor &y = args.outputs[0];
  require(x.dtype == DLC_F32 && x.rank() == 2, "orthonormalize takes a matrix of f32");
  require(!y.data || (y.dtype == DLC_F32 && y.shape == x.shape), "orthonormalize: the output is of another type");
  const auto bytes = static_cast<size_t>(x.elements()) * sizeof(double);
  require(args.workspace.size() >= bytes, "orthonormalize: the workspace is too small");
  return std::make_unique<Orthonormalize>(args, x, y);
}

}  // namespace dlc
