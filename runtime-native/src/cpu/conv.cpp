// conv(x, w, bias?) with an optional relu, and pack_conv_weights(w), which does once what conv does to its weights.
#include <algorithm>

#include "../kernel.h"
#include "conv_any.h"
#include "conv_last_kernels.h"
#include "image_layout.h"

namespace dlc {
namespace {

class Conv final : public Kernel {
 public:
  explicit Conv(const KernelArgs &args) : pool_(args.pool) {
    require(args.inputs.size() == 2 || args.inputs.size() == 3, "conv takes two or three inputs");
    require(args.outputs.size() == 1, "conv has one output");
    const Tensor &x = args.inputs[0], &w = args.inputs[1], &y = args.outputs[0];
    for (const Tensor *t : {&x, &w, &y}) require(t->dtype == DLC_F32, "conv is for f32");
    const bool packed = args.attrs.has("weight_shape");
    const std::vector<int64_t> weight = packed ? args.attrs.integers("weight_shape") : w.shape;
    const ConvShape shape = conv_shape(x.shape, weight, y.shape, args.attrs);
    const int64_t floats = ConvAny::packed_floats(shape);
    require(!packed || w.shape == std::vector<int64_t>{floats}, "conv: packed weights of another size");
    const std::string_view activation = args.attrs.string("activation", "");
    require(activation.empty() || activation == "relu", "conv knows the activation relu only");
    relu_ = activation == "relu";
    x_ = x.as<float>();
    w_ = w.as<float>();
    y_ = y.as<float>();
    kernel_ = ConvAny(shape);
    int64_t scratch = 0;
    float *workspace = reinterpret_cast<float *>(args.workspace.data());
    if (!packed) {
      if (kernel_.packs()) packed_ = workspace;
      scratch = floats;
    }
    if (args.inputs.size() == 3) {
      const Tensor &bias = args.inputs[2];
      require(bias.dtype == DLC_F32 && bias.shape == std::vector<int64_t>{shape.k}, "conv: wrong bias");
      bias_ = bias.as<float>();
      packed_bias_ = workspace + scratch;
      scratch += ConvForward::bias_floats(shape);
    }
    require(args.workspace.size() >= static_cast<size_t>(scratch) * sizeof(float),
            "conv: the plan reserves too little workspace");
  }

  dlc_status run(RunContext &) override {
    if (packed_ != nullptr) kernel_.pack(pool_, w_, packed_);
    kernel_.run(pool_, x_, packed_ != nullptr ? packed_ : w_, bias_, packed_bias_, relu_, y_);
    return DLC_OK;
  }

 private:
  ThreadPool &pool_;
  ConvAny kernel_;
  const float *x_ = nullptr, *w_ = nullptr, *bias_ = nullptr;
  float *y_ = nullptr, *packed_ = nullptr, *packed_bias_ = nullptr;
  bool relu_ = false;
};

class PackConvWeights final : public Kernel {
 public:
  explicit PackConvWeights(const KernelArgs &args) : pool_(args.pool) {
    require(args.inputs.size() == 1 && args.outputs.size() == 1,
            "pack_conv_weights takes weights and gives them packed");
    const Tensor &w = args.inputs[0], &packed = args.outputs[0];
    for (const Tensor *t : {&w, &packed}) require(t->dtype == DLC_F32, "pack_conv_weights is for f32");
    const std::vector<int64_t> x = args.attrs.integers("input_shape");
    const ConvShape shape = conv_shape(x, w.shape, conv_output(x, w.shape, args.attrs), args.attrs);
    require(packed.shape == std::vector<int64_t>{ConvAny::packed_floats(shape)}, "pack_conv_weights: wrong size");
    kernel_ = ConvAny(shape);
    floats_ = shape.k * shape.depth();
    w_ = w.as<float>();
    packed_ = packed.as<float>();
  }

  dlc_status run(RunContext &) override {
    if (kernel_.packs()) {
      kernel_.pack(pool_, w_, packed_);
    } else {
      std::copy_n(w_, floats_, packed_);
    }
    return DLC_OK;
  }

 private:
  ThreadPool &pool_;
  ConvAny kernel_;
  int64_t floats_ = 0;
  const float *w_ = nullptr;
  float *packed_ = nullptr;
};

}  // namespace

std::unique_ptr<Kernel> make_conv(const KernelArgs &args) {
  if (channels_last(args.attrs)) return make_conv_last(args);
  return std::make_unique<Conv>(args);
}
std::unique_ptr<Kernel> make_pack_conv_weights(const KernelArgs &args) {
  if (channels_last(args.attrs)) return make_pack_conv_weights_last(args);
  return std::make_unique<PackConvWeights>(args);
}

}  // namespace dlc
