// Depthwise convolutions over channels-last images and both of their gradients against plain loops in double precision,
// in f32 and bf16.
#include "check.h"
#include "conv_last_cases.h"

using namespace dlc;
using namespace dlc::test;

namespace {

constexpr dlc_dtype kTypes[] = {DLC_F32, DLC_BF16};

// An image's numbers in the order of its logical shape [N, C, plane].
std::vector<float> logical(const Buffer &image, int64_t channels, int64_t plane) {
  const std::vector<float> last = image.wide();
  std::vector<float> first(last.size());
  for (size_t i = 0; i < first.size(); ++i) first[i] = last[turned(i, channels, plane)];
  return first;
}

struct Expected {
  Axes shape;
  dlc_dtype dtype;
  std::vector<double> values;
};

void run_named(const char *name, const Case &c, const std::vector<const Buffer *> &inputs, const Expected &expected,
               const MapAttrs &attrs, size_t workspace, int most_threads) {
  std::vector<Buffer> outputs;
  for (int threads = 1; threads <= most_threads; ++threads) {
    outputs.emplace_back(expected.shape, expected.dtype);
    const Outcome outcome = run_kernel(name, inputs, {&outputs.back()}, attrs, workspace, threads);
    if (!CHECK(outcome.status == DLC_OK)) std::printf("      %s\n", outcome.message.c_str());
    CHECK(same_bytes(outputs.front(), outputs.back()));
  }
  const std::string_view op = name;
  const std::vector<float> found = op == "conv_grad_weight"
                                       ? outputs.front().wide()
                                       : logical(outputs.front(), c.groups, product(op == "conv" ? c.out() : c.in));
  const double error = error_of(found, expected.values);
  if (!CHECK(error < (expected.dtype == DLC_F32 ? 3e-6 : 1e-2)))
    std::printf("      %s: %s: %g\n", name, describe(c).c_str(), error);
}

void run_case(const Case &c, Random &random, dlc_dtype dtype, bool residual = false, int most_threads = 1) {
  const Axes out = c.out();
  const int64_t in_plane = product(c.in), out_plane = product(out), taps = product(c.kernel);
  Buffer x(last_shape(c.n, c.groups, c.in), dtype), dy(last_shape(c.n, c.groups, out), dtype);
  Buffer more(last_shape(c.n, c.groups, out), dtype), w(joined(c.groups, 1, c.kernel)), bias({c.groups});
  for (const Buffer *buffer : {&x, &dy, &more, &w, &bias}) random.fill(*buffer);
  const std::vector<float> image = logical(x, c.groups, in_plane), gradient = logical(dy, c.groups, out_plane);
  const std::vector<float> added = logical(more, c.groups, out_plane);
  std::vector<double> y(gradient.size()), dx(image.size()), dw(w.floats().size());
  each_product(c, [&](size_t o, size_t i, size_t t) {
    // Kernels of bf16 round their weights.
    const double weight = dtype == DLC_F32 ? w.floats()[t] : Bf16::of(w.floats()[t]).wide();
    y[o] += image[i] * weight;
    dx[i] += gradient[o] * weight;
    dw[t] += double(gradient[o]) * image[i];
  });
  for (size_t o = 0; o < y.size(); ++o) {
    if (c.bias || residual) y[o] += bias.floats()[o / static_cast<size_t>(out_plane) % bias.floats().size()];
    if (residual) y[o] += added[o];
    if (c.relu) y[o] = std::clamp(y[o], 0.0, residual ? 0.5 : INFINITY);
  }

  MapAttrs attrs = attrs_of(c);
  attrs.values["layout"] = std::string("channels_last");
  MapAttrs forward = attrs, input = attrs, weight = attrs;
  if (c.relu) forward.values["activation"] = std::string(residual ? "clamp" : "relu");
  if (c.relu && residual) forward.values["low"] = 0.0, forward.values["high"] = 0.5;
  std::vector<const Buffer *> inputs = {&x, &w};
  if (c.bias || residual) inputs.push_back(&bias);
  if (residual) inputs.push_back(&more);
  const auto packed = static_cast<size_t>(c.groups * 16 * 2 * taps);
  const Expected forward_result = {last_shape(c.n, c.groups, out), dtype, y};
  run_named("conv", c, inputs, forward_result, forward, packed * size_of(dtype), most_threads);
  input.values["input_shape"] = numbers(x.tensor().shape);
  run_named("conv_grad_input", c, {&dy, &w}, {x.tensor().shape, dtype, dx}, input, packed * size_of(dtype),
            most_threads);
  weight.values["weight_shape"] = numbers(w.tensor().shape);
  const int64_t slice = c.groups * 16 * 2 * taps;
  const int64_t slices = std::clamp<int64_t>((1 << 21) / slice, 1, std::clamp<int64_t>(c.n, 1, 8));
  run_named("conv_grad_weight", c, {&x, &dy}, {w.tensor().shape, DLC_F32, dw}, weight,
            static_cast<size_t>(slices * slice) * sizeof(float), most_threads);

  // Packed beforehand.
  Buffer apart({static_cast<int64_t>(packed)}, dtype);
  CHECK(run_kernel("pack_conv_weights", {&w}, {&apart}, input, 0).status == DLC_OK);
  inputs[1] = &apart;
  forward.values["weight_shape"] = numbers(w.tensor().shape);
  run_named("conv", c, inputs, forward_result, forward, 0, 1);
}

Case depthwise(int64_t n, int64_t channels, int64_t size, int64_t kernel, int64_t stride, int64_t pad) {
  Case c = square(n, 1, 1, size, kernel, stride, pad);
  c.groups = channels;
  return c;
}

}  // namespace

