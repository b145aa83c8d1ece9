// sample_image(x, points) -> y, sample_image_grad(dy, points) -> dx, sample_image_slope(dy, x, points) -> dpoints:
// images read at any points. Output rows are gone through in runs; the pixels around the points of a run are found once
// for all channels. A task of the gradient owns some channels of one image, so that every sum has one order.
#include <algorithm>
#include <cstring>

#include "../kernel.h"
#include "image_sampling.h"
#include "nothing.h"

namespace dlc {
namespace {

constexpr int64_t kTaskElements = 8192;
// Channels of one task of the gradient.
constexpr int64_t kChannels = 8;

SampleBorder border_of(std::string_view word) {
  if (word == "edge") return SampleBorder::edge;
  if (word == "reflect") return SampleBorder::reflect;
  if (word == "symmetric") return SampleBorder::symmetric;
  if (word == "wrap") return SampleBorder::wrap;
  require(word == "constant", "sample_image: unknown border");
  return SampleBorder::constant;
}

class Sampler : public Kernel {
 public:
  // `image` is the tensor of images read, or of their gradient; `output` that of what is read.
  Sampler(const KernelArgs &args, const Tensor &image, const Tensor &points, const Tensor &output)
      : pool_(args.pool), points_(points.as<float>()) {
    require(image.rank() == 4 && output.rank() == 4, "sample_image: images are [N, C, H, W]");
    require(points.dtype == DLC_F32, "sample_image: points are f32");
    batch_ = image.shape[0];
    channels_ = image.shape[1];
    image_ = {image.shape[2], image.shape[3], border_of(args.attrs.string("border")),
              static_cast<float>(args.attrs.number("value"))};
    rows_ = args.attrs.integer("height");
    columns_ = args.attrs.integer("width");
    require(image_.height >= 1 && image_.width >= 1 && rows_ >= 1 && columns_ >= 1, "sample_image: no extent");
    require(image_.height <= (1 << 22) && image_.width <= (1 << 22) && image_.height <= INT32_MAX / image_.width,
            "sample_image: the images are too large");
    require(output.shape == std::vector<int64_t>{batch_, channels_, rows_, columns_},
            "sample_image: the output is of another shape");
    maps_ = points.rank() == 2;
    require(
        points.shape == (maps_ ? std::vector<int64_t>{batch_, 6} : std::vector<int64_t>{batch_, rows_, columns_, 2}),
        "sample_image: the points are of another shape");
    const std::string_view method = args.attrs.string("method");
    nearest_ = method == "nearest";
    require(nearest_ || method == "bilinear", "sample_image: unknown method");
  }

 protected:
  // Calls f(first output of the run within its plane, number of points, x, y) for rows [begin, end) of an image.
  template <typename F>
  void for_runs(int64_t image, int64_t begin, int64_t end, F f) const {
    const auto map = DLC_DISPATCH(sample_map);
    const auto pairs = DLC_DISPATCH(sample_pairs);
    float x[kSampleRun], y[kSampleRun];
    for (int64_t row = begin; row < end; ++row) {
      for (int64_t first = 0; first < columns_; first += kSampleRun) {
        const int64_t count = std::min(kSampleRun, columns_ - first);
        const int64_t at = row * columns_ + first;
        if (maps_)
          map(points_ + 6 * image, row, first, count, x, y);
        else
          pairs(points_ + 2 * (image * outputs() + at), count, x, y);
        f(at, count, x, y);
      }
    }
  }

  // Calls f(image, first row, last row) for pieces of about as many outputs.
  template <typename F>
  void for_pieces(F f) const {
    const int64_t high = std::max<int64_t>(1, kTaskElements / std::max<int64_t>(1, columns_ * channels_));
    const int64_t pieces = (rows_ + high - 1) / high;
    pool_.parallel(batch_ * pieces, [&](int64_t task, int) {
      const int64_t begin = task % pieces * high;
      f(task / pieces, begin, std::min(rows_, begin + high));
    });
  }

  int64_t plane() const { return image_.height * image_.width; }
  int64_t outputs() const { return rows_ * columns_; }

  ThreadPool &pool_;
  const float *points_;
  int64_t batch_ = 0, channels_ = 0, rows_ = 0, columns_ = 0;
  SampleImage image_{};
  bool maps_ = false, nearest_ = false;
};

class SampleBilinear final : public Sampler {
 public:
  explicit SampleBilinear(const KernelArgs &args)
      : Sampler(args, args.inputs[0], args.inputs[1], args.outputs[0]),
        x_(args.inputs[0].as<float>()),
        y_(args.outputs[0].as<float>()) {}

