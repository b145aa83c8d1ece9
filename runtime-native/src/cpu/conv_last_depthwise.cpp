// Depthwise convolutions over channels-last images: which taps a row has, and how rows become tasks.
#include "conv_last_depthwise.h"

#include <algorithm>

namespace dlc {
namespace {

constexpr int64_t kVector = 16;
constexpr int64_t kTasks = 16;
// Products of vectors, fewer of which make no task of their own.
constexpr int64_t kLeastProducts = 8192;
// Channels of a task are at least this many vectors, its rows this many, where there are so many.
constexpr int64_t kLeastVectors = 4;
constexpr int64_t kLeastRows = 4;
// With as many slices of the batch, pixels are not divided too: whole ones are read as they lie.
constexpr int64_t kFewSlices = 8;
// Outputs side by side that pairs of rows take at a time.
constexpr int64_t kPairColumns = 4;

bool fits_pairs(const ConvShape &s) {
  const ConvShape::Axes ones = {1, 1, 1}, three = {1, 3, 3};
  return s.kernel == three && s.stride == ones && s.dilation == ones && s.in[0] == 1 && s.out[0] == 1 &&
         s.in[2] >= kPairColumns && s.out[2] >= kPairColumns;
}

}  // namespace

std::vector<DepthwisePlan::Tap> DepthwisePlan::taps_at(const ConvShape &shape, size_t axis, int64_t at,
                                                       bool backward) const {
  std::vector<Tap> taps;
  for (int64_t index = 0; index < shape.kernel[axis]; ++index) {
    const int64_t shift = index * shape.dilation[axis] - shape.low[axis];
    int64_t from = at * shape.stride[axis] + shift;
    if (backward) {
      if (at < shift || (at - shift) % shape.stride[axis] != 0) continue;
      from = (at - shift) / shape.stride[axis];
    }
    if (from >= 0 && from < source_[axis]) taps.push_back({index, from});
  }
  // In the order of memory, so that what has not been read yet comes last.
  if (backward) std::reverse(taps.begin(), taps.end());
  return taps;
}

DepthwisePlan::DepthwisePlan(const ConvShape &shape, bool backward)
    : source_(backward ? shape.out : shape.in),
      target_(backward ? shape.in : shape.out),
      kernel_(shape.kernel),
      channels_(shape.c),
      source_step_(backward ? 1 : shape.stride[2]) {
  for (int64_t d = 0; d < target_[0]; ++d) depths_.push_back(taps_at(shape, 0, d, backward));
  for (int64_t h = 0; h < target_[1]; ++h) heights_.push_back(taps_at(shape, 1, h, backward));
  const int64_t step = backward ? shape.stride[2] : 1;
  for (int64_t residue = 0; residue < std::min(step, target_[2]); ++residue) {
    bool follows = false;  // the segment before is of this residue
    for (int64_t w = residue; w < target_[2]; w += step) {
      std::vector<Tap> taps = taps_at(shape, 2, w, backward);
      const auto same = [&](const Segment &segment) {
        return std::equal(taps.begin(), taps.end(), segment.taps.begin(), segment.taps.end(),
                          [](const Tap &a, const Tap &b) { return a.index == b.index; });
      };
      if (follows && same(segments_.back())) {
        ++segments_.back().count;
      } else {
        segments_.push_back({w, step, 1, std::move(taps)});
      }
      follows = true;
    }
  }
  int64_t bytes = round_up(segments() * static_cast<int64_t>(sizeof(DepthwiseSegment)), 64);
  for (const Segment &segment : segments_) {
    bytes += static_cast<int64_t>(segment.taps.size() * sizeof(DepthwiseTap)) * kernel_[0] * kernel_[1];
  }
  if (bytes > static_cast<int64_t>(ThreadPool::kLaneScratchBytes))
    throw Failure(DLC_UNSUPPORTED, "conv: the kernel's reach is too large");
}

const DepthwiseSegment *DepthwisePlan::row(int64_t row, std::byte *scratch) const {
  auto *segments = reinterpret_cast<DepthwiseSegment *>(scratch);
  auto *taps = reinterpret_cast<DepthwiseTap *>(
      scratch + round_up(this->segments() * static_cast<int64_t>(sizeof(DepthwiseSegment)), 64));
  const std::vector<Tap> &depths = depths_[static_cast<size_t>(row / target_[1])];
  const std::vector<Tap> &heights = heights_[static_cast<size_t>(row % target_[1])];
  for (size_t i = 0; i < segments_.size(); ++i) {
    const Segment &segment = segments_[i];
    const DepthwiseTap *first = taps;
    for (const Tap &d : depths) {
      for (const Tap &h : heights) {
        for (const Tap &w : segment.taps) {
          *taps++ = {((d.at * source_[1] + h.at) * source_[2] + w.at) * channels_,
                     ((d.index * kernel_[1] + h.index) * kernel_[2] + w.index) * pitch()};
        }
      }
    }
    segments[i] = {segment.first * channels_,
                   segment.step * channels_,
                   source_step_ * channels_,
                   segment.count,
                   first,
                   taps - first};
  }
  return segments;
}

DepthwiseNext DepthwisePlan::next_source(int64_t row, const void *source, int64_t size, bool more) const {
  const int64_t height = row % target_[1], depth = row / target_[1];
  const bool last = height + 1 == target_[1];
  const auto *bytes = static_cast<const std::byte *>(source);
  if (last && (depth + 1 < target_[0] || !more)) return {bytes, 0};
  const std::vector<Tap> &depths = depths_[static_cast<size_t>(last ? 0 : depth)];
  const std::vector<Tap> &here = heights_[static_cast<size_t>(height)];
  const std::vector<Tap> &next = heights_[static_cast<size_t>(last ? 0 : height + 1)];
  const int64_t first = last || here.empty() ? 0 : here.back().at + 1, end = next.empty() ? 0 : next.back().at + 1;
  if (first >= end || depths.empty()) return {bytes, 0};
  const int64_t pitch = source_[2] * channels_ * size;
  const int64_t from = depths.back().at * source_[1] + first + (last ? source_[0] * source_[1] : 0);
  return {bytes + from * pitch, ceil_div((end - first) * pitch, target_[2] * ceil_div(channels_, kVector))};
}

DepthwiseNext DepthwisePlan::next_target(int64_t row, const void *target, int64_t size, bool more) const {
  const int64_t pitch = row_elements() * size, vectors = target_[2] * ceil_div(channels_, kVector);
  return {static_cast<const std::byte *>(target) + (row + 1) * pitch,
          row + 1 < rows() || more ? ceil_div(pitch, vectors) : 0};
}

ConvLastDepthwise::ConvLastDepthwise(const ConvShape &shape, dlc_dtype dtype, bool backward)
    : plan_(shape, backward), bf16_(dtype == DLC_BF16), n_(shape.n), taps_(shape.taps()) {
  const int64_t vectors = plan_.pitch() / kVector;
  const int64_t products = std::max<int64_t>(n_, 1) * shape.out_plane() * vectors * taps_;
  const int64_t tasks = std::clamp<int64_t>(products / kLeastProducts, 1, kTasks);
  const int64_t parts = ceil_div(tasks, std::max<int64_t>(n_, 1));
  const int64_t rows = std::clamp<int64_t>(plan_.rows() / kLeastRows, 1, parts);
  const int64_t columns = std::clamp<int64_t>(vectors / kLeastVectors, 1, ceil_div(parts, rows));
  if (fits_pairs(shape)) pair_ = DLC_DISPATCH(depthwise_last_pair)();
  if (pair_ != nullptr) {
    row_step_ = 2;
    flipped_ = backward;
    for (size_t i = 0; i < 2; ++i) low_[i] = backward ? shape.kernel[i + 1] - 1 - shape.low[i + 1] : shape.low[i + 1];
  }
  const int64_t steps = ceil_div(plan_.rows(), row_step_);
  row_parts_ = EvenSplit(steps, ceil_div(steps, rows));
  vector_parts_ = EvenSplit(vectors, ceil_div(vectors, columns));
}

void ConvLastDepthwise::pack(ThreadPool &pool, const float *w, void *packed) const {
  const int64_t channels = plan_.channels(), pitch = plan_.pitch();
  constexpr int64_t kChannels = 256;
  pool.parallel(ceil_div(pitch, kChannels), [&](int64_t task, int) {
    const int64_t first = task * kChannels, end = std::min(pitch, first + kChannels);
    for (int64_t t = 0; t < taps_; ++t) {
      float *to = static_cast<float *>(packed) + t * pitch;
      for (int64_t c = first; c < end; ++c) {
        const float weight = c < channels ? w[c * taps_ + t] : 0.0f;
        to[c] = bf16_ ? Bf16::of(weight).wide() : weight;
      }
    }
  });
}

void ConvLastDepthwise::run(ThreadPool &pool, const void *from, const void *packed, const ConvLast::Epilogue &epilogue,
                            void *to) const {
  const int64_t size = bf16_ ? 2 : 4;
  pool.parallel(n_ * row_parts_.count * vector_parts_.count, [&](int64_t task, int lane) {
    const int64_t vectors = task % vector_parts_.count, rows = task / vector_parts_.count % row_parts_.count;
    const int64_t image = task / vector_parts_.count / row_parts_.count, target = image * plan_.target_elements();
    Part part{};
    part.first = vector_parts_.begin(vectors) * kVector;
    part.end = std::min(vector_parts_.end(vectors) * kVector, plan_.channels());
    part.first_row = row_parts_.begin(rows) * row_step_;
    part.last_row = std::min(row_parts_.end(rows) * row_step_, plan_.rows());
    part.from = static_cast<const std::byte *>(from) + image * plan_.source_elements() * size;
    part.to = static_cast<std::byte *>(to) + target * size;
    if (epilogue.residual != nullptr) {
      part.residual = static_cast<const std::byte *>(epilogue.residual) + target * size;
    }
    part.weights = static_cast<const float *>(packed);
    part.bias = epilogue.bias;
    part.end_of_sum = {nullptr, epilogue.clamps, epilogue.low, epilogue.high};
    pair_ != nullptr ? run_pairs(part) : run_rows(part, pool.scratch(lane));
  });
}

void ConvLastDepthwise::run_rows(const Part &part, std::byte *scratch) const {
  const int64_t size = bf16_ ? 2 : 4;
  DepthwiseLastRow call{};
  call.segment_count = plan_.segments();
  call.first = part.first;
  call.end = part.end;
  call.x = part.from;
  call.weights = part.weights;
  call.bias = part.bias;
  call.end_of_sum = part.end_of_sum;
  for (int64_t row = part.first_row; row < part.last_row; ++row) {
    const int64_t at = row * plan_.row_elements() * size;
    call.segments = plan_.row(row, scratch);
    call.y = part.to + at;
    if (part.residual != nullptr) call.end_of_sum.residual = part.residual + at;
    if (vector_parts_.count == 1) call.next_x = plan_.next_source(row, call.x, size, false);
    row_(call, bf16_);
  }
}

void ConvLastDepthwise::run_pairs(const Part &part) const {
  const int64_t size = bf16_ ? 2 : 4, height = plan_.source()[1];
  DepthwiseLastPair call{};
  call.width = plan_.source()[2];
  call.outputs = plan_.target()[2];
  call.low = low_[1];
  call.pitch = plan_.channels();
  call.first = part.first;
  call.end = part.end;
  call.weight_step = flipped_ ? -plan_.pitch() : plan_.pitch();
  call.weights = part.weights + (flipped_ ? (taps_ - 1) * plan_.pitch() : 0);
  call.bias = part.bias;
  const int64_t source_row = call.width * call.pitch * size, target_row = plan_.row_elements() * size;
  const int64_t blocks = ceil_div(call.outputs, kPairColumns) * ceil_div(part.end - part.first, kVector);
  for (int64_t row = part.first_row; row < part.last_row; row += 2) {
    for (int64_t r = 0; r < 4; ++r) {
      const int64_t at = row - low_[0] + r;
      call.x[r] = at >= 0 && at < height ? part.from + at * source_row : nullptr;
    }
    for (int64_t i = 0; i < 2; ++i) {
      const int64_t at = (row + i) * target_row;
      call.y[i] = row + i < part.last_row ? part.to + at : nullptr;
      call.end_of_sum[i] = part.end_of_sum;
      if (part.residual != nullptr) call.end_of_sum[i].residual = part.residual + at;
    }
    const int64_t next = row - low_[0] + 4, more = std::clamp<int64_t>(height - next, 0, 2);
    const bool fetches = vector_parts_.count == 1 && row + 2 < plan_.rows() && next >= 0 && more > 0;
    call.next_x = {part.from, 0};
    if (fetches) call.next_x = {part.from + next * source_row, ceil_div(more * source_row, blocks)};
    pair_(call, bf16_);
  }
}

ConvLastDepthwiseGradWeight::ConvLastDepthwiseGradWeight(const ConvShape &shape, dlc_dtype dtype, int64_t most_slices)
    : plan_(shape, false), bf16_(dtype == DLC_BF16), taps_(shape.taps()), size_(dtype == DLC_BF16 ? 2 : 4) {
  const int64_t images = std::max<int64_t>(shape.n, 1), vectors = plan_.pitch() / kVector;
  slices_ = EvenSplit(shape.n, ceil_div(images, std::clamp<int64_t>(images, 1, most_slices)));
  const int64_t slices = std::max<int64_t>(slices_.count, 1);
  const int64_t parts =
      std::clamp<int64_t>(vectors / kLeastVectors, 1, slices < kFewSlices ? ceil_div(kTasks, slices) : 1);
  vector_parts_ = EvenSplit(vectors, ceil_div(vectors, parts));
}

void ConvLastDepthwiseGradWeight::run(ThreadPool &pool, const void *x, const void *dy, float *partial,
                                      float *dw) const {
  const int64_t pitch = plan_.pitch(), channels = plan_.channels();
  pool.parallel(slices_.count * vector_parts_.count, [&](int64_t task, int lane) {
    const int64_t slice = task / vector_parts_.count, vectors = task % vector_parts_.count;
    DepthwiseLastSums call{};
    call.segment_count = plan_.segments();
    call.first = vector_parts_.begin(vectors) * kVector;
    call.end = std::min(vector_parts_.end(vectors) * kVector, channels);
    call.sums = partial + slice * taps_ * pitch;
    for (int64_t t = 0; t < taps_; ++t) {
      std::fill(call.sums + t * pitch + call.first, call.sums + t * pitch + round_up(call.end, kVector), 0.0f);
    }
    for (int64_t image = slices_.begin(slice); image < slices_.end(slice); ++image) {
      const bool more = image + 1 < slices_.end(slice);
      const std::byte *gradient = static_cast<const std::byte *>(dy) + image * plan_.target_elements() * size_;
      call.x = static_cast<const std::byte *>(x) + image * plan_.source_elements() * size_;
      for (int64_t row = 0; row < plan_.rows(); ++row) {
        call.segments = plan_.row(row, pool.scratch(lane));
        call.dy = gradient + row * plan_.row_elements() * size_;
        if (vector_parts_.count == 1) {
          call.next_x = plan_.next_source(row, call.x, size_, more);
          call.next_dy = plan_.next_target(row, gradient, size_, more);
        }
        sums_(call, bf16_);
      }
    }
  });
  constexpr int64_t kChannels = 64;
  pool.parallel(ceil_div(channels, kChannels), [&](int64_t task, int) {
    const int64_t first = task * kChannels, end = std::min(channels, first + kChannels);
    for (int64_t t = 0; t < taps_; ++t) {
      for (int64_t c = first; c < end; ++c) {
        float sum = 0;
        for (int64_t slice = 0; slice < slices_.count; ++slice) sum += partial[(slice * taps_ + t) * pitch + c];
        dw[c * taps_ + t] = sum;
      }
    }
  });
}

}  // namespace dlc
