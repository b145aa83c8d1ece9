// Sampling of images, resampling along an axis, responses across channels.
#include <cstdio>
#include <iterator>

#include "cuda/kernels/kernels.h"

namespace dlc::cuda {
namespace {

// In the order of image.cu's numbers.
std::string border_of(const Attrs &attrs) {
  constexpr std::string_view names[] = {"constant", "edge", "reflect", "symmetric", "wrap"};
  const std::string_view border = attrs.string("border");
  size_t at = 0;
  while (at + 1 < std::size(names) && names[at] != border) ++at;
  return std::to_string(at);
}

// The arguments that all samplers share, behind the number of elements.
std::string sampler(const Tensor &image, const Tensor &points, const Attrs &attrs) {
  return argument(image.shape[1]) + ", " + argument(attrs.integer("height")) + ", " + argument(attrs.integer("width")) +
         ", " + argument(image.shape[2]) + ", " + argument(image.shape[3]) + ", " + border_of(attrs) + ", " +
         argument(points.shape.size() == 2);
}

bool is_nearest(const Attrs &attrs) {
  return attrs.string("method") == "nearest";
}

std::string table(Writer &writer, const std::vector<int64_t> &indices, const std::vector<double> &weights) {
  // More would be a long source: it is compiled anew wherever one number is another.
  constexpr size_t most = 65536;
  if (indices.size() > most) unsupported(" with so large a table");
  std::string text = "__device__ const int @_indices[] = {0";
  for (const int64_t index : indices) text += ", " + std::to_string(index);
  text += "};\n__device__ const float @_weights[] = {0.0f";
  for (const double weight : weights) {
    char number[40];
    std::snprintf(number, sizeof number, ", %.9ef", static_cast<double>(static_cast<float>(weight)));
    text += number;
  }
  // The first of each is there so that no table is empty.
  return writer.source().define("Table",
                                text +
                                    "};\nstruct @ {\n"
                                    "  __device__ static long long index(long long at) { return @_indices[at + 1]; }\n"
                                    "  __device__ static float weight(long long at) { return @_weights[at + 1]; }\n"
                                    "};\n");
}

std::string responses(const char *name, const Tensor &x, const Attrs &attrs) {
  const auto size = static_cast<double>(attrs.integer("size"));
  return instance(name, x.elements(), x.shape[1], dense_strides(x.shape)[1], attrs.integer("size"),
                  float_bits(attrs.number("k")), float_bits(attrs.number("alpha") / size),
                  float_bits(attrs.number("beta")));
}

}  // namespace

void emit_sample_image(const StepArgs &args, Writer &writer) {
  const Tensor &x = args.inputs[0], &points = args.inputs[1], &y = args.outputs[0];
  if (!y.data) return;
  const std::string shape = sampler(x, points, args.attrs);
  const double value = args.attrs.number("value");
  if (is_nearest(args.attrs))
    writer.call("image",
                instance("sample_nearest", y.elements(), shape, std::to_string(bits_of(value, y.dtype)) + "ULL"),
                {moved(x), points, moved(y)}, blocks_of(y.elements()));
  else
    writer.call("image", instance("sample_bilinear", y.elements(), shape, float_bits(value)), {x, points, y},
                blocks_of(y.elements()));
}

void emit_sample_image_grad(const StepArgs &args, Writer &writer) {
  const Tensor &dy = args.inputs[0], &points = args.inputs[1], &dx = args.outputs[0];
  if (!dx.data) return;
  const int64_t planes = dx.shape[0] * dx.shape[1];
  writer.call("image", instance("sample_image_grad", planes, sampler(dx, points, args.attrs), is_nearest(args.attrs)),
              {dy, points, dx}, blocks_of(planes));
}

void emit_sample_image_slope(const StepArgs &args, Writer &writer) {
  const Tensor &dy = args.inputs[0], &x = args.inputs[1], &points = args.inputs[2], &slopes = args.outputs[0];
  if (!slopes.data) return;
  const int64_t all = slopes.elements() / 2;
  writer.call(
      "image",
      instance("sample_image_slope", all, sampler(x, points, args.attrs), float_bits(args.attrs.number("value"))),
      {dy, x, points, slopes}, blocks_of(all));
}

void emit_resample(const StepArgs &args, Writer &writer) {
  const Tensor &x = args.inputs[0], &y = args.outputs[0];
  if (!y.data) return;
  const auto axis = static_cast<size_t>(args.attrs.integer("axis"));
  const std::string taps = table(writer, args.attrs.integers("indices"), args.attrs.numbers("weights"));
  writer.call("image",
              instance("resample", taps, y.elements(), y.shape[axis], args.attrs.integer("taps"), x.shape[axis],
                       dense_strides(x.shape)[axis]),
              {x, y}, blocks_of(y.elements()));
}

void emit_lrn(const StepArgs &args, Writer &writer) {
  const Tensor &x = args.inputs[0], &y = args.outputs[0];
  if (y.data) writer.call("image", responses("lrn", x, args.attrs), {x, y}, blocks_of(x.elements()));
}

void emit_lrn_grad(const StepArgs &args, Writer &writer) {
  const Tensor &dy = args.inputs[0], &x = args.inputs[1], &dx = args.outputs[0];
  if (dx.data) writer.call("image", responses("lrn_grad", x, args.attrs), {dy, x, dx}, blocks_of(x.elements()));
}

}  // namespace dlc::cuda
