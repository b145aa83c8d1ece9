// conv_grad_input(dy, w): where the stride is 1 and the image is not much larger than dy, the convolution of dy with
// the flipped weights; else tap by tap.
#include <optional>

#include "../kernel.h"
#include "conv_depthwise.h"
#include "conv_forward.h"
#include "conv_last_kernels.h"
#include "conv_planes.h"
#include "conv_scatter.h"
#include "image_layout.h"

namespace dlc {
namespace {

// The flipped convolution does work for every pixel of dx, the taps for every pixel of dy.
bool by_flipping(const ConvShape &shape) {
  return shape.has_adjoint() && shape.in_plane() * 4 <= shape.out_plane() * 5;
}

class ConvGradInput final : public Kernel {
 public:
  explicit ConvGradInput(const KernelArgs &args) : pool_(args.pool) {
    require(args.inputs.size() == 2 && args.outputs.size() == 1, "conv_grad_input takes two inputs, gives one output");
    const Tensor &dy = args.inputs[0], &w = args.inputs[1], &dx = args.outputs[0];
    for (const Tensor *t : {&dy, &w, &dx}) require(t->dtype == DLC_F32, "conv_grad_input is for f32");
    require(args.attrs.integers("input_shape") == dx.shape, "conv_grad_input: wrong output shape");
    const ConvShape shape = conv_shape(dx.shape, w.shape, dy.shape, args.attrs);
    require(args.workspace.size() >= static_cast<size_t>(ConvScatter::packed_floats(shape)) * sizeof(float),
            "conv_grad_input: the plan reserves too little workspace");
    dy_ = dy.as<float>();
    w_ = w.as<float>();
    dx_ = dx.as<float>();
    packed_ = reinterpret_cast<float *>(args.workspace.data());
    is_depthwise_ = is_depthwise(shape);
    flipped_ = by_flipping(shape);
    if (is_depthwise_) {
      depthwise_ = ConvDepthwiseGradInput(shape);
    } else if (flipped_ && ConvPlanes::fits(shape.adjoint())) {
      planes_.emplace(shape.adjoint());
    } else if (flipped_) {
      forward_ = ConvForward(shape.adjoint());
    } else {
      scatter_ = ConvScatter(shape);
    }
  }

  dlc_status run(RunContext &) override {
    if (is_depthwise_) {
      depthwise_.run(pool_, dy_, w_, dx_);
    } else if (planes_) {
      planes_->pack_flipped(pool_, w_, packed_);
      planes_->run(pool_, dy_, packed_, nullptr, false, dx_);
    } else if (flipped_) {
      forward_.pack_flipped(pool_, w_, packed_);
      forward_.run(pool_, dy_, packed_, nullptr, false, dx_);
    } else {
      scatter_.pack(pool_, w_, packed_);
      scatter_.run(pool_, dy_, packed_, dx_);
    }
    return DLC_OK;
  }

 private:
  ThreadPool &pool_;
  bool is_depthwise_ = false, flipped_ = false;
  ConvDepthwiseGradInput depthwise_;
  std::optional<ConvPlanes> planes_;
  ConvForward forward_;
  ConvScatter scatter_;
  const float *dy_ = nullptr, *w_ = nullptr;
  float *dx_ = nullptr, *packed_ = nullptr;
};

}  // namespace

std::unique_ptr<Kernel> make_conv_grad_input(const KernelArgs &args) {
  if (channels_last(args.attrs)) return make_conv_grad_input_last(args);
  return std::make_unique<ConvGradInput>(args);
}

}  // namespace dlc
