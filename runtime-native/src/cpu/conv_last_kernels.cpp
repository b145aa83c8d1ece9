// conv(x, w, bias?, residual?) with relu or clamp, pack_conv_weights(w) and conv_grad_input(dy, w) of channels-last
// images.
#include "conv_last_kernels.h"

#include <limits>

#include "conv_last_any.h"
#include "image_layout.h"

namespace dlc {
namespace {

bool is_image_type(dlc_dtype dtype) {
  return dtype == DLC_F32 || dtype == DLC_BF16;
}

ConvLast::Epilogue epilogue_of(const KernelArgs &args, const ConvShape &shape) {
  ConvLast::Epilogue epilogue;
  const Tensor &y = args.outputs[0];
  if (args.inputs.size() > 2) {
    const Tensor &bias = args.inputs[2];
    require(bias.dtype == DLC_F32 && bias.shape == std::vector<int64_t>{shape.k}, "conv: wrong bias");
    epilogue.bias = bias.as<float>();
  }
  if (args.inputs.size() > 3) {
    const Tensor &residual = args.inputs[3];
    require(residual.dtype == y.dtype && residual.shape == y.shape, "conv: wrong residual");
    epilogue.residual = residual.data;
  }
  const std::string_view activation = args.attrs.string("activation", "");
  require(activation.empty() || activation == "relu" || activation == "clamp", "conv knows relu and clamp only");
  epilogue.clamps = !activation.empty();
  epilogue.high = std::numeric_limits<float>::infinity();
  if (activation == "clamp") {
    epilogue.low = static_cast<float>(args.attrs.number("low"));
    epilogue.high = static_cast<float>(args.attrs.number("high"));
  }
  return epilogue;
}

class ConvLastForward final : public Kernel {
 public:
  explicit ConvLastForward(const KernelArgs &args) : pool_(args.pool) {
    require(args.inputs.size() >= 2 && args.inputs.size() <= 4, "conv takes two to four inputs");
    require(args.outputs.size() == 1, "conv has one output");
    const Tensor &x = args.inputs[0], &w = args.inputs[1], &y = args.outputs[0];
    require(is_image_type(x.dtype) && y.dtype == x.dtype, "conv: images are f32 or bf16");
    const bool packed = args.attrs.has("weight_shape");
    require(w.dtype == (packed ? x.dtype : DLC_F32), "conv: weights of another type");
    const ConvShape shape =
        conv_shape(logical_image(x.shape, true), packed ? args.attrs.integers("weight_shape") : w.shape,
                   logical_image(y.shape, true), args.attrs);
    sum_ = ConvLastAny::forward(shape, x.dtype, packed);
    const int64_t elements = sum_.packed_elements();
    require(!packed || w.shape == std::vector<int64_t>{elements}, "conv: packed weights of another size");
    require(packed || args.workspace.size() >= static_cast<size_t>(elements) * size_of(x.dtype),
            "conv: the plan reserves too little workspace");
    epilogue_ = epilogue_of(args, shape);
    x_ = x.data;
    y_ = y.data;
    weights_ = packed ? w.data : args.workspace.data();
    w_ = packed ? nullptr : w.as<float>();
  }

  dlc_status run(RunContext &) override {
    if (w_ != nullptr) sum_.pack(pool_, w_, weights_);
    sum_.run(pool_, x_, weights_, epilogue_, y_);
    return DLC_OK;
  }

 private:
  ThreadPool &pool_;
  ConvLastAny sum_;
  ConvLast::Epilogue epilogue_;
  const void *x_ = nullptr;
  const float *w_ = nullptr;  // null: the weights come packed
  void *weights_ = nullptr, *y_ = nullptr;
};

class PackConvLast final : public Kernel {
 public:
  explicit PackConvLast(const KernelArgs &args) : pool_(args.pool) {
    require(args.inputs.size() == 1 && args.outputs.size() == 1,
            "pack_conv_weights takes weights and gives them packed");
    const Tensor &w = args.inputs[0], &packed = args.outputs[0];
    require(w.dtype == DLC_F32 && is_image_type(packed.dtype), "pack_conv_weights gives f32 or bf16 of f32");
    const std::vector<int64_t> x = logical_image(args.attrs.integers("input_shape"), true);
    sum_ = ConvLastAny::forward(conv_shape(x, w.shape, conv_output(x, w.shape, args.attrs), args.attrs), packed.dtype,
                                true);
    require(packed.shape == std::vector<int64_t>{sum_.packed_elements()}, "pack_conv_weights: wrong size");
    w_ = w.as<float>();
    packed_ = packed.data;
  }

  dlc_status run(RunContext &) override {
    sum_.pack(pool_, w_, packed_);
    return DLC_OK;
  }

 private:
  ThreadPool &pool_;
  ConvLastAny sum_;
  const float *w_ = nullptr;
  void *packed_ = nullptr;
};

class ConvLastGradInput final : public Kernel {
 public:
  explicit ConvLastGradInput(const KernelArgs &args) : pool_(args.pool) {
    require(args.inputs.size() == 2 && args.outputs.size() == 1, "conv_grad_input takes two inputs, gives one output");
    const Tensor &dy = args.inputs[0], &w = args.inputs[1], &dx = args.outputs[0];
    require(is_image_type(dy.dtype) && dx.dtype == dy.dtype, "conv_grad_input: images are f32 or bf16");
    require(w.dtype == DLC_F32, "conv_grad_input: weights are f32");
    require(args.attrs.integers("input_shape") == dx.shape, "conv_grad_input: wrong output shape");
    sum_ = ConvLastAny::grad_input(
        conv_shape(logical_image(dx.shape, true), w.shape, logical_image(dy.shape, true), args.attrs), dy.dtype);
    require(args.workspace.size() >= static_cast<size_t>(sum_.packed_elements()) * size_of(dy.dtype),
            "conv_grad_input: the plan reserves too little workspace");
    dy_ = dy.data;
    w_ = w.as<float>();
    packed_ = args.workspace.data();
    dx_ = dx.data;
  }

  dlc_status run(RunContext &) override {
    sum_.pack(pool_, w_, packed_);
    sum_.run(pool_, dy_, packed_, {}, dx_);
    return DLC_OK;
  }

 private:
  ThreadPool &pool_;
  ConvLastAny sum_;
  const void *dy_ = nullptr;
  const float *w_ = nullptr;
  void *packed_ = nullptr, *dx_ = nullptr;
};

}  // namespace

std::unique_ptr<Kernel> make_conv_last(const KernelArgs &args) {
  return std::make_unique<ConvLastForward>(args);
}
std::unique_ptr<Kernel> make_pack_conv_weights_last(const KernelArgs &args) {
  return std::make_unique<PackConvLast>(args);
}
std::unique_ptr<Kernel> make_conv_grad_input_last(const KernelArgs &args) {
  return std::make_unique<ConvLastGradInput>(args);
}

}  // namespace dlc
