// resample(x): a sparse linear map along one axis; x is seen as [outer, extent, inner] around it. Where the axis is not
// the last one, whole rows are weighted and added; where it is, elements are gathered.
#include <algorithm>
#include <limits>

#include "../kernel.h"
#include "nothing.h"
#include "resample_rows.h"

namespace dlc {
namespace {

constexpr int64_t kTaskElements = 8192;

// What makes each result, without the weights that are 0.
struct SparseMap {
  int64_t size = 0, taps = 1;
  std::vector<int32_t> first;  // of each result's taps in the lists; one more for the end
  std::vector<int32_t> index;
  std::vector<float> weight;

  SparseMap(const Attrs &attrs, int64_t extent) : size(attrs.integer("size")), taps(attrs.integer("taps")) {
    const std::vector<int64_t> indices = attrs.integers("indices");
    const std::vector<double> weights = attrs.numbers("weights");
    const auto count = static_cast<int64_t>(indices.size());
    require(indices.size() == weights.size() && count <= std::numeric_limits<int32_t>::max(), "resample: wrong tables");
    // Each is bounded by the tables before they are multiplied.
    require(size >= 0 && size <= count && taps >= 1 && (size == 0 || taps <= count) && size * taps == count,
            "resample: the tables are of another length");
    require(extent <= std::numeric_limits<int32_t>::max(), "resample: the axis is too long");
    first.push_back(0);
    for (int64_t at = 0; at < size * taps; ++at) {
      const double w = weights[static_cast<size_t>(at)];
      if (w != 0) {
        const int64_t i = indices[static_cast<size_t>(at)];
        require(i >= 0 && i < extent, "resample: an index is outside the axis");
        index.push_back(static_cast<int32_t>(i));
        weight.push_back(static_cast<float>(w));
      }
      if (at % taps == taps - 1) first.push_back(static_cast<int32_t>(index.size()));
    }
  }
};

// inner > 1: rows of y are sums of rows of x.
class ResampleRows final : public Kernel {
 public:
  ResampleRows(const KernelArgs &args, SparseMap map, int64_t outer, int64_t extent, int64_t inner)
      : pool_(args.pool),
        loops_(DLC_DISPATCH(resample_loops)()),
        map_(std::move(map)),
        rows_(outer * map_.size),
        extent_(extent),
        inner_(inner),
        x_(args.inputs[0].as<float>()),
        y_(args.outputs[0].as<float>()) {}

  dlc_status run(RunContext &) override {
    const int64_t per_task = std::max<int64_t>(1, kTaskElements / std::max<int64_t>(1, inner_));
    pool_.parallel((rows_ + per_task - 1) / per_task, [&](int64_t task, int) {
      const int64_t end = std::min(rows_, (task + 1) * per_task);
      for (int64_t row = task * per_task; row < end; ++row) {
        const auto result = static_cast<size_t>(row % map_.size);
        const int32_t begin = map_.first[result];
        loops_.row(y_ + row * inner_, x_ + row / map_.size * extent_ * inner_, inner_, map_.index.data() + begin,
                   map_.weight.data() + begin, map_.first[result + 1] - begin);
      }
    });
    return DLC_OK;
  }

