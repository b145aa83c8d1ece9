// match_boxes(priors, boxes, classes) -> (index, overlap): which true box each prior answers for. A task is a sample;
// the overlaps are computed when they are needed, so that no matrix of all of them is ever held.
#include <string_view>

#include "boxes.h"
#include "indices.h"

namespace dlc {
namespace {

constexpr int32_t kNone = -1, kUndecided = -2;

enum class Force { none, best, every_best, bipartite };

Force force_of(std::string_view word) {
  if (word == "best") return Force::best;
  if (word == "every_best") return Force::every_best;
  if (word == "bipartite") return Force::bipartite;
  require(word == "none", "match_boxes: no such way to force a match");
  return Force::none;
}

// Of a true box: the prior that overlaps most with it, and whether it is settled.
struct Best {
  int32_t prior;
  float overlap;
  int32_t settled;
};
static_assert(sizeof(Best) == 12);

class MatchBoxes final : public Kernel {
 public:
  explicit MatchBoxes(const KernelArgs &args)
      : pool_(args.pool),
        priors_(args.inputs[0].as<float>()),
        boxes_(args.inputs[1].as<float>()),
        classes_(args.inputs[2]),
        index_(args.outputs[0].as<int32_t>()),
        overlap_(args.outputs[1].as<float>()),
        best_(reinterpret_cast<Best *>(args.workspace.data())),
        samples_(args.inputs[1].shape[0]),
        count_(args.inputs[0].shape[args.inputs[0].shape.size() - 2]),
        truths_(args.inputs[1].shape[1]),
        stride_(args.inputs[0].rank() == 3 ? count_ * 4 : 0),
        threshold_(static_cast<float>(args.attrs.number("threshold"))),
        low_(static_cast<float>(args.attrs.number("low_threshold"))),
        force_(force_of(args.attrs.string("force"))) {
    require(args.workspace.size() >= static_cast<size_t>(samples_ * truths_) * sizeof(Best),
            "match_boxes: the workspace is too small");
  }

  dlc_status run(RunContext &) override {
    pool_.parallel(samples_, [&](int64_t sample, int) {
      for (int64_t p = 0; p < count_; ++p) decide(sample, p);
      if (index_) force(sample, best_ + sample * truths_, index_ + sample * count_);
    });
    return DLC_OK;
  }

 private:
  bool real(int64_t sample, int64_t truth) const { return classes_.at(sample * truths_ + truth) >= 0; }
  float between(int64_t sample, int64_t prior, int64_t truth) const {
    return box_overlap(priors_ + sample * stride_ + 4 * prior, boxes_ + 4 * (sample * truths_ + truth));
  }

  // The first of the boxes that overlap most with a prior.
  int32_t own(int64_t sample, int64_t prior, float *overlap) const {
    int32_t found = kNone;
    *overlap = 0;
    for (int64_t g = 0; g < truths_; ++g) {
      if (!real(sample, g)) continue;
      const float here = between(sample, prior, g);
      if (here > *overlap) {
        *overlap = here;
        found = static_cast<int32_t>(g);
      }
    }
    return found;
  }

  void decide(int64_t sample, int64_t prior) const {
    float overlap;
    const int32_t found = own(sample, prior, &overlap);
    const int64_t at = sample * count_ + prior;
    if (overlap_) overlap_[at] = overlap;
    if (!index_) return;
    const bool is_match = overlap >= threshold_ && overlap > 0, is_near = overlap >= low_ && overlap > 0;
    index_[at] = is_match ? found : is_near ? kUndecided : kNone;
  }

  // The first of the priors that overlap most with a box, among those that `free` allows.
  template <typename Free>
  Best best(int64_t sample, int64_t truth, Free free) const {
    Best result{kNone, 0, 0};
    for (int64_t p = 0; p < count_; ++p) {
      const float here = between(sample, p, truth);
      if (here > result.overlap && free(p)) {
        result.prior = static_cast<int32_t>(p);
        result.overlap = here;
      }
    }
    return result;
  }

