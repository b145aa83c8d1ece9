// ctc_loss(logits, labels, input_lengths, label_lengths) -> loss and its gradient: minus the log-probability of a label
// sequence over all its alignments. Labels become states with blanks around and between them; a path stays in its
// state, takes the next, or jumps over a blank between labels that differ. Sums over paths are kept as logarithms in
// double precision. A task is a sample.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>

#include "../kernel.h"
#include "softmax_labels.h"
#include "softmax_lines.h"

namespace dlc {
namespace {

constexpr double kNever = -std::numeric_limits<double>::infinity();

double log_sum(double a, double b, double c = kNever) {
  const double most = std::max(a, std::max(b, c));
  if (most == kNever) return most;
  return most + std::log(std::exp(a - most) + std::exp(b - most) + std::exp(c - most));
}

// What the loss and its gradient share.
class Ctc : public Kernel {
 protected:
  Ctc(const KernelArgs &args, size_t inputs, size_t workspace_of_sample) : pool_(args.pool) {
    require(args.inputs.size() == inputs && args.outputs.size() == 1, "ctc_loss: wrong number of tensors");
    const Tensor &logits = args.inputs[0], &labels = args.inputs[1];
    require(logits.dtype == DLC_F32 && logits.rank() == 3, "ctc_loss: the logits are f32 [N, T, C]");
    n_ = logits.shape[0];
    steps_ = logits.shape[1];
    classes_ = logits.shape[2];
    require(labels.rank() == 2 && labels.shape[0] == n_, "ctc_loss: the labels are [N, L]");
    width_ = labels.shape[1];
    labels_ = Labels(labels, labels.shape);
    input_lengths_ = Labels(args.inputs[2], {n_});
    label_lengths_ = Labels(args.inputs[3], {n_});
    blank_ = args.attrs.integer("blank");
    require(blank_ >= 0 && blank_ < classes_, "ctc_loss: the blank is no class");
    require(args.workspace.size() >= static_cast<size_t>(n_) * workspace_of_sample, "ctc_loss: too little workspace");
    logits_ = logits.as<float>();
    workspace_ = args.workspace.data();
  }

  static size_t states_of(const KernelArgs &args) {
    require(args.inputs.size() >= 2 && args.inputs[1].rank() == 2, "ctc_loss: the labels are [N, L]");
    return static_cast<size_t>(2 * args.inputs[1].shape[1] + 1);
  }
  static size_t steps_of(const KernelArgs &args) {
    require(args.inputs[0].rank() == 3, "ctc_loss: the logits are [N, T, C]");
    return static_cast<size_t>(args.inputs[0].shape[1]);
  }

  // Lengths and labels are data: they are looked at before anything is computed.
  dlc_status check(RunContext &context) const {
    for (int64_t i = 0; i < n_; ++i) {
      if (!check_length(input_lengths_.at(i), steps_, "input", i, context)) return DLC_DATA_ERROR;
      const int64_t count = label_lengths_.at(i);
      if (!check_length(count, width_, "label", i, context)) return DLC_DATA_ERROR;
      for (int64_t at = i * width_; at < i * width_ + count; ++at) {
        const int64_t label = labels_.at(at);
        if (label >= 0 && label < classes_ && label != blank_) continue;
        const bool is_blank = label == blank_;
        const int used = std::snprintf(context.message, sizeof context.message, "label %lld at position %lld is ",
                                       static_cast<long long>(label), static_cast<long long>(at));
        const size_t rest = sizeof context.message - static_cast<size_t>(used);
        if (is_blank) {
          std::snprintf(context.message + used, rest, "the blank");
        } else {
          std::snprintf(context.message + used, rest, "outside 0..%lld", static_cast<long long>(classes_ - 1));
        }
        return DLC_DATA_ERROR;
      }
    }
    return DLC_OK;
  }

  int64_t states(int64_t sample) const { return 2 * label_lengths_.at(sample) + 1; }
  int64_t class_of(int64_t sample, int64_t state) const {
    return state % 2 == 0 ? blank_ : labels_.at(sample * width_ + state / 2);
  }
  // Whether a path may come to the state from the one but one before.
  bool jumps(int64_t sample, int64_t state) const {
    return state % 2 == 1 && state >= 2 && class_of(sample, state) != class_of(sample, state - 2);
  }
  const float *frame(int64_t sample, int64_t t) const { return logits_ + (sample * steps_ + t) * classes_; }
  Lines line(int64_t sample, int64_t t) const { return Lines{frame(sample, t), false, classes_, 1, 1}; }