 private:
  ThreadPool &pool_;
  ResampleLoops loops_;
  SparseMap map_;
  int64_t rows_;
  int64_t extent_, inner_;
  const float *x_;
  float *y_;
};

// inner = 1: every line of y is gathered from a line of x.
class ResampleLines final : public Kernel {
 public:
  ResampleLines(const KernelArgs &args, SparseMap map, int64_t outer, int64_t extent)
      : pool_(args.pool),
        loops_(DLC_DISPATCH(resample_loops)()),
        map_(std::move(map)),
        outer_(outer),
        extent_(extent),
        x_(args.inputs[0].as<float>()),
        y_(args.outputs[0].as<float>()) {
    // Tap by tap for all results at once, unless most of that would be empty.
    int32_t most = 0;
    for (size_t i = 0; i < static_cast<size_t>(map_.size); ++i)
      most = std::max(most, map_.first[i + 1] - map_.first[i]);
    taps_ = most;
    if (taps_ * map_.size > 2 * static_cast<int64_t>(map_.index.size()) + map_.size) return;
    even_ = true;
    index_.assign(static_cast<size_t>(taps_ * map_.size), 0);
    weight_.assign(index_.size(), 0.0f);
    for (int64_t i = 0; i < map_.size; ++i) {
      const auto begin = static_cast<size_t>(map_.first[static_cast<size_t>(i)]);
      const auto end = static_cast<size_t>(map_.first[static_cast<size_t>(i) + 1]);
      for (size_t at = begin; at < end; ++at) {
        const size_t to = (at - begin) * static_cast<size_t>(map_.size) + static_cast<size_t>(i);
        index_[to] = map_.index[at];
        weight_[to] = map_.weight[at];
      }
    }
  }

  dlc_status run(RunContext &) override {
    const int64_t pieces = (map_.size + kTaskElements - 1) / kTaskElements;
    const int64_t per_task = std::max<int64_t>(1, kTaskElements / std::max<int64_t>(1, map_.size));
    const int64_t groups = (outer_ + per_task - 1) / per_task;
    pool_.parallel(groups * pieces, [&](int64_t task, int) {
      const int64_t group = task / pieces, begin = task % pieces * kTaskElements;
      const int64_t count = std::min(kTaskElements, map_.size - begin);
      for (int64_t line = group * per_task; line < std::min(outer_, (group + 1) * per_task); ++line)
        part(x_ + line * extent_, y_ + line * map_.size, begin, count);
    });
    return DLC_OK;
  }

 private:
  void part(const float *x, float *y, int64_t begin, int64_t count) const {
    if (even_) {
      loops_.line(y + begin, x, count, index_.data() + begin, weight_.data() + begin, map_.size, taps_);
      return;
    }
    for (int64_t i = begin; i < begin + count; ++i) {
      const auto result = static_cast<size_t>(i);
      float sum = 0;
      for (auto at = static_cast<size_t>(map_.first[result]); at < static_cast<size_t>(map_.first[result + 1]); ++at)
        sum += map_.weight[at] * x[map_.index[at]];
      y[i] = sum;
    }
  }

  ThreadPool &pool_;
  ResampleLoops loops_;
  SparseMap map_;
  int64_t outer_, extent_;
  int64_t taps_ = 0;
  bool even_ = false;
  std::vector<int32_t> index_;  // [taps, size]
  std::vector<float> weight_;
  const float *x_;
  float *y_;
};

}  // namespace

std::unique_ptr<Kernel> make_resample(const KernelArgs &args) {
  require(args.inputs.size() == 1 && args.outputs.size() == 1, "resample takes one input and one output");
  const Tensor &x = args.inputs[0], &y = args.outputs[0];
  const int64_t axis = args.attrs.integer("axis");
  require(axis >= 0 && axis < x.rank(), "resample: the axis is outside the input");
  require(x.dtype == DLC_F32, "resample is for f32");
  int64_t outer = 1, inner = 1;
  for (int64_t i = 0; i < x.rank(); ++i)
    if (i != axis) (i < axis ? outer : inner) *= x.shape[static_cast<size_t>(i)];
  const int64_t extent = x.shape[static_cast<size_t>(axis)];
  SparseMap map(args.attrs, extent);
  if (!y.data) return std::make_unique<Nothing>();
  std::vector<int64_t> shape = x.shape;
  shape[static_cast<size_t>(axis)] = map.size;
  require(y.dtype == DLC_F32 && y.shape == shape, "resample: wrong output");
  if (inner == 1) return std::make_unique<ResampleLines>(args, std::move(map), outer, extent);
  return std::make_unique<ResampleRows>(args, std::move(map), outer, extent, inner);
}

}  // namespace dlc