  void force(int64_t sample, Best *bests, int32_t *index) const {
    const auto any = [](int64_t) { return true; };
    if (force_ == Force::none) return;
    if (force_ == Force::bipartite) return pair(sample, bests, index);
    for (int64_t g = 0; g < truths_; ++g) {
      if (!real(sample, g)) continue;
      const Best found = best(sample, g, any);
      if (found.prior < 0) continue;
      if (force_ == Force::best) {
        index[found.prior] = static_cast<int32_t>(g);
        continue;
      }
      for (int64_t p = found.prior; p < count_; ++p) {
        float overlap;
        if (between(sample, p, g) == found.overlap) index[p] = own(sample, p, &overlap);
      }
    }
  }

  // Again and again the pair that overlaps most. Of the boxes only those look again whose best prior was just taken.
  void pair(int64_t sample, Best *bests, int32_t *index) const {
    const auto free = [&](int64_t prior) {
      for (int64_t g = 0; g < truths_; ++g) {
        if (bests[g].settled == 1 && bests[g].prior == prior) return false;
      }
      return true;
    };
    for (int64_t g = 0; g < truths_; ++g) bests[g] = Best{kNone, 0, real(sample, g) ? 0 : 2};
    for (int64_t g = 0; g < truths_; ++g) {
      if (bests[g].settled == 0) bests[g] = best(sample, g, [](int64_t) { return true; });
    }
    for (;;) {
      int64_t chosen = kNone;
      float most = 0;
      for (int64_t g = 0; g < truths_; ++g) {
        if (bests[g].settled == 0 && bests[g].overlap > most) {
          chosen = g;
          most = bests[g].overlap;
        }
      }
      if (chosen < 0) return;
      bests[chosen].settled = 1;
      const int32_t taken = bests[chosen].prior;
      index[taken] = static_cast<int32_t>(chosen);
      for (int64_t g = 0; g < truths_; ++g) {
        if (bests[g].settled == 0 && bests[g].prior == taken) bests[g] = best(sample, g, free);
      }
    }
  }

  ThreadPool &pool_;
  const float *priors_, *boxes_;
  Indices classes_;
  int32_t *index_;
  float *overlap_;
  Best *best_;
  int64_t samples_, count_, truths_;
  int64_t stride_;  // from the priors of one sample to those of the next
  float threshold_, low_;
  Force force_;
};

}  // namespace

std::unique_ptr<Kernel> make_match_boxes(const KernelArgs &args) {
  require(args.inputs.size() == 3 && args.outputs.size() == 2, "match_boxes takes three inputs and gives two outputs");
  const Tensor &priors = args.inputs[0], &boxes = args.inputs[1], &classes = args.inputs[2];
  require(priors.dtype == DLC_F32 && boxes.dtype == DLC_F32, "match_boxes: boxes are f32");
  require(boxes.rank() == 3 && boxes.shape[2] == 4, "match_boxes: boxes are [N, G, 4]");
  const bool is_shared = priors.rank() == 2;
  require(is_shared || (priors.rank() == 3 && priors.shape[0] == boxes.shape[0]), "match_boxes: wrong priors");
  require(priors.shape.back() == 4, "match_boxes: a prior has four sides");
  require(classes.shape == std::vector<int64_t>(boxes.shape.begin(), boxes.shape.begin() + 2),
          "match_boxes: a class for each box");
  const std::vector<int64_t> shape{boxes.shape[0], priors.shape[priors.shape.size() - 2]};
  require(shape[1] <= INT32_MAX && boxes.shape[1] <= INT32_MAX, "match_boxes: too many boxes");
  const Tensor &index = args.outputs[0], &overlap = args.outputs[1];
  require(!index.data || (index.dtype == DLC_I32 && index.shape == shape), "match_boxes: wrong index");
  require(!overlap.data || (overlap.dtype == DLC_F32 && overlap.shape == shape), "match_boxes: wrong overlap");
  return std::make_unique<MatchBoxes>(args);
}

}  // namespace dlc