  // log of the sum of the exponentials of a frame's logits
  double offset(int64_t sample, int64_t t) const {
    float most, sum;
    sums_(line(sample, t), &most, &sum);
    return most + std::log(static_cast<double>(sum));
  }

  // Row t from row t - 1, in place of the row before that: log-probability of all beginnings that end in each state.
  void advance(int64_t sample, int64_t t, double offset, const double *before, double *row) const {
    const float *x = frame(sample, t);
    const int64_t count = states(sample);
    for (int64_t s = 0; s < count; ++s) {
      double reached = s < 2 ? 0 : kNever;
      if (t > 0) {
        reached = log_sum(before[s], s >= 1 ? before[s - 1] : kNever, jumps(sample, s) ? before[s - 2] : kNever);
      }
      row[s] = reached + (static_cast<double>(x[class_of(sample, s)]) - offset);
    }
  }

  // log-probability of the labels, from the last row of beginnings
  double evidence(int64_t sample, const double *row) const {
    const int64_t count = states(sample);
    if (input_lengths_.at(sample) == 0) return count == 1 ? 0 : kNever;
    return log_sum(row[count - 1], count >= 2 ? row[count - 2] : kNever);
  }

  ThreadPool &pool_;
  decltype(&baseline::line_sums) sums_ = DLC_DISPATCH(line_sums);
  int64_t n_ = 0, steps_ = 0, classes_ = 0, width_ = 0, blank_ = 0;
  Labels labels_, input_lengths_, label_lengths_;
  const float *logits_ = nullptr;
  std::byte *workspace_ = nullptr;

 private:
  static bool check_length(int64_t length, int64_t most, const char *what, int64_t sample, RunContext &context) {
    if (length >= 0 && length <= most) return true;
    std::snprintf(context.message, sizeof context.message, "%s length %lld of sample %lld is outside 0..%lld", what,
                  static_cast<long long>(length), static_cast<long long>(sample), static_cast<long long>(most));
    return false;
  }
};

class CtcLoss final : public Ctc {
 public:
  explicit CtcLoss(const KernelArgs &args) : Ctc(args, 4, 2 * states_of(args) * sizeof(double)) {
    const Tensor &loss = args.outputs[0];
    require(loss.data == nullptr || (loss.dtype == DLC_F32 && loss.shape == std::vector<int64_t>{n_}),
            "ctc_loss: wrong output");
    loss_ = loss.as<float>();
    zero_infinity_ = args.attrs.boolean("zero_infinity");
  }

  dlc_status run(RunContext &context) override {
    if (const dlc_status status = check(context); status != DLC_OK || loss_ == nullptr) return status;
    pool_.parallel(n_, [&](int64_t i, int) {
      const int64_t width = 2 * width_ + 1;
      double *row = reinterpret_cast<double *>(workspace_) + i * 2 * width, *next = row + width;
      for (int64_t t = 0; t < input_lengths_.at(i); ++t) {
        advance(i, t, offset(i, t), row, next);
        std::swap(row, next);
      }
      const double log = evidence(i, row);
      loss_[i] = static_cast<float>(zero_infinity_ && log == kNever ? 0 : -log);
    });
    return DLC_OK;
  }

 private:
  float *loss_ = nullptr;
  bool zero_infinity_ = false;
};

class CtcLossGrad final : public Ctc {
 public:
  explicit CtcLossGrad(const KernelArgs &args) : Ctc(args, 5, workspace_of(args)) {
    const Tensor &dloss = args.inputs[4], &dlogits = args.outputs[0];
    require(dloss.dtype == DLC_F32 && dloss.shape == std::vector<int64_t>{n_}, "ctc_loss_grad: wrong gradient");
    require(dlogits.dtype == DLC_F32 && dlogits.shape == args.inputs[0].shape, "ctc_loss_grad: wrong output");
    dloss_ = dloss.as<float>();
    dlogits_ = dlogits.as<float>();
  }