  dlc_status run(RunContext &) override {
    const auto taps_of = DLC_DISPATCH(sample_taps);
    const auto mix = DLC_DISPATCH(sample_mix);
    for_pieces([&](int64_t image, int64_t begin, int64_t end) {
      SampleTaps taps;
      for_runs(image, begin, end, [&](int64_t at, int64_t count, const float *x, const float *y) {
        taps_of(image_, x, y, count, taps);
        for (int64_t c = image * channels_; c < (image + 1) * channels_; ++c)
          mix(x_ + c * plane(), taps, count, y_ + c * outputs() + at);
      });
    });
    return DLC_OK;
  }

 private:
  const float *x_;
  float *y_;
};

// Elements are moved as they are, by their size.
template <typename T>
class SampleNearest final : public Sampler {
 public:
  SampleNearest(const KernelArgs &args, T fill)
      : Sampler(args, args.inputs[0], args.inputs[1], args.outputs[0]),
        x_(args.inputs[0].as<T>()),
        y_(args.outputs[0].as<T>()),
        fill_(fill) {}

  dlc_status run(RunContext &) override {
    const auto nearest = DLC_DISPATCH(sample_nearest);
    for_pieces([&](int64_t image, int64_t begin, int64_t end) {
      int32_t index[kSampleRun];
      for_runs(image, begin, end, [&](int64_t at, int64_t count, const float *x, const float *y) {
        nearest(image_, x, y, count, index);
        for (int64_t c = image * channels_; c < (image + 1) * channels_; ++c) {
          const T *const from = x_ + c * plane();
          T *const to = y_ + c * outputs() + at;
          for (int64_t k = 0; k < count; ++k) to[k] = index[k] >= 0 ? from[index[k]] : fill_;
        }
      });
    });
    return DLC_OK;
  }

 private:
  const T *x_;
  T *y_;
  T fill_;
};

class SampleGrad final : public Sampler {
 public:
  explicit SampleGrad(const KernelArgs &args)
      : Sampler(args, args.outputs[0], args.inputs[1], args.inputs[0]),
        dy_(args.inputs[0].as<float>()),
        dx_(args.outputs[0].as<float>()) {
    require(args.inputs[0].dtype == DLC_F32 && args.outputs[0].dtype == DLC_F32, "sample_image_grad is for f32");
  }

  dlc_status run(RunContext &) override {
    const auto taps_of = DLC_DISPATCH(sample_taps);
    const auto nearest = DLC_DISPATCH(sample_nearest);
    const int64_t parts = (channels_ + kChannels - 1) / kChannels;
    pool_.parallel(batch_ * parts, [&](int64_t task, int) {
      const int64_t image = task / parts, begin = image * channels_ + task % parts * kChannels;
      const int64_t end = std::min(begin + kChannels, (image + 1) * channels_);
      std::fill_n(dx_ + begin * plane(), (end - begin) * plane(), 0.0f);
      SampleTaps taps;
      for_runs(image, 0, rows_, [&](int64_t at, int64_t count, const float *x, const float *y) {
        if (nearest_)
          nearest(image_, x, y, count, taps.index[0]);
        else
          taps_of(image_, x, y, count, taps);
        for (int64_t c = begin; c < end; ++c) spread(dy_ + c * outputs() + at, taps, count, dx_ + c * plane());
      });
    });
    return DLC_OK;
  }

 private:
  void spread(const float *dy, const SampleTaps &taps, int64_t count, float *dx) const {
    for (int64_t k = 0; k < count; ++k) {
      if (nearest_) {
        if (taps.index[0][k] >= 0) dx[taps.index[0][k]] += dy[k];
        continue;
      }
      for (int t = 0; t < 4; ++t)
        if (taps.weight[t][k] != 0.0f) dx[taps.index[t][k]] += taps.weight[t][k] * dy[k];
    }
  }

