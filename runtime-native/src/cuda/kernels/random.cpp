// Random numbers.
#include <cmath>

#include "cuda/kernels/kernels.h"

namespace dlc::cuda {
namespace {

std::string stream_of(const Attrs &attrs) {
  return std::to_string(attrs.integer("stream")) + "u";
}

}  // namespace

void emit_random_uniform(const StepArgs &args, Writer &writer) {
  const Tensor &y = args.outputs[0];
  if (y.data)
    writer.call("random",
                instance("random_uniform", y.elements(), stream_of(args.attrs), float_bits(args.attrs.number("low")),
                         float_bits(args.attrs.number("high"))),
                {args.inputs[0], y}, blocks_of(y.elements()));
}

void emit_random_normal(const StepArgs &args, Writer &writer) {
  const Tensor &y = args.outputs[0];
  if (y.data)
    writer.call("random",
                instance("random_normal", y.elements(), stream_of(args.attrs), float_bits(args.attrs.number("mean")),
                         float_bits(args.attrs.number("std")), args.attrs.boolean("truncated")),
                {args.inputs[0], y}, blocks_of(y.elements()));
}

void emit_fold_rng(const StepArgs &args, Writer &writer) {
  const Tensor &y = args.outputs[0];
  if (y.data) writer.call("random", "fold_rng", {args.inputs[0], args.inputs[1], y}, 1);
}

void emit_dropout(const StepArgs &args, Writer &writer) {
  const Tensor &x = args.inputs[0], &y = args.outputs[0];
  if (!y.data) return;
  const double rate = args.attrs.number("rate");
  // u >= rate for u of 24 bits, without rounding
  const auto least = static_cast<int64_t>(std::ceil(rate * 16777216));
  writer.call(
      "random",
      instance("dropout", x.elements(), stream_of(args.attrs), std::to_string(least) + "u", float_bits(1 / (1 - rate))),
      {x, args.inputs[1], y}, blocks_of(x.elements()));
}

}  // namespace dlc::cuda
