// Normalizations of rows and of channels.
#include "cuda/kernels/kernels.h"

namespace dlc::cuda {
namespace {

Operand float_or_absent(std::span<const Tensor> tensors, size_t i) {
  return tensors.size() > i && tensors[i].data ? Operand(tensors[i]) : absent("float");
}

// Typed like x where nobody wants it.
Operand like(const Tensor &y, const Tensor &x) {
  return {y.data, c_type(x.dtype)};
}

struct Channels {
  int64_t images, channels, plane;
};

Channels channels_of(const Tensor &x) {
  int64_t plane = 1;
  for (size_t i = 2; i < x.shape.size(); ++i) plane *= x.shape[i];
  return {x.shape[0], x.shape[1], plane};
}

int64_t width_of(const Tensor &x, const Attrs &attrs) {
  int64_t width = 1;
  for (auto i = static_cast<size_t>(attrs.integer("axis")); i < x.shape.size(); ++i) width *= x.shape[i];
  return width;
}

}  // namespace

void emit_orthonormalize(const StepArgs &args, Writer &writer) {
  const Tensor &x = args.inputs[0], &y = args.outputs[0];
  if (y.data)
    writer.call("norm", instance("orthonormalize", x.shape[0], x.shape[1]), {x, {args.workspace, "double"}, y}, 1);
}

void emit_layer_norm(const StepArgs &args, Writer &writer) {
  const Tensor &x = args.inputs[0];
  const int64_t width = width_of(x, args.attrs);
  writer.call("norm",
              instance("layer_norm", width, double_bits(args.attrs.number("epsilon")), args.attrs.boolean("center")),
              {x, float_or_absent(args.inputs, 1), float_or_absent(args.inputs, 2), like(args.outputs[0], x),
               float_or_absent(args.outputs, 1), float_or_absent(args.outputs, 2)},
              x.elements() / width);
}

void emit_layer_norm_grad(const StepArgs &args, Writer &writer) {
  const Tensor &dy = args.inputs[0], &x = args.inputs[1], &mean = args.inputs[2], &rstd = args.inputs[3];
  const int64_t width = width_of(x, args.attrs), rows = x.elements() / width;
  const Operand dgamma = float_or_absent(args.outputs, 1), dbeta = float_or_absent(args.outputs, 2);
  // First: dx may lie on dy or x.
  if (dgamma.data || dbeta.data)
    writer.call("norm", instance("layer_norm_grad_parameters", rows, width), {dy, x, mean, rstd, dgamma, dbeta}, width);
  if (args.outputs[0].data)
    writer.call("norm", instance("layer_norm_grad", width, args.attrs.boolean("center")),
                {dy, x, mean, rstd, float_or_absent(args.inputs, 4), args.outputs[0]}, rows);
}

void emit_batch_norm_train(const StepArgs &args, Writer &writer) {
  require_plain(args.attrs);
  const Tensor &x = args.inputs[0];
  const Channels view = channels_of(x);
  writer.call("norm",
              instance("batch_norm", view.images, view.channels, view.plane, double_bits(args.attrs.number("epsilon"))),
              {x, args.inputs[1], args.inputs[2], like(args.outputs[0], x), float_or_absent(args.outputs, 1),
               float_or_absent(args.outputs, 2)},
              view.channels);
}

void emit_batch_norm_grad(const StepArgs &args, Writer &writer) {
  require_plain(args.attrs);
  const Tensor &x = args.inputs[1];
  const Channels view = channels_of(x);
  writer.call(
      "norm",
      instance("batch_norm_grad", view.images, view.channels, view.plane, double_bits(args.attrs.number("epsilon"))),
      {args.inputs[0], x, args.inputs[2], args.inputs[3], args.inputs[4], like(args.outputs[0], x),
       float_or_absent(args.outputs, 1), float_or_absent(args.outputs, 2)},
      view.channels);
}

}  // namespace dlc::cuda