  dlc_status run(RunContext &context) override {
    if (const dlc_status status = check(context); status != DLC_OK || dlogits_ == nullptr) return status;
    pool_.parallel(n_, [&](int64_t i, int) { run_sample(i); });
    return DLC_OK;
  }

 private:
  static size_t workspace_of(const KernelArgs &args) {
    const size_t steps = steps_of(args), states = states_of(args);
    return sizeof(double) * (2 * steps + 2 * states) + sizeof(float) * steps * states;
  }

  void run_sample(int64_t i) const {
    const int64_t width = 2 * width_ + 1, frames = input_lengths_.at(i), count = states(i);
    // All doubles of all samples come first, so that the floats behind them cannot misalign any.
    double *doubles = reinterpret_cast<double *>(workspace_) + i * (2 * steps_ + 2 * width);
    double *offsets = doubles, *largest = offsets + steps_, *row = largest + steps_, *next = row + width;
    float *kept = reinterpret_cast<float *>(reinterpret_cast<double *>(workspace_) + n_ * (2 * steps_ + 2 * width)) +
                  i * steps_ * width;

    for (int64_t t = 0; t < frames; ++t) {
      offsets[t] = offset(i, t);
      advance(i, t, offsets[t], row, next);
      std::swap(row, next);
      // Relative to the largest of the row, what decides keeps its digits in single precision.
      largest[t] = *std::max_element(row, row + count);
      const double base = largest[t] == kNever ? 0 : largest[t];
      for (int64_t s = 0; s < count; ++s) kept[t * width + s] = static_cast<float>(row[s] - base);
    }
    const double all = evidence(i, row);
    float *dlogits = dlogits_ + i * steps_ * classes_;
    const int64_t used = all == kNever ? 0 : frames;
    std::fill(dlogits + used * classes_, dlogits + steps_ * classes_, 0.0f);
    for (int64_t t = used - 1; t >= 0; --t) {
      retreat(i, t, frames, t + 1 < frames ? offsets[t + 1] : 0, row, next);
      std::swap(row, next);
      write_frame(i, t, largest[t] - all, offsets[t], kept + t * width, row, dlogits + t * classes_);
    }
  }

  // Row t from row t + 1: log-probability of all rests of paths that are in each state, frame t left out.
  void retreat(int64_t sample, int64_t t, int64_t frames, double offset, const double *after, double *row) const {
    const int64_t count = states(sample);
    if (t + 1 == frames) {
      for (int64_t s = 0; s < count; ++s) row[s] = s >= count - 2 ? 0 : kNever;
      return;
    }
    const float *x = frame(sample, t + 1);
    const auto onto = [&](int64_t s) { return after[s] + (static_cast<double>(x[class_of(sample, s)]) - offset); };
    for (int64_t s = 0; s < count; ++s) {
      row[s] = log_sum(onto(s), s + 1 < count ? onto(s + 1) : kNever,
                       s + 2 < count && jumps(sample, s + 2) ? onto(s + 2) : kNever);
    }
  }

  // dloss (p - share of the paths), one state after the other.
  void write_frame(int64_t sample, int64_t t, double base, double offset, const float *kept, const double *rest,
                   float *dlogits) const {
    const float dloss = dloss_[sample], none = 0, most = static_cast<float>(offset);
    // exp(x - offset) in single precision, corrected for the rounding of the offset
    const float factor = static_cast<float>(dloss * std::exp(static_cast<double>(most) - offset));
    exponentials_(line(sample, t), &most, &factor, nullptr, &none, dlogits);
    const int64_t count = states(sample);
    for (int64_t s = 0; s < count; ++s) {
      const double share = std::exp(static_cast<double>(kept[s]) + base + rest[s]);
      dlogits[class_of(sample, s)] -= static_cast<float>(dloss * share);
    }
  }

  decltype(&baseline::exponentials) exponentials_ = DLC_DISPATCH(exponentials);
  const float *dloss_ = nullptr;
  float *dlogits_ = nullptr;
};

}  // namespace

std::unique_ptr<Kernel> make_ctc_loss(const KernelArgs &args) {
  return std::make_unique<CtcLoss>(args);
}
std::unique_ptr<Kernel> make_ctc_loss_grad(const KernelArgs &args) {
  return std::make_unique<CtcLossGrad>(args);
}

}  // namespace dlc
