// softmax_cross_entropy(logits, labels, class_weights?) -> (loss, weight), its gradient, and both in one go. With
// p = softmax, w the class weights (1 without), l the label, s the smoothing, W the sum of w over all C classes:
//   loss    = (1-s) w[l] (-log p[l]) + s/C sum of w[c] (-log p[c])
//   dlogits = dloss (p[c] ((1-s) w[l] + s W / C) - w[c] s/C - (1-s) w[l] [c = l])
// Logits and dlogits are f32 or bf16, all else is f32; dlogits may be the logits' memory.
#include <cmath>

#include "../kernel.h"
#include "softmax_labels.h"
#include "softmax_view.h"

namespace dlc {
namespace {

class CrossEntropy final : public Kernel {
 public:
  // Class weights are the last input, behind the gradient of the loss if there is one.
  CrossEntropy(const KernelArgs &args, bool has_loss, bool has_gradient) : pool_(args.pool) {
    const size_t weights_at = has_gradient ? 3 : 2, outputs = (has_loss ? 2 : 0) + (has_gradient ? 1 : 0);
    require(args.inputs.size() == weights_at || args.inputs.size() == weights_at + 1,
            "softmax_cross_entropy: wrong number of inputs");
    require(args.outputs.size() == outputs, "softmax_cross_entropy: wrong number of outputs");
    const Tensor &logits = args.inputs[0];
    view_ = SoftmaxView(logits, args.attrs);
    require(view_.classes >= 1, "softmax_cross_entropy: no classes");
    labels_ = Labels(args.inputs[1], view_.without_axis);
    if (args.inputs.size() > weights_at) {
      const Tensor &weights = args.inputs[weights_at];
      require(weights.dtype == DLC_F32 && weights.shape == std::vector<int64_t>{view_.classes},
              "softmax_cross_entropy: one weight for each class");
      weights_ = weights.as<float>();
    }
    ignores_ = args.attrs.has("ignore_index");
    if (ignores_) ignored_ = args.attrs.integer("ignore_index");
    smoothing_ = args.attrs.number("label_smoothing", 0);
    if (has_loss) {
      loss_ = line_output(args.outputs[0]);
      weight_ = line_output(args.outputs[1]);
    }
    if (!has_gradient) return;
    const Tensor &dloss = args.inputs[2], &dlogits = args.outputs.back();
    require(dloss.dtype == DLC_F32 && dloss.shape == view_.without_axis, "softmax_cross_entropy: wrong gradient");
    require(!dlogits.data || (dlogits.dtype == logits.dtype && dlogits.shape == logits.shape),
            "softmax_cross_entropy: wrong gradient of the logits");
    dloss_ = dloss.as<float>();
    dlogits_ = dlogits.as<std::byte>();
  }

  dlc_status run(RunContext &context) override {
    double total_weight = static_cast<double>(view_.classes);
    if (weights_ != nullptr && dlogits_ != nullptr) {
      total_weight = 0;
      for (int64_t c = 0; c < view_.classes; ++c) total_weight += weights_[c];
    }
    StrayLabel stray;
    view_.each(pool_, [&](const Lines &lines, int64_t at, int64_t first, float *scratch) {
      float most[kMostLines], sums[kMostLines];
      if (dlogits_ != nullptr && scratch != nullptr) {
        exponentials_(lines, most, sums, scratch);
      } else {
        sums_(lines, most, sums);
      }
      for (int j = 0; j < lines.count; ++j) {
        const int64_t label = labels_.at(first + j);
        if (!is_class(label) && !is_ignored(label)) stray.note(first + j);
        if (loss_ != nullptr) loss_[first + j] = loss_of(lines, j, label, most[j] + std::log(sums[j]));
        if (weight_ != nullptr) weight_[first + j] = counts(label) ? weight_of(label) : 0;
      }
      if (dlogits_ != nullptr) write_gradient(lines, at, first, most, sums, total_weight, scratch);
    });
    return stray.report(labels_, view_.classes, context);
  }

 private:
  float *line_output(const Tensor &output) const {
    require(!output.data || (output.dtype == DLC_F32 && output.shape == view_.without_axis),
            "softmax_cross_entropy: wrong output");
    return output.as<float>();
  }

