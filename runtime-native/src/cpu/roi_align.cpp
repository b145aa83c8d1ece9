// roi_align(x, regions) -> y and roi_align_grad(dy, regions) -> dx: regions of feature maps, read between the pixels. A
// task owns some channels of one image, in y or in dx, and goes through the regions in their order: sums have one
// order.
#include <algorithm>
#include <cmath>

#include "../kernel.h"
#include "nothing.h"

namespace dlc {
namespace {

// Channels of one task: they share the work of finding the pixels.
constexpr int64_t kChannels = 16;

// The two pixels that a coordinate lies between, each with its share.
struct Between {
  int64_t low, high;
  float of_low, of_high;
};

Between between(float at, int64_t extent) {
  const float held = std::max(0.0f, at);
  const int64_t low = static_cast<int64_t>(held);
  if (low >= extent - 1) return {extent - 1, extent - 1, 1.0f, 0.0f};
  const float high = held - static_cast<float>(low);
  return {low, low + 1, 1.0f - high, high};
}

class Regions : public Kernel {
 public:
  // `pixels` is the tensor of images, `grids` that of regions.
  Regions(const KernelArgs &args, const Tensor &pixels, const Tensor &grids)
      : pool_(args.pool), boxes_(args.inputs[1].as<float>()) {
    const Tensor &boxes = args.inputs[1];
    require(pixels.dtype == DLC_F32 && grids.dtype == DLC_F32 && boxes.dtype == DLC_F32, "roi_align is for f32");
    require(pixels.rank() == 4 && boxes.rank() == 3 && boxes.shape[2] == 4 && boxes.shape[0] == pixels.shape[0],
            "roi_align: images are [N, C, H, W], regions [N, R, 4]");
    images_ = pixels.shape[0];
    channels_ = pixels.shape[1];
    height_ = pixels.shape[2];
    width_ = pixels.shape[3];
    count_ = boxes.shape[1];
    bins_high_ = args.attrs.integer("output_height");
    bins_wide_ = args.attrs.integer("output_width");
    ratio_ = args.attrs.integer("sampling_ratio");
    aligned_ = args.attrs.boolean("aligned");
    require(height_ >= 1 && width_ >= 1 && bins_high_ >= 1 && bins_wide_ >= 1 && ratio_ >= 0, "roi_align: no extent");
    require(grids.shape == std::vector<int64_t>{images_, count_, channels_, bins_high_, bins_wide_},
            "roi_align: the regions are of another shape");
  }

 protected:
  // Calls f(image, first channel, number of channels) for all parts of all images.
  template <typename F>
  void for_parts(F f) const {
    const int64_t parts = (channels_ + kChannels - 1) / kChannels;
    pool_.parallel(images_ * parts, [&](int64_t task, int) {
      const int64_t first = task % parts * kChannels;
      f(task / parts, first, std::min(kChannels, channels_ - first));
    });
  }

  // Calls f(bin, row, column, share of the point) for every point of a region that lies near the image.
  template <typename F>
  void for_points(int64_t region, F f) const {
    const float *const box = boxes_ + 4 * region;
    const float offset = aligned_ ? 0.5f : 0.0f;
    const float left = box[0] * static_cast<float>(width_) - offset,
                top = box[1] * static_cast<float>(height_) - offset;
    float wide = box[2] * static_cast<float>(width_) - offset - left;
    float high = box[3] * static_cast<float>(height_) - offset - top;
    if (!aligned_) {
      wide = std::max(1.0f, wide);
      high = std::max(1.0f, high);
    }
    const float bin_wide = wide / static_cast<float>(bins_wide_), bin_high = high / static_cast<float>(bins_high_);
    const int64_t across = points(bin_wide), down = points(bin_high);
    const float share = 1.0f / std::max(1.0f, static_cast<float>(across) * static_cast<float>(down));
    for (int64_t bin = 0; bin < bins_high_ * bins_wide_; ++bin) {
      for (int64_t i = 0; i < down; ++i) {
        const float y = top + static_cast<float>(bin / bins_wide_) * bin_high +
                        (static_cast<float>(i) + 0.5f) * bin_high / static_cast<float>(down);
        if (!(y >= -1 && y <= static_cast<float>(height_))) continue;
        const Between row = between(y, height_);
        for (int64_t j = 0; j < across; ++j) {
          const float x = left + static_cast<float>(bin % bins_wide_) * bin_wide +
                          (static_cast<float>(j) + 0.5f) * bin_wide / static_cast<float>(across);
          if (x >= -1 && x <= static_cast<float>(width_)) f(bin, row, between(x, width_), share);
        }
      }
    }
  }