TEST("channels-last depthwise convolutions agree with plain loops over random shapes") {
  each_isa([] {
    for (const dlc_dtype dtype : kTypes) {
      Random random(11);
      for (int i = 0; i < 150; ++i) {
        Case c = draw_case(random);
        c.cg = c.kg = 1;
        c.groups = random.integer(2, 70);
        run_case(c, random, dtype, random.chance(0.3));
      }
    }
  });
}

TEST("channels-last depthwise convolutions agree at the shapes that matter, and at odd ones") {
  each_isa([] {
    for (const dlc_dtype dtype : kTypes) {
      Random random(12);
      run_case(depthwise(2, 32, 20, 3, 1, 1), random, dtype);
      run_case(depthwise(1, 96, 21, 3, 2, 1), random, dtype);
      run_case(depthwise(1, 160, 7, 3, 1, 1), random, dtype);
      run_case(depthwise(1, 48, 28, 5, 1, 2), random, dtype);
      run_case(depthwise(1, 40, 15, 5, 2, 2), random, dtype);
      run_case(depthwise(8, 960, 3, 5, 1, 2), random, dtype);  // fewer partial sums than images
      run_case(depthwise(2, 24, 9, 1, 1, 0), random, dtype);
      run_case(depthwise(1, 17, 9, 3, 4, 0), random, dtype);  // pixels that no tap reaches
      // Pairs of rows: odd numbers of rows, blocks that overlap, padding on one side and beyond the kernel.
      run_case(depthwise(2, 40, 5, 3, 1, 1), random, dtype, true);
      run_case({1, 1, 1, 35, {9, 11}, {3, 3}, {1, 1}, {1, 1}, {0, 2}, {2, 0}, true, true}, random, dtype, true);
      run_case({1, 1, 1, 16, {4, 4}, {3, 3}, {1, 1}, {1, 1}, {4, 3}, {3, 5}, true, true}, random, dtype);
      run_case({1, 1, 1, 19, {1, 4}, {3, 3}, {1, 1}, {1, 1}, {1, 1}, {1, 1}, true, true}, random, dtype);
      run_case({1, 1, 1, 2, {3000}, {64}, {1}, {7}, {0}, {3}}, random, dtype);
      run_case({0, 1, 1, 3, {5, 5}, {3, 3}, {1, 1}, {1, 1}, {1, 1}, {1, 1}, true, true}, random, dtype);
    }
  });
}

TEST("channels-last depthwise convolutions have the same bits at one to four threads") {
  for (const dlc_dtype dtype : kTypes) {
    Random random(13);
    run_case(depthwise(1, 144, 24, 3, 1, 1), random, dtype, false, 4);
    run_case(depthwise(5, 33, 13, 3, 2, 1), random, dtype, false, 4);
    run_case(depthwise(9, 64, 12, 5, 1, 2), random, dtype, true, 4);
  }
}
