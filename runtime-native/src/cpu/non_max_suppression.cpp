// non_max_suppression(boxes, scores) -> (index, class, count). A candidate is one unsigned number: its score, turned so
// that the best is the least, above its class and index, so that no comparison is ever a draw. First a task for each
// class picks its best candidates and drops those that a better one hides; then a task for each sample joins them.
#include <bit>
#include <limits>

#include "../kernel.h"
#include "boxes.h"

namespace dlc {
namespace {

constexpr uint64_t kNothing = std::numeric_limits<uint64_t>::max();

uint64_t candidate(float score, int64_t place) {
  // Both zeros are one.
  const uint32_t bits = score == 0 ? 0u : std::bit_cast<uint32_t>(score);
  const uint32_t ascending = (bits & 0x80000000u) ? ~bits : bits | 0x80000000u;
  return static_cast<uint64_t>(~ascending) << 32 | static_cast<uint64_t>(place);
}

class NonMaxSuppression final : public Kernel {
 public:
  explicit NonMaxSuppression(const KernelArgs &args)
      : pool_(args.pool),
        boxes_(args.inputs[0].as<float>()),
        scores_(args.inputs[1].as<float>()),
        index_(args.outputs[0].as<int32_t>()),
        class_(args.outputs[1].as<int32_t>()),
        count_(args.outputs[2].as<int32_t>()),
        candidates_(reinterpret_cast<uint64_t *>(args.workspace.data())),
        samples_(args.inputs[1].shape[0]),
        classes_(args.inputs[1].shape[1]),
        width_(args.inputs[1].shape[2]),
        top_(std::min(width_, args.attrs.integer("top_k"))),
        most_(args.attrs.integer("max_outputs")),
        background_(args.attrs.integer("background")),
        iou_(static_cast<float>(args.attrs.number("iou_threshold"))),
        least_(static_cast<float>(args.attrs.number("score_threshold"))),
        joint_(args.attrs.boolean("joint")) {
    require(top_ >= 0 && most_ >= 1, "non_max_suppression: nothing may be kept");
    require(width_ == 0 || classes_ <= INT32_MAX / width_, "non_max_suppression: too many scores");
    require(args.workspace.size() >= static_cast<size_t>(samples_ * classes_ * top_) * sizeof(uint64_t),
            "non_max_suppression: the workspace is too small");
  }

  dlc_status run(RunContext &) override {
    pool_.parallel(samples_ * classes_, [&](int64_t task, int) {
      uint64_t *const own = candidates_ + task * top_;
      int64_t kept = task % classes_ == background_ ? 0 : collect(task, own);
      if (!joint_) kept = suppress(task / classes_, own, own + kept, kept) - own;
      std::fill(own + kept, own + top_, kNothing);
    });
    pool_.parallel(samples_, [&](int64_t sample, int) { join(sample); });
    return DLC_OK;
  }

 private:
  // The best of a class, the best of all in front; how many there are.
  int64_t collect(int64_t line, uint64_t *own) const {
    const float *const scores = scores_ + line * width_;
    const int64_t first = line % classes_ * width_;
    int64_t count = 0;
    for (int64_t i = 0; i < width_; ++i) {
      if (!(scores[i] > least_)) continue;
      const uint64_t here = candidate(scores[i], first + i);
      if (count < top_) {
        own[count++] = here;
        std::push_heap(own, own + count);
      } else if (here < own[0]) {
        std::pop_heap(own, own + count);
        own[count - 1] = here;
        std::push_heap(own, own + count);
      }
    }
    std::sort_heap(own, own + count);
    return count;
  }

  const float *box(int64_t sample, uint64_t candidate) const {
    return boxes_ + 4 * (sample * width_ + static_cast<int64_t>(candidate & 0xffffffffu) % width_);
  }

  // Moves the first `most` candidates that no better one hides to the front; gives their end.
  uint64_t *suppress(int64_t sample, uint64_t *first, uint64_t *last, int64_t most) const {
    uint64_t *end = first;
    for (const uint64_t *next = first; next != last && end - first < most; ++next) {
      const float *const here = box(sample, *next);
      const bool is_hidden =
          std::any_of(first, end, [&](uint64_t better) { return box_overlap(here, box(sample, better)) > iou_; });
      if (!is_hidden) *end++ = *next;
    }
    return end;
  }

  void join(int64_t sample) const {
    uint64_t *const first = candidates_ + sample * classes_ * top_;
    uint64_t *last = std::remove(first, first + classes_ * top_, kNothing);
    if (joint_) {
      std::sort(first, last);
      last = suppress(sample, first, last, most_);
    } else {
      const int64_t kept = std::min<int64_t>(most_, last - first);
      std::partial_sort(first, first + kept, last);
      last = first + kept;
    }
    const int64_t count = last - first;
    if (count_) count_[sample] = static_cast<int32_t>(count);
    for (int64_t k = 0; k < most_; ++k) {
      const int64_t place = k < count ? static_cast<int64_t>(first[k] & 0xffffffffu) : -1;
      if (index_) index_[sample * most_ + k] = place < 0 ? -1 : static_cast<int32_t>(place % width_);
      if (class_) class_[sample * most_ + k] = place < 0 ? -1 : static_cast<int32_t>(place / width_);
    }
  }

  ThreadPool &pool_;
  const float *boxes_, *scores_;
  int32_t *index_, *class_, *count_;
  uint64_t *candidates_;
  int64_t samples_, classes_, width_, top_, most_, background_;
  float iou_, least_;
  bool joint_;
};

}  // namespace

std::unique_ptr<Kernel> make_non_max_suppression(const KernelArgs &args) {
  require(args.inputs.size() == 2 && args.outputs.size() == 3,
          "non_max_suppression takes two inputs and gives three outputs");
  const Tensor &boxes = args.inputs[0], &scores = args.inputs[1];
  require(boxes.dtype == DLC_F32 && scores.dtype == DLC_F32, "non_max_suppression is for f32");
  require(boxes.rank() == 3 && boxes.shape[2] == 4, "non_max_suppression: boxes are [N, B, 4]");
  require(scores.rank() == 3 && scores.shape[0] == boxes.shape[0] && scores.shape[2] == boxes.shape[1],
          "non_max_suppression: scores are [N, C, B]");
  const std::vector<int64_t> kept{boxes.shape[0], args.attrs.integer("max_outputs")};
  for (const Tensor *output : {&args.outputs[0], &args.outputs[1]})
    require(!output->data || (output->dtype == DLC_I32 && output->shape == kept), "non_max_suppression: wrong output");
  const Tensor &count = args.outputs[2];
  require(!count.data || (count.dtype == DLC_I32 && count.shape == std::vector<int64_t>{boxes.shape[0]}),
          "non_max_suppression: wrong count");
  return std::make_unique<NonMaxSuppression>(args);
}

}  // namespace dlc
