// softmax_cross_entropy(logits, labels, class_weights?) -> (loss, weight) and its gradient. With p = softmax, w the
// class weights (1 without), l the label, s the smoothing, W the sum of w over all C classes:
//   loss    = (1-s) w[l] (-log p[l]) + s/C sum of w[c] (-log p[c])
//   dlogits = dloss (p[c] ((1-s) w[l] + s W / C) - w[c] s/C - (1-s) w[l] [c = l])
// Logits and dlogits are f32 or bf16, all else is f32; dlogits may be the logits' memory.
#include <cmath>

#include "../kernel.h"
#include "softmax_labels.h"
#include "softmax_view.h"

namespace dlc {
namespace {

// What the loss and its gradient share.
class CrossEntropy : public Kernel {
 protected:
  CrossEntropy(const KernelArgs &args, size_t weights_at) : pool_(args.pool) {
    require(args.inputs.size() == weights_at || args.inputs.size() == weights_at + 1,
            "softmax_cross_entropy: wrong number of inputs");
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
  }

  bool is_ignored(int64_t label) const { return ignores_ && label == ignored_; }
  bool is_class(int64_t label) const { return label >= 0 && label < view_.classes; }
  float weight_of(int64_t c) const { return weights_ != nullptr ? weights_[c] : 1.0f; }

  ThreadPool &pool_;
  SoftmaxView view_;
  Labels labels_;
  decltype(&baseline::line_sums) sums_ = DLC_DISPATCH(line_sums);
  const float *weights_ = nullptr;
  bool ignores_ = false;
  int64_t ignored_ = 0;
  double smoothing_ = 0;
};

class Loss final : public CrossEntropy {
 public:
  explicit Loss(const KernelArgs &args) : CrossEntropy(args, 2) {
    require(args.outputs.size() == 2, "softmax_cross_entropy has two outputs");
    for (const Tensor &output : args.outputs) {
      require(output.data == nullptr || (output.dtype == DLC_F32 && output.shape == view_.without_axis),
              "softmax_cross_entropy: wrong output");
    }
    loss_ = args.outputs[0].as<float>();
    weight_ = args.outputs[1].as<float>();
  }

  dlc_status run(RunContext &context) override {
    StrayLabel stray;
    view_.each(pool_, [&](const Lines &lines, int64_t, int64_t first) {
      float most[kMostLines], sums[kMostLines];
      sums_(lines, most, sums);
      for (int j = 0; j < lines.count; ++j) run_line(lines, j, first + j, most[j] + std::log(sums[j]), stray);
    });
    return stray.report(labels_, view_.classes, context);
  }

 private:
  // offset = log of the sum of exp(logits)
  void run_line(const Lines &lines, int j, int64_t line, float offset, StrayLabel &stray) const {
    const int64_t label = labels_.at(line);
    float loss = 0, weight = 0;
    if (is_class(label) && !is_ignored(label)) {
      weight = weight_of(label);
      const double sharp = static_cast<double>(weight) * (offset - lines.at(label * lines.step + j));
      double smooth = 0;
      if (smoothing_ != 0) {
        for (int64_t c = 0; c < lines.classes; ++c) {
          smooth += static_cast<double>(weight_of(c)) * (offset - lines.at(c * lines.step + j));
        }
      }
      loss = static_cast<float>((1 - smoothing_) * sharp + smoothing_ / static_cast<double>(lines.classes) * smooth);
    } else if (!is_ignored(label)) {
      stray.note(line);
    }
    if (loss_ != nullptr) loss_[line] = loss;
    if (weight_ != nullptr) weight_[line] = weight;
  }

  float *loss_ = nullptr, *weight_ = nullptr;
};

class LossGrad final : public CrossEntropy {
 public:
  explicit LossGrad(const KernelArgs &args) : CrossEntropy(args, 3) {
    const Tensor &dloss = args.inputs[2];
    require(dloss.dtype == DLC_F32 && dloss.shape == view_.without_axis, "softmax_cross_entropy_grad: wrong gradient");
    require(args.outputs.size() == 1, "softmax_cross_entropy_grad has one output");
    const Tensor &dlogits = args.outputs[0];
    require(dlogits.dtype == args.inputs[0].dtype && dlogits.shape == args.inputs[0].shape,
            "softmax_cross_entropy_grad: wrong output");
    dloss_ = dloss.as<float>();
    dlogits_ = dlogits.as<std::byte>();
  }

  dlc_status run(RunContext &context) override {
    double total_weight = static_cast<double>(view_.classes);
    if (weights_ != nullptr) {
      total_weight = 0;
      for (int64_t c = 0; c < view_.classes; ++c) total_weight += weights_[c];
    }
    const double share = smoothing_ / static_cast<double>(view_.classes);
    StrayLabel stray;
    view_.each(pool_, [&](const Lines &lines, int64_t at, int64_t first) {
      float most[kMostLines], factors[kMostLines], shares[kMostLines], own_class[kMostLines];
      sums_(lines, most, factors);
      for (int j = 0; j < lines.count; ++j) {
        const int64_t label = labels_.at(first + j);
        const bool counts = is_class(label) && !is_ignored(label);
        if (!counts && !is_ignored(label)) stray.note(first + j);
        const double dloss = counts ? dloss_[first + j] : 0;
        const double own = counts ? (1 - smoothing_) * weight_of(label) : 0;
        factors[j] = static_cast<float>(counts ? dloss * (own + share * total_weight) / factors[j] : 0);
        shares[j] = static_cast<float>(dloss * share);
        // Before anything is rounded, and while the logits are still there.
        if (!counts) continue;
        const float p = std::exp(lines.at(label * lines.step + j) - most[j]);
        own_class[j] = p * factors[j] - weight_of(label) * shares[j] - static_cast<float>(dloss * own);
      }
      exponentials_(lines, most, factors, weights_, shares, view_.place(dlogits_, at));
      for (int j = 0; j < lines.count; ++j) finish_line(lines, first + j, own_class[j], at + j);
    });
    return stray.report(labels_, view_.classes, context);
  }

 private:
  void finish_line(const Lines &lines, int64_t line, float own_class, int64_t at) const {
    const int64_t label = labels_.at(line);
    if (is_class(label) && !is_ignored(label)) {
      store(at + label * lines.step, own_class);
      return;
    }
    // Also where its logits are not finite.
    for (int64_t c = 0; c < lines.classes; ++c) store(at + c * lines.step, 0);
  }
  void store(int64_t at, float value) const {
    if (view_.narrow) {
      reinterpret_cast<Bf16 *>(dlogits_)[at] = Bf16::of(value);
    } else {
      reinterpret_cast<float *>(dlogits_)[at] = value;
    }
  }

  decltype(&baseline::exponentials) exponentials_ = DLC_DISPATCH(exponentials);
  const float *dloss_ = nullptr;
  std::byte *dlogits_ = nullptr;
};

}  // namespace

std::unique_ptr<Kernel> make_softmax_cross_entropy(const KernelArgs &args) {
  return std::make_unique<Loss>(args);
}
std::unique_ptr<Kernel> make_softmax_cross_entropy_grad(const KernelArgs &args) {
  return std::make_unique<LossGrad>(args);
}

}  // namespace dlc