  const float *dy_;
  float *dx_;
};

class SampleSlope final : public Sampler {
 public:
  explicit SampleSlope(const KernelArgs &args)
      : Sampler(args, args.inputs[1], args.inputs[2], args.inputs[0]),
        dy_(args.inputs[0].as<float>()),
        x_(args.inputs[1].as<float>()),
        slopes_(args.outputs[0].as<float>()) {
    require(args.inputs[0].dtype == DLC_F32 && args.inputs[1].dtype == DLC_F32 && !nearest_,
            "sample_image_slope is for f32 and bilinear");
    require(
        args.outputs[0].dtype == DLC_F32 && args.outputs[0].shape == std::vector<int64_t>{batch_, rows_, columns_, 2},
        "sample_image_slope: the output is of another type");
  }

  dlc_status run(RunContext &) override {
    const auto taps_of = DLC_DISPATCH(sample_taps);
    const auto slopes = DLC_DISPATCH(sample_slopes);
    for_pieces([&](int64_t image, int64_t begin, int64_t end) {
      SampleTaps taps;
      for_runs(image, begin, end, [&](int64_t at, int64_t count, const float *x, const float *y) {
        taps_of(image_, x, y, count, taps);
        float along_x[kSampleRun] = {}, along_y[kSampleRun] = {};
        for (int64_t c = image * channels_; c < (image + 1) * channels_; ++c)
          slopes(x_ + c * plane(), taps, image_.value, dy_ + c * outputs() + at, count, along_x, along_y);
        float *const to = slopes_ + 2 * (image * outputs() + at);
        for (int64_t k = 0; k < count; ++k) {
          to[2 * k] = along_x[k];
          to[2 * k + 1] = along_y[k];
        }
      });
    });
    return DLC_OK;
  }

 private:
  const float *dy_, *x_;
  float *slopes_;
};

// The bits of a number in the elements' own type.
template <typename T, typename Bits>
Bits bits_of(double value) {
  const T number = static_cast<T>(value);
  Bits bits;
  static_assert(sizeof(bits) == sizeof(number));
  std::memcpy(&bits, &number, sizeof(bits));
  return bits;
}

}  // namespace

std::unique_ptr<Kernel> make_sample_image(const KernelArgs &args) {
  require(args.inputs.size() == 2 && args.outputs.size() == 1, "sample_image takes two inputs and gives one output");
  const Tensor &x = args.inputs[0], &y = args.outputs[0];
  if (!y.data) return std::make_unique<Nothing>();
  require(x.dtype == y.dtype, "sample_image: the output is of another type");
  const bool nearest = args.attrs.string("method") == "nearest";
  require(nearest || x.dtype == DLC_F32, "sample_image mixes f32 alone");
  if (!nearest) return std::make_unique<SampleBilinear>(args);
  const double value = args.attrs.number("value");
  // Also keeps the conversions below defined.
  require(x.dtype == DLC_F32 || (value >= -9007199254740992.0 && value <= 9007199254740992.0),
          "sample_image: the value is no integer of its type");
  switch (x.dtype) {
    case DLC_F32:
      return std::make_unique<SampleNearest<uint32_t>>(args, bits_of<float, uint32_t>(value));
    case DLC_I32:
      require(value >= INT32_MIN && value <= INT32_MAX, "sample_image: the value is no integer of its type");
      return std::make_unique<SampleNearest<uint32_t>>(args, bits_of<int32_t, uint32_t>(value));
    case DLC_I64:
      return std::make_unique<SampleNearest<uint64_t>>(args, bits_of<int64_t, uint64_t>(value));
    case DLC_U8:
    case DLC_BOOL:
      require(value >= 0 && value <= 255, "sample_image: the value is no integer of its type");
      return std::make_unique<SampleNearest<uint8_t>>(args, bits_of<uint8_t, uint8_t>(value));
    default:
      require(false, "sample_image: a type that it cannot move");
      return nullptr;
  }
}

std::unique_ptr<Kernel> make_sample_image_grad(const KernelArgs &args) {
  require(args.inputs.size() == 2 && args.outputs.size() == 1, "sample_image_grad takes two inputs, gives one output");
  if (!args.outputs[0].data) return std::make_unique<Nothing>();
  return std::make_unique<SampleGrad>(args);
}

std::unique_ptr<Kernel> make_sample_image_slope(const KernelArgs &args) {
  require(args.inputs.size() == 3 && args.outputs.size() == 1,
          "sample_image_slope takes three inputs, gives one output");
  if (!args.outputs[0].data) return std::make_unique<Nothing>();
  return std::make_unique<SampleSlope>(args);
}

}  // namespace dlc
