// The weight gradient by planes: slices of the batch are tasks, their results are added in order.
#include "conv_planes_grad_weight.h"

#include <algorithm>

namespace dlc {
namespace {

constexpr int64_t kVector = 16;
constexpr int64_t kScratchFloats = ThreadPool::kLaneScratchBytes / sizeof(float);
// What is copied at a time stays in a second-level cache, with the gradients beside it.
constexpr int64_t kCopyFloats = int64_t{1} << 17;
// Vectors that the sums over lanes are spread over.
constexpr int64_t kManyVectors = 256;

int64_t padded_columns(const ConvShape &s) {
  return s.out[2] + (s.kernel[2] - 1) * s.dilation[2] / s.stride[2];
}

}  // namespace

bool ConvPlanesGradWeight::fits(const ConvShape &s) {
  const int64_t row = s.out[2] % kVector == 0 ? s.out[2] : padded_columns(s);
  const int64_t run = round_up((s.out[1] - 1) * row + s.out[2], kVector);
  const double lanes = static_cast<double>(s.out[1] * s.out[2]) / static_cast<double>(run);
  if (s.kg >= 32 && s.cg >= 12) return false;
  const double transposed = s.kg < 32 ? 0.55 : 0.65;
  if (0.9 * lanes < transposed) return false;
  // A block of one row has to fit.
  const PhaseWindow window(s, 1, s.out[2]);
  return window.floats() * s.cg + round_up(window.pitch(), kVector) * s.kg + kDepthwiseSlack <= kScratchFloats;
}

ConvPlanesGradWeight::ConvPlanesGradWeight(const ConvShape &shape, const EvenSplit &slices)
    : shape_(shape), slices_(slices), isa_(&DLC_DISPATCH(plane_sums)()) {
  const ConvShape &s = shape_;
  flat_ = s.out[2] % kVector != 0;
  block_rows_ = s.out[1];
  const auto all = [&] {
    window_ = PhaseWindow(s, block_rows_, s.out[2]);
    return x_floats() + dy_floats();
  };
  while (all() > kCopyFloats && block_rows_ > 1 && block_rows_ * s.out[2] > kManyVectors * kVector) {
    block_rows_ = (block_rows_ + 1) / 2;
  }
  while (all() + kDepthwiseSlack > kScratchFloats && block_rows_ > 1) block_rows_ = (block_rows_ + 1) / 2;
  const int64_t vectors = ceil_div(block_rows_ * s.out[2], kVector);
  images_ = std::clamp<int64_t>(kManyVectors / std::max<int64_t>(vectors, 1), 1, 8);
  images_ = std::max<int64_t>(1, std::min(images_, 2 * kCopyFloats / std::max<int64_t>(all(), 1)));
  require(s.cg * channel_floats() < (int64_t{1} << 31), "conv: an image is too large");
  for (int64_t c = 0; c < s.cg; ++c) {
    for (int64_t t = 0; t < s.taps(); ++t) {
      columns_.push_back(static_cast<int32_t>(c * channel_floats() + window_.offsets()[static_cast<size_t>(t)]));
    }
  }
  for (int64_t at = 0; at < run_of(block_rows_); at += kVector) {
    const int64_t x = flat_ ? at : at / s.out[2] * window_.pitch() + at % s.out[2];
    x_vectors_.push_back(static_cast<int32_t>(x));
  }
}

void ConvPlanesGradWeight::run(ThreadPool &pool, const float *x, const float *dy, float *partial, float *dw) const {
  const ConvShape &s = shape_;
  const int64_t group_floats = s.kg * s.depth(), slice_floats = s.groups * group_floats;
  pool.parallel(slices_.count * s.groups, [&](int64_t task, int lane) {
    const int64_t slice = task / s.groups, group = task % s.groups;
    float *sums = partial + slice * slice_floats + group * group_floats;
    std::fill_n(sums, group_floats, 0.0f);
    sum_slice(slice, group, x, dy, sums, reinterpret_cast<float *>(pool.scratch(lane)));
  });
  constexpr int64_t kChunk = 4096;
  pool.parallel(ceil_div(slice_floats, kChunk), [&](int64_t chunk, int) {
    const int64_t begin = chunk * kChunk, end = std::min(slice_floats, begin + kChunk);
    std::copy(partial + begin, partial + end, dw + begin);
    for (int64_t slice = 1; slice < slices_.count; ++slice) {
      for (int64_t i = begin; i < end; ++i) dw[i] += partial[slice * slice_floats + i];
    }
  });
}

void ConvPlanesGradWeight::sum_slice(int64_t slice, int64_t group, const float *x, const float *dy, float *sums,
                                     float *scratch) const {
  const ConvShape &s = shape_;
  for (int64_t n = slices_.begin(slice); n < slices_.end(slice); n += images_) {
    const int64_t images = std::min(images_, slices_.end(slice) - n);
    for (int64_t d = 0; d < s.out[0]; ++d) {
      for (int64_t h = 0; h < s.out[1]; h += block_rows_) {
        add_block(n, images, group, {d, h, std::min(block_rows_, s.out[1] - h), 0, s.out[2]}, x, dy, sums, scratch);
      }
    }
  }
}

void ConvPlanesGradWeight::add_block(int64_t image, int64_t images, int64_t group, const ConvBlock &block,
                                     const float *x, const float *dy, float *sums, float *scratch) const {
  const ConvShape &s = shape_;
  float *gradients = scratch + images_ * x_floats() + kDepthwiseSlack;
  const int64_t pitch = window_.pitch(), run = run_of(block.rows);
  for (int64_t i = 0; i < images; ++i) {
    const int64_t n = image + i;
    for (int64_t c = 0; c < s.cg; ++c) {
      window_.read(x + (n * s.c + group * s.cg + c) * s.in_plane(), block,
                   scratch + i * x_floats() + c * channel_floats());
    }
    if (!flat_) continue;
    for (int64_t k = 0; k < s.kg; ++k) {
      const float *from =
          dy + (n * s.k + group * s.kg + k) * s.out_plane() + (block.depth * s.out[1] + block.row) * s.out[2];
      float *to = gradients + (i * s.kg + k) * run, *last = to + (block.rows - 1) * pitch;
      copy_padded_(from, s.out[2], block.rows - 1, pitch, 0, s.out[2], to, pitch);
      std::copy_n(from + (block.rows - 1) * s.out[2], s.out[2], last);
      std::fill(last + s.out[2], to + run, 0.0f);
    }
  }
  PlaneSums call;
  call.x = scratch;
  call.x_image = x_floats();
  call.x_vectors = x_vectors_.data();
  call.vectors = run / kVector;
  call.images = images;
  call.sums_row = s.depth();
  call.dy_row = flat_ ? run : s.out_plane();
  call.dy_image = flat_ ? s.kg * run : s.k * s.out_plane();
  const float *first =
      flat_ ? gradients
            : dy + (image * s.k + group * s.kg) * s.out_plane() + (block.depth * s.out[1] + block.row) * s.out[2];
  const EvenSplit rows(s.kg, isa_->most_rows), columns(s.depth(), isa_->most_columns);
  for (int64_t r = 0; r < rows.count; ++r) {
    const int64_t k = rows.begin(r);
    call.dy = first + k * call.dy_row;
    for (int64_t c = 0; c < columns.count; ++c) {
      call.columns = columns_.data() + columns.begin(c);
      call.sums = sums + k * s.depth() + columns.begin(c);
      isa_->tile(static_cast<int>(rows.end(r) - k), static_cast<int>(columns.end(c) - columns.begin(c)))(call);
    }
  }
}

}  // namespace dlc
