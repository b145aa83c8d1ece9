// norm(x) -> y, a scalar: the root of the sum of squares. Each task sums the squares of so many elements in double; the
// sums are added in order.
#include <algorithm>
#include <cmath>

#include "../kernel.h"
#include "float_runs.h"
#include "norm_rows.h"

namespace dlc {
namespace {

// compiler/ops/norm.ts reserves a double for each.
constexpr int64_t kChunk = 32768;

class Norm final : public Kernel {
 public:
  explicit Norm(const KernelArgs &args)
      : pool_(args.pool),
        x_(args.inputs[0]),
        y_(args.outputs[0].as<float>()),
        sums_(reinterpret_cast<double *>(args.workspace.data())),
        elements_(args.inputs[0].elements()) {}

  dlc_status run(RunContext &) override {
    if (!y_) return DLC_OK;
    const int64_t tasks = (elements_ + kChunk - 1) / kChunk;
    pool_.parallel(tasks, [this](int64_t task, int lane) {
      const int64_t begin = task * kChunk, count = std::min(kChunk, elements_ - begin);
      const float *const x = x_.read(begin, count, reinterpret_cast<float *>(pool_.scratch(lane)));
      sums_[task] = DLC_DISPATCH(sum_of_squares)(x, count);
    });
    double sum = 0;
    for (int64_t task = 0; task < tasks; ++task) sum += sums_[task];
    *y_ = static_cast<float>(std::sqrt(sum));
    return DLC_OK;
  }

 private:
  ThreadPool &pool_;
  FloatSource x_;
  float *y_;
  double *sums_;
  int64_t elements_;
};

}  // namespace

std::unique_ptr<Kernel> make_norm(const KernelArgs &args) {
  require(args.inputs.size() == 1 && args.outputs.size() == 1, "norm takes one input and one output");
  const Tensor &x = args.inputs[0];
  const Tensor &y = args.outputs[0];
  require(is_f32_or_bf16(x), "norm takes f32 or bf16");
  require(!y.data || (y.dtype == DLC_F32 && y.rank() == 0), "norm: the output is no f32 scalar");
  const int64_t tasks = (x.elements() + kChunk - 1) / kChunk;
  require(static_cast<int64_t>(args.workspace.size()) >= tasks * 8, "norm: the workspace is too small");
  return std::make_unique<Norm>(args);
}

}  // namespace dlc
