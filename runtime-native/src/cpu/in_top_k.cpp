// in_top_k(logits, labels): whether fewer than k classes stand before the label: those with a greater logit, NaN, or an
// equal logit and a lower index. A label that is no class, or whose own logit is NaN, is not.
#include <cmath>

#include "../kernel.h"
#include "softmax_labels.h"
#include "softmax_view.h"

namespace dlc {
namespace {

class InTopK final : public Kernel {
 public:
  explicit InTopK(const KernelArgs &args) : pool_(args.pool) {
    require(args.inputs.size() == 2 && args.outputs.size() == 1, "in_top_k takes two inputs, gives one output");
    const Tensor &logits = args.inputs[0], &y = args.outputs[0];
    require(logits.dtype == DLC_F32 && y.dtype == DLC_BOOL, "in_top_k: wrong types");
    view_ = SoftmaxView(logits, args.attrs);
    labels_ = Labels(args.inputs[1], view_.without_axis);
    require(y.shape == view_.without_axis, "in_top_k: wrong output shape");
    k_ = args.attrs.integer("k");
    y_ = y.as<uint8_t>();
  }

  dlc_status run(RunContext &) override {
    view_.each(pool_, [&](const Lines &lines, int64_t, int64_t first, float *) {
      for (int j = 0; j < lines.count; ++j) y_[first + j] = is_in(lines, j, labels_.at(first + j));
    });
    return DLC_OK;
  }

 private:
  bool is_in(const Lines &lines, int j, int64_t label) const {
    if (label < 0 || label >= lines.classes) return false;
    const float *const x = static_cast<const float *>(lines.x) + j;
    const float own = x[label * lines.step];
    int64_t before = 0;
    for (int64_t c = 0; c < lines.classes; ++c) {
      const float other = x[c * lines.step];
      const bool behind = other < own || (other == own && c >= label);
      before += !behind && c != label;
    }
    return before < k_ && !std::isnan(own);
  }

  ThreadPool &pool_;
  SoftmaxView view_;
  Labels labels_;
  int64_t k_ = 1;
  uint8_t *y_ = nullptr;
};

}  // namespace

std::unique_ptr<Kernel> make_in_top_k(const KernelArgs &args) {
  return std::make_unique<InTopK>(args);
}

}  // namespace dlc
