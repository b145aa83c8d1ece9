// conv(x, w, bias?) with an optional relu.
#include "../kernel.h"
#include "conv_depthwise.h"
#include "conv_forward.h"
#include "conv_planes.h"

namespace dlc {
namespace {

class Conv final : public Kernel {
 public:
  explicit Conv(const KernelArgs &args) : pool_(args.pool) {
    require(args.inputs.size() == 2 || args.inputs.size() == 3, "conv takes two or three inputs");
    require(args.outputs.size() == 1, "conv has one output");
    const Tensor &x = args.inputs[0], &w = args.inputs[1], &y = args.outputs[0];
    for (const Tensor *t : {&x, &w, &y}) require(t->dtype == DLC_F32, "conv is for f32");
    const ConvShape shape = conv_shape(x.shape, w.shape, y.shape, args.attrs);
    const std::string_view activation = args.attrs.string("activation", "");
    require(activation.empty() || activation == "relu", "conv knows the activation relu only");
    relu_ = activation == "relu";
    int64_t floats = ConvForward::packed_floats(shape);
    x_ = x.as<float>();
    w_ = w.as<float>();
    y_ = y.as<float>();
    packed_ = reinterpret_cast<float *>(args.workspace.data());
    if (args.inputs.size() == 3) {
      const Tensor &bias = args.inputs[2];
      require(bias.dtype == DLC_F32 && bias.shape == std::vector<int64_t>{w.shape[0]}, "conv: wrong bias");
      bias_ = bias.as<float>();
      packed_bias_ = packed_ + floats;
      floats += ConvForward::bias_floats(shape);
    }
    require(args.workspace.size() >= static_cast<size_t>(floats) * sizeof(float),
            "conv: the plan reserves too little workspace");
    is_depthwise_ = is_depthwise(shape);
    if (is_depthwise_) {
      depthwise_ = ConvDepthwise(shape);
    } else if (by_planes_ = ConvPlanes::fits(shape); by_planes_) {
      planes_ = ConvPlanes(shape);
    } else {
      forward_ = ConvForward(shape);
    }
  }

  dlc_status run(RunContext &) override {
    if (is_depthwise_) {
      depthwise_.run(pool_, x_, w_, bias_, relu_, y_);
      return DLC_OK;
    }
    if (by_planes_) {
      planes_.pack(pool_, w_, packed_);
      planes_.run(pool_, x_, packed_, bias_, relu_, y_);
      return DLC_OK;
    }
    forward_.pack(pool_, w_, packed_);
    if (bias_ != nullptr) forward_.pack_bias(bias_, packed_bias_);
    forward_.run(pool_, x_, packed_, packed_bias_, relu_, y_);
    return DLC_OK;
  }

 private:
  ThreadPool &pool_;
  bool is_depthwise_ = false, by_planes_ = false;
  ConvDepthwise depthwise_;
  ConvPlanes planes_;
  ConvForward forward_;
  const float *x_ = nullptr, *w_ = nullptr, *bias_ = nullptr;
  float *y_ = nullptr, *packed_ = nullptr, *packed_bias_ = nullptr;
  bool relu_ = false;
};

}  // namespace

std::unique_ptr<Kernel> make_conv(const KernelArgs &args) {
  return std::make_unique<Conv>(args);
}

}  // namespace dlc