  int64_t bins() const { return bins_high_ * bins_wide_; }
  int64_t plane() const { return height_ * width_; }

  int64_t images_ = 0, channels_ = 0, height_ = 0, width_ = 0, count_ = 0;

 private:
  // How many points are read along an axis of a bin: none where it has no extent, and of a region that is far larger
  // than its image or no number at all no more than could matter.
  int64_t points(float extent) const {
    if (ratio_ > 0) return ratio_;
    return extent > 0 ? static_cast<int64_t>(std::min(std::ceil(extent), 4096.0f)) : 0;
  }

  ThreadPool &pool_;
  const float *boxes_;
  int64_t bins_high_ = 0, bins_wide_ = 0, ratio_ = 0;
  bool aligned_ = false;
};

class RoiAlign final : public Regions {
 public:
  explicit RoiAlign(const KernelArgs &args)
      : Regions(args, args.inputs[0], args.outputs[0]),
        x_(args.inputs[0].as<float>()),
        y_(args.outputs[0].as<float>()) {}

  dlc_status run(RunContext &) override {
    for_parts([&](int64_t image, int64_t first, int64_t count) {
      const float *const x = x_ + (image * channels_ + first) * plane();
      for (int64_t region = image * count_; region < (image + 1) * count_; ++region) {
        float *const y = y_ + (region * channels_ + first) * bins();
        std::fill_n(y, count * bins(), 0.0f);
        for_points(region, [&](int64_t bin, const Between &row, const Between &column, float share) {
          for (int64_t c = 0; c < count; ++c) {
            const float *const low = x + c * plane() + row.low * width_, *const high =
                                                                             x + c * plane() + row.high * width_;
            y[c * bins() + bin] +=
                share * (row.of_low * (column.of_low * low[column.low] + column.of_high * low[column.high]) +
                         row.of_high * (column.of_low * high[column.low] + column.of_high * high[column.high]));
          }
        });
      }
    });
    return DLC_OK;
  }

 private:
  const float *x_;
  float *y_;
};

class RoiAlignGrad final : public Regions {
 public:
  explicit RoiAlignGrad(const KernelArgs &args)
      : Regions(args, args.outputs[0], args.inputs[0]),
        dy_(args.inputs[0].as<float>()),
        dx_(args.outputs[0].as<float>()) {}

  dlc_status run(RunContext &) override {
    for_parts([&](int64_t image, int64_t first, int64_t count) {
      float *const dx = dx_ + (image * channels_ + first) * plane();
      std::fill_n(dx, count * plane(), 0.0f);
      for (int64_t region = image * count_; region < (image + 1) * count_; ++region) {
        const float *const dy = dy_ + (region * channels_ + first) * bins();
        for_points(region, [&](int64_t bin, const Between &row, const Between &column, float share) {
          for (int64_t c = 0; c < count; ++c) {
            const float here = share * dy[c * bins() + bin];
            float *const low = dx + c * plane() + row.low * width_;
            float *const high = dx + c * plane() + row.high * width_;
            low[column.low] += here * row.of_low * column.of_low;
            low[column.high] += here * row.of_low * column.of_high;
            high[column.low] += here * row.of_high * column.of_low;
            high[column.high] += here * row.of_high * column.of_high;
          }
        });
      }
    });
    return DLC_OK;
  }

 private:
  const float *dy_;
  float *dx_;
};

}  // namespace

std::unique_ptr<Kernel> make_roi_align(const KernelArgs &args) {
  require(args.inputs.size() == 2 && args.outputs.size() == 1, "roi_align takes two inputs and gives one output");
  if (!args.outputs[0].data) return std::make_unique<Nothing>();
  return std::make_unique<RoiAlign>(args);
}

std::unique_ptr<Kernel> make_roi_align_grad(const KernelArgs &args) {
  require(args.inputs.size() == 2 && args.outputs.size() == 1, "roi_align_grad takes two inputs and gives one output");
  if (!args.outputs[0].data) return std::make_unique<Nothing>();
  return std::make_unique<RoiAlignGrad>(args);
}

}  // namespace dlc
