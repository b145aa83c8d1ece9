// Convolutions and poolings.
#include "cpu/conv_shape.h"
#include "cpu/pool_window.h"
#include "cuda/kernels/kernels.h"

namespace dlc::cuda {
namespace {

using Axes = std::array<int64_t, 3>;

std::string window(int64_t n, int64_t c, int64_t k, int64_t groups, const Axes &in, const Axes &out, const Axes &kernel,
                   const Axes &stride, const Axes &dilation, const Axes &low) {
  return instance("Window", n, c, k, groups, in[0], in[1], in[2], out[0], out[1], out[2], kernel[0], kernel[1],
                  kernel[2], stride[0], stride[1], stride[2], dilation[0], dilation[1], dilation[2], low[0], low[1],
                  low[2]);
}

std::string window(const ConvShape &shape) {
  return window(shape.n, shape.c, shape.k, shape.groups, shape.in, shape.out, shape.kernel, shape.stride,
                shape.dilation, shape.low);
}

// Each channel by itself.
std::string window(const PoolWindow &pool) {
  return window(pool.planes, 1, 1, 1, pool.in, pool.out, pool.kernel, pool.stride, {1, 1, 1}, pool.low);
}

std::string conv_window(const Tensor &x, const std::vector<int64_t> &w, const Tensor &y, const Attrs &attrs) {
  return window(conv_shape(x.shape, w, y.shape, attrs));
}

// What the sums of an average are divided by, axis by axis.
std::string divisors(const PoolWindow &pool, const Attrs &attrs, size_t spatial) {
  const Axes overhang = pool_axes(attrs, "overhang", spatial, 0);
  const bool counts_padding = attrs.boolean("count_include_pad");
  const double divisor = attrs.number("divisor", 0);
  std::string text = argument(pool.out[1]) + ", " + argument(pool.out[2]);
  for (size_t i = 0; i < 3; ++i) {
    if (divisor > 0) {
      // One that is given goes to the last axis.
      text += ", " + instance("Given", float_bits(i == 2 ? divisor : 1));
    } else {
      text += ", " + instance("Count", pool.in[i], pool.kernel[i], pool.stride[i], pool.low[i],
                              pool.in[i] + pool.high[i] - overhang[i], counts_padding);
    }
  }
  return text;
}

}  // namespace

void emit_conv(const StepArgs &args, Writer &writer) {
  require_plain(args.attrs);
  if (args.inputs.size() > 3) unsupported(" with a residual");
  const Tensor &x = args.inputs[0], &w = args.inputs[1], &y = args.outputs[0];
  if (!y.data) return;
  const std::string_view activation = args.attrs.string("activation", "");
  if (!activation.empty() && activation != "relu") unsupported(" with activation " + std::string(activation));
  const Operand bias = args.inputs.size() > 2 ? Operand(args.inputs[2]) : absent("float");
  writer.call("conv", instance("conv", conv_window(x, w.shape, y, args.attrs), activation == "relu"), {x, w, bias, y},
              blocks_of(y.elements()));
}

void emit_conv_grad_input(const StepArgs &args, Writer &writer) {
  require_plain(args.attrs);
  const Tensor &dy = args.inputs[0], &w = args.inputs[1], &dx = args.outputs[0];
  if (dx.data)
    writer.call("conv", instance("conv_grad_input", conv_window(dx, w.shape, dy, args.attrs)), {dy, w, dx},
                blocks_of(dx.elements()));
}

void emit_conv_grad_weight(const StepArgs &args, Writer &writer) {
  if (args.attrs.string("layout", "") == "channels_last") unsupported(" with channels last");
  const Tensor &x = args.inputs[0], &dy = args.inputs[1], &dw = args.outputs[0];
  if (dw.data)
    writer.call("conv", instance("conv_grad_weight", conv_window(x, dw.shape, dy, args.attrs)), {x, dy, dw},
                dw.elements());
}

void emit_max_pool(const StepArgs &args, Writer &writer) {
  require_plain(args.attrs);
  const Tensor &x = args.inputs[0], &y = args.outputs[0], &index = args.outputs[1];
  const Tensor &shaped = y.data ? y : index;
  if (!shaped.data) return;
  Operand values = y, places = index;
  if (!y.data) values.type = c_type(x.dtype);
  places.type = "int";
  writer.call("conv", instance("max_pool", window(pool_window(x.shape, shaped.shape, args.attrs))), {x, values, places},
              blocks_of(shaped.elements()));
}

void emit_max_pool_grad(const StepArgs &args, Writer &writer) {
  require_plain(args.attrs);
  const Tensor &dy = args.inputs[0], &index = args.inputs[1], &dx = args.outputs[0];
  if (!dx.data) return;
  int64_t in = 1, out = 1;
  for (size_t i = 2; i < dx.shape.size(); ++i) {
    in *= dx.shape[i];
    out *= dy.shape[i];
  }
  writer.call("conv", instance("max_pool_grad", in, out), {dy, index, dx}, dx.shape[0] * dx.shape[1]);
}

void emit_avg_pool(const StepArgs &args, Writer &writer) {
  require_plain(args.attrs);
  const Tensor &x = args.inputs[0], &y = args.outputs[0];
  if (!y.data) return;
  const PoolWindow pool = pool_window(x.shape, y.shape, args.attrs);
  writer.call("conv", instance("avg_pool", window(pool), divisors(pool, args.attrs, x.shape.size() - 2)), {x, y},
              blocks_of(y.elements()));
}

void emit_avg_pool_grad(const StepArgs &args, Writer &writer) {
  require_plain(args.attrs);
  const Tensor &dy = args.inputs[0], &dx = args.outputs[0];
  if (!dx.data) return;
  const PoolWindow pool = pool_window(dx.shape, dy.shape, args.attrs);
  writer.call("conv", instance("avg_pool_grad", window(pool), divisors(pool, args.attrs, dx.shape.size() - 2)),
              {dy, dx}, blocks_of(dx.elements()));
}

}  // namespace dlc::cuda