  bool is_ignored(int64_t label) const { return ignores_ && label == ignored_; }
  bool is_class(int64_t label) const { return label >= 0 && label < view_.classes; }
  bool counts(int64_t label) const { return is_class(label) && !is_ignored(label); }
  float weight_of(int64_t c) const { return weights_ != nullptr ? weights_[c] : 1.0f; }

  // offset = log of the sum of exp(logits)
  float loss_of(const Lines &lines, int j, int64_t label, float offset) const {
    if (!counts(label)) return 0;
    const double sharp = static_cast<double>(weight_of(label)) * (offset - lines.at(label * lines.step + j));
    double smooth = 0;
    if (smoothing_ != 0) {
      for (int64_t c = 0; c < lines.classes; ++c) {
        smooth += static_cast<double>(weight_of(c)) * (offset - lines.at(c * lines.step + j));
      }
    }
    return static_cast<float>((1 - smoothing_) * sharp + smoothing_ / static_cast<double>(lines.classes) * smooth);
  }

  // `e` holds the exponentials, or is null where they did not fit.
  void write_gradient(const Lines &lines, int64_t at, int64_t first, const float *most, const float *sums,
                      double total_weight, const float *e) const {
    float factors[kMostLines], shares[kMostLines], own_class[kMostLines] = {};
    const double share = smoothing_ / static_cast<double>(view_.classes);
    for (int j = 0; j < lines.count; ++j) {
      const int64_t label = labels_.at(first + j);
      factors[j] = shares[j] = 0;
      if (!counts(label)) continue;
      const double dloss = dloss_[first + j], own = (1 - smoothing_) * weight_of(label);
      factors[j] = static_cast<float>(dloss * (own + share * total_weight) / sums[j]);
      shares[j] = static_cast<float>(dloss * share);
      // Before anything is rounded, and while the logits are still there.
      const float p = std::exp(lines.at(label * lines.step + j) - most[j]);
      own_class[j] = p * factors[j] - weight_of(label) * shares[j] - static_cast<float>(dloss * own);
    }
    if (e != nullptr) {
      scale_(lines, e, factors, weights_, shares, view_.place(dlogits_, at));
    } else {
      again_(lines, most, factors, weights_, shares, view_.place(dlogits_, at));
    }
    for (int j = 0; j < lines.count; ++j) {
      const int64_t label = labels_.at(first + j);
      if (counts(label)) {
        store(at + label * lines.step + j, own_class[j]);
      } else {
        // Also where its logits are not finite.
        for (int64_t c = 0; c < lines.classes; ++c) store(at + c * lines.step + j, 0);
      }
    }
  }

  void store(int64_t at, float value) const {
    if (view_.narrow) {
      reinterpret_cast<Bf16 *>(dlogits_)[at] = Bf16::of(value);
    } else {
      reinterpret_cast<float *>(dlogits_)[at] = value;
    }
  }

  ThreadPool &pool_;
  SoftmaxView view_;
  Labels labels_;
  decltype(&baseline::line_sums) sums_ = DLC_DISPATCH(line_sums);
  decltype(&baseline::line_exponentials) exponentials_ = DLC_DISPATCH(line_exponentials);
  decltype(&baseline::scale_exponentials) scale_ = DLC_DISPATCH(scale_exponentials);
  decltype(&baseline::exponentials) again_ = DLC_DISPATCH(exponentials);
  const float *weights_ = nullptr, *dloss_ = nullptr;
  float *loss_ = nullptr, *weight_ = nullptr;
  std::byte *dlogits_ = nullptr;
  bool ignores_ = false;
  int64_t ignored_ = 0;
  double smoothing_ = 0;
};

}  // namespace

std::unique_ptr<Kernel> make_softmax_cross_entropy(const KernelArgs &args) {
  return std::make_unique<CrossEntropy>(args, true, false);
}
std::unique_ptr<Kernel> make_softmax_cross_entropy_grad(const KernelArgs &args) {
  return std::make_unique<CrossEntropy>(args, false, true);
}
std::unique_ptr<Kernel> make_fused_cross_entropy(const KernelArgs &args) {
  return std::make_unique<CrossEntropy>(args, true, true);
}

}  // namespace dlc
