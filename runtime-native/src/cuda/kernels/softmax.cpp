// Softmax and its loss.
#include <cmath>

#include "cuda/kernels/kernels.h"

namespace dlc::cuda {
namespace {

struct Axis {
  int64_t classes, inner, lines;
};

Axis axis_of(const Tensor &x, const Attrs &attrs) {
  const auto axis = static_cast<size_t>(attrs.integer("axis"));
  const int64_t classes = x.shape[axis];
  return {classes, dense_strides(x.shape)[axis], classes ? x.elements() / classes : 0};
}

void emit_lines(const StepArgs &args, Writer &writer, bool logarithm) {
  const Tensor &x = args.inputs[0], &y = args.outputs[0];
  const Axis axis = axis_of(x, args.attrs);
  if (y.data) writer.call("softmax", instance("softmax", axis.classes, axis.inner, logarithm), {x, y}, axis.lines);
}

// Class weights are the last input, behind the gradient of the loss if there is one.
void emit_cross_entropy(const StepArgs &args, Writer &writer, bool has_loss, bool has_gradient) {
  const Tensor &logits = args.inputs[0];
  const Axis axis = axis_of(logits, args.attrs);
  const size_t weights_at = has_gradient ? 3 : 2;
  const bool ignores = args.attrs.has("ignore_index");
  // In parts of 2^40 (softmax.cu).
  const auto smoothing = static_cast<int64_t>(std::llround(args.attrs.number("label_smoothing", 0) * 0x1p40));
  Operand dlogits = has_gradient ? Operand(args.outputs.back()) : absent("float");
  if (!dlogits.data) dlogits.type = c_type(logits.dtype);
  const auto line_output = [&](size_t i) { return has_loss ? Operand(args.outputs[i]) : absent("float"); };
  writer.call("softmax",
              instance("softmax_cross_entropy", axis.classes, axis.inner, ignores,
                       int64_t{ignores ? args.attrs.integer("ignore_index") : 0}, smoothing),
              {logits, args.inputs[1], has_gradient ? Operand(args.inputs[2]) : absent("float"),
               args.inputs.size() > weights_at ? Operand(args.inputs[weights_at]) : absent("float"), line_output(0),
               line_output(1), dlogits},
              axis.lines, true);
}

}  // namespace

void emit_softmax(const StepArgs &args, Writer &writer) {
  emit_lines(args, writer, false);
}
void emit_log_softmax(const StepArgs &args, Writer &writer) {
  emit_lines(args, writer, true);
}
void emit_softmax_cross_entropy(const StepArgs &args, Writer &writer) {
  emit_cross_entropy(args, writer, true, false);
}
void emit_softmax_cross_entropy_grad(const StepArgs &args, Writer &writer) {
  emit_cross_entropy(args, writer, false, true);
}
void emit_fused_cross_entropy(const StepArgs &args, Writer &writer) {
  emit_cross_entropy(args, writer, true, true);
}

void emit_in_top_k(const StepArgs &args, Writer &writer) {
  const Tensor &y = args.outputs[0];
  const Axis axis = axis_of(args.inputs[0], args.attrs);
  if (y.data)
    writer.call("softmax", instance("in_top_k", axis.lines, axis.classes, axis.inner, args.attrs.integer("k")),
                {args.inputs[0], args.inputs[1], y}, blocks_of(axis.lines));
}

}  // namespace dlc::cuda
