// dx of a depthwise convolution of any stride: the elements of dx at one residue of the strides are a convolution of dy
// of stride 1, with those taps that reach them.
#include <algorithm>

#include "conv_depthwise.h"

namespace dlc {
namespace {

constexpr int64_t kScratchFloats = ThreadPool::kLaneScratchBytes / sizeof(float);

// Elements of an axis at a residue of the stride.
int64_t positions(int64_t extent, int64_t stride, int64_t residue) {
  return extent <= residue ? 0 : (extent - residue + stride - 1) / stride;
}

// Along one axis, by residue: element i of it reads, at tap `tap`, output i + shift.
struct Tap {
  int64_t tap, shift;
};

struct Axis {
  std::vector<std::vector<Tap>> residues;
  int64_t least = 0, greatest = 0;  // shift

  Axis(const ConvShape &s, size_t axis) : residues(static_cast<size_t>(s.stride[axis])) {
    bool any = false;
    for (int64_t tap = 0; tap < s.kernel[axis]; ++tap) {
      const int64_t stride = s.stride[axis], back = tap * s.dilation[axis] - s.low[axis];
      const int64_t residue = (back % stride + stride) % stride, shift = (residue - back) / stride;
      residues[static_cast<size_t>(residue)].push_back({tap, shift});
      least = any ? std::min(least, shift) : shift;
      greatest = any ? std::max(greatest, shift) : shift;
      any = true;
    }
  }
};

}  // namespace

ConvDepthwiseGradInput::ConvDepthwiseGradInput(const ConvShape &shape) : shape_(shape) {
  const ConvShape &s = shape;
  const Axis depth(s, 0), height(s, 1), width(s, 2);
  const int64_t columns = positions(s.in[2], s.stride[2], 0);
  first_row_ = height.least;
  first_column_ = width.least;
  reach_ = height.greatest - height.least;
  pitch_ = columns + width.greatest - width.least;
  block_rows_ = positions(s.in[1], s.stride[1], 0);
  // The planes of dy for each tap along the depth, the weights of a residue, and a row of dx (or, if narrow, a plane).
  const auto floats = [&] {
    return s.kernel[0] * (block_rows_ + reach_) * pitch_ + s.taps() + (block_rows_ + 1) * pitch_ + 2 * kDepthwiseSlack;
  };
  while (floats() > kScratchFloats && block_rows_ > 1) block_rows_ = (block_rows_ + 1) / 2;
  if (floats() > kScratchFloats) throw Failure(DLC_UNSUPPORTED, "conv: the kernel's reach is too large");
  plane_ = (block_rows_ + reach_) * pitch_;
  flat_ = columns < kNarrowRow && s.stride[1] == 1 && s.stride[2] == 1;
  for (const std::vector<Tap> &across : depth.residues) {
    std::vector<int64_t> planes;
    for (const Tap &q : across) planes.push_back(q.shift);
    depths_.push_back(std::move(planes));
    for (const std::vector<Tap> &down : height.residues) {
      for (const std::vector<Tap> &along : width.residues) {
        Residue residue;
        for (size_t plane = 0; plane < across.size(); ++plane) {
          for (const Tap &r : down) {
            for (const Tap &c : along) {
              residue.taps.push_back((across[plane].tap * s.kernel[1] + r.tap) * s.kernel[2] + c.tap);
              residue.offsets.push_back(static_cast<int32_t>(
                  static_cast<int64_t>(plane) * plane_ + (r.shift - height.least) * pitch_ + c.shift - width.least));
            }
          }
        }
        residues_.push_back(std::move(residue));
      }
    }
  }
}

void ConvDepthwiseGradInput::run(ThreadPool &pool, const float *dy, const float *weights, float *dx) const {
  const ConvShape &s = shape_;
  pool.parallel(s.n * s.groups, [&](int64_t plane, int lane) {
    run_plane(dy + plane * s.out_plane(), weights + plane % s.groups * s.taps(), dx + plane * s.in_plane(),
              reinterpret_cast<float *>(pool.scratch(lane)));
  });
}

void ConvDepthwiseGradInput::run_plane(const float *dy, const float *weights, float *dx, float *scratch) const {
  const ConvShape &s = shape_;
  const int64_t copied = s.kernel[0] * plane_;
  std::fill_n(scratch + copied, kDepthwiseSlack, 0.0f);
  const int64_t all_rows = positions(s.in[1], s.stride[1], 0);
  for (int64_t d = 0; d < s.in[0]; ++d) {
    const std::vector<int64_t> &planes = depths_[static_cast<size_t>(d % s.stride[0])];
    for (int64_t first = 0; first < all_rows; first += block_rows_) {
      const int64_t rows = std::min(block_rows_, all_rows - first);
      for (size_t q = 0; q < planes.size(); ++q) {
        copy_rows(dy, d / s.stride[0] + planes[q], first + first_row_, rows + reach_,
                  scratch + static_cast<int64_t>(q) * plane_);
      }
      run_rows(d, first, rows, scratch, weights, dx + d * s.in[1] * s.in[2], scratch + copied + kDepthwiseSlack);
    }
  }
}

// Rows [row, row + rows) of the output plane `depth`, with zeros where there are none.
void ConvDepthwiseGradInput::copy_rows(const float *dy, int64_t depth, int64_t row, int64_t rows, float *copy) const {
  const ConvShape &s = shape_;
  const int64_t left = std::clamp<int64_t>(-first_column_, 0, pitch_);
  const int64_t right = std::clamp<int64_t>(s.out[2] - first_column_, left, pitch_);
  int64_t top = std::clamp<int64_t>(-row, 0, rows), bottom = std::clamp<int64_t>(s.out[1] - row, top, rows);
  if (depth < 0 || depth >= s.out[0]) top = bottom = 0;
  std::fill(copy, copy + top * pitch_, 0.0f);
  std::fill(copy + bottom * pitch_, copy + rows * pitch_, 0.0f);
  const float *from = dy + (depth * s.out[1] + row + top) * s.out[2] + first_column_;
  copy_padded_(from, s.out[2], bottom - top, pitch_, left, right, copy + top * pitch_, pitch_);
}

// `rows` rows of each residue of the height, from its row `first` on, in the plane `dx` of depth `depth`.
void ConvDepthwiseGradInput::run_rows(int64_t depth, int64_t first, int64_t rows, const float *copy,
                                      const float *weights, float *dx, float *scratch) const {
  const ConvShape &s = shape_;
  float *chosen = scratch, *result = scratch + s.taps();
  for (int64_t down = 0; down < s.stride[1]; ++down) {
    const int64_t count = std::min(rows, positions(s.in[1], s.stride[1], down) - first);
    for (int64_t along = 0; along < s.stride[2]; ++along) {
      const Residue &residue =
          residues_[static_cast<size_t>((depth % s.stride[0] * s.stride[1] + down) * s.stride[2] + along)];
      for (size_t t = 0; t < residue.taps.size(); ++t) chosen[t] = weights[residue.taps[t]];
      DepthwiseRow row{};
      row.offsets = residue.offsets.data();
      row.weights = chosen;
      row.taps = static_cast<int64_t>(residue.taps.size());
      row.x = copy;
      const int64_t columns = positions(s.in[2], s.stride[2], along);
      if (flat_ && count > 0) {
        row.count = (count - 1) * pitch_ + columns;
        row_(row, result);
        for (int64_t r = 0; r < count; ++r) std::copy_n(result + r * pitch_, columns, dx + (first + r) * s.in[2]);
        continue;
      }
      row.count = columns;
      for (int64_t r = 0; r < count; ++r, row.x += pitch_) {
        float *to = dx + ((first + r) * s.stride[1] + down) * s.in[2] + along;
        row_(row, s.stride[2] == 1 ? to : result);
        if (s.stride[2] > 1) spread_(result, s.stride[2], columns, to);
      }
    }
  }
}

}  // namespace dlc
