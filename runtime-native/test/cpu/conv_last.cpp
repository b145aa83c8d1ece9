// Channels-last convolutions against plain loops in double precision, in f32 and bf16.
#include "check.h"
#include "conv_last_cases.h"

using namespace dlc;
using namespace dlc::test;

namespace {

// [N, C, ...] from or to [N, ..., C].
std::vector<float> in_layout(const std::vector<float> &from, int64_t n, int64_t channels, int64_t plane, bool to_last) {
  std::vector<float> to(from.size());
  for (int64_t i = 0; i < n; ++i) {
    for (int64_t c = 0; c < channels; ++c) {
      for (int64_t p = 0; p < plane; ++p) {
        const auto first = static_cast<size_t>((i * channels + c) * plane + p);
        const auto last = static_cast<size_t>((i * plane + p) * channels + c);
        to[to_last ? last : first] = from[to_last ? first : last];
      }
    }
  }
  return to;
}

// An image, drawn: its channels-last tensor, and its numbers as the plain sum reads them.
struct Image {
  Image(Random &random, int64_t n, int64_t channels, const Axes &spatial, dlc_dtype dtype)
      : last(last_shape(n, channels, spatial), dtype) {
    Buffer drawn(last.tensor().shape);
    random.fill(drawn);
    for (size_t i = 0; i < drawn.floats().size(); ++i) {
      if (dtype == DLC_F32) {
        last.floats()[i] = drawn.floats()[i];
      } else {
        last.halves()[i] = Bf16::of(drawn.floats()[i]);
      }
    }
    first = in_layout(last.wide(), n, channels, product(spatial), false);
  }
  Buffer last;
  std::vector<float> first;
};

struct Result {
  int64_t channels;
  const Axes &spatial;
  dlc_dtype dtype;
};

void run_named(const char *name, const Case &c, const std::vector<const Buffer *> &inputs, const Result &result,
               const MapAttrs &attrs, size_t workspace, const std::vector<double> &expected, int most_threads) {
  std::vector<Buffer> outputs;
  for (int threads = 1; threads <= most_threads; ++threads) {
    outputs.emplace_back(last_shape(c.n, result.channels, result.spatial), result.dtype);
    const Outcome outcome = run_kernel(name, inputs, {&outputs.back()}, attrs, workspace, threads);
    if (!CHECK(outcome.status == DLC_OK)) std::printf("      %s\n", outcome.message.c_str());
    CHECK(same_bytes(outputs.front(), outputs.back()));
  }
  const std::vector<float> found =
      in_layout(outputs.front().wide(), c.n, result.channels, product(result.spatial), false);
  const double error = error_of(found, expected);
  if (!CHECK(error < (result.dtype == DLC_F32 ? 5e-6 : 1e-2))) {
    std::printf("      %s %s: %s: %g\n", name, result.dtype == DLC_F32 ? "f32" : "bf16", describe(c).c_str(), error);
  }
}

// With what kernels of bf16 round their weights to.
double weight_of(float w, dlc_dtype dtype) {
  return dtype == DLC_F32 ? w : Bf16::of(w).wide();
}

void run_case(const Case &c, Random &random, dlc_dtype dtype, bool residual = false, int most_threads = 1) {
  const Axes out = c.out();
  const int64_t channels = c.cg * c.groups, filters = c.kg * c.groups, taps = product(c.kernel);
  const Image x(random, c.n, channels, c.in, dtype), dy(random, c.n, filters, out, dtype);
  const Image more(random, c.n, filters, out, dtype);
  Buffer w(joined(filters, c.cg, c.kernel)), bias({filters});
  random.fill(w);
  random.fill(bias);
  std::vector<double> y(dy.first.size()), dx(x.first.size());
  each_product(c, [&](size_t o, size_t i, size_t t) {
    const double weight = weight_of(w.floats()[t], dtype);
    y[o] += x.first[i] * weight;
    dx[i] += dy.first[o] * weight;
  });
  const size_t plane = static_cast<size_t>(product(out));
  for (size_t o = 0; o < y.size(); ++o) {
    if (c.bias || residual) y[o] += bias.floats()[o / plane % bias.floats().size()];
    if (residual) y[o] += more.first[o];
    if (c.relu) y[o] = std::clamp(y[o], 0.0, residual ? 20.0 : INFINITY);
  }

  MapAttrs attrs = attrs_of(c);
  attrs.values["layout"] = std::string("channels_last");
  MapAttrs forward = attrs, input = attrs;
  if (c.relu) forward.values["activation"] = std::string(residual ? "clamp" : "relu");
  if (c.relu && residual) forward.values["low"] = 0.0, forward.values["high"] = 20.0;
  std::vector<const Buffer *> inputs = {&x.last, &w};
  if (c.bias || residual) inputs.push_back(&bias);
  if (residual) inputs.push_back(&more.last);
  const size_t size = size_of(dtype);
  // The rules of compiler/ops/families/convolution-workspace.ts.
  const auto packed = [&](int64_t outputs, int64_t sums, const Axes &extents, bool apart = false) {
    if (dtype == DLC_F32 && is_winograd(c, outputs, sums, extents, apart))
      return static_cast<size_t>(36 * outputs * sums);
    return static_cast<size_t>(c.groups * up16(outputs) * ((sums + 1) / 2 * 2) * taps);
  };
  run_named("conv", c, inputs, {filters, out, dtype}, forward, packed(c.kg, c.cg, out) * size, y, most_threads);
  input.values["input_shape"] = numbers(x.last.tensor().shape);
  run_named("conv_grad_input", c, {&dy.last, &w}, {channels, c.in, dtype}, input, packed(c.cg, c.kg, c.in) * size, dx,
            most_threads);

  // Packed beforehand.
  Buffer apart({static_cast<int64_t>(packed(c.kg, c.cg, out, true))}, dtype);
  CHECK(run_kernel("pack_conv_weights", {&w}, {&apart}, input, 0).status == DLC_OK);
  inputs[1] = &apart;
  forward.values["weight_shape"] = numbers(w.tensor().shape);
  run_named("conv", c, inputs, {filters, out, dtype}, forward, 0, y, most_threads);
}

constexpr dlc_dtype kTypes[] = {DLC_F32, DLC_BF16};

}  // namespace

TEST("channels-last convolutions agree with plain loops over random shapes, strides, dilations, padding and groups") {
  each_isa([] {
    for (const dlc_dtype dtype : kTypes) {
      Random random(3);
      for (int i = 0; i < 120; ++i) run_case(draw_case(random), random, dtype, i % 3 == 0);
    }
  });
}

TEST("channels-last convolutions agree where blocks and panels meet their edges") {
  each_isa([] {
    for (const dlc_dtype dtype : kTypes) {
      Random random(5);
      run_case(square(1, 3, 20, 67, 11, 4, 2), random, dtype);                                   // many taps
      run_case(square(2, 130, 70, 5, 3, 1, 1), random, dtype);                                   // many channels
      run_case({1, 2, 3, 1, {3, 1500}, {3, 3}, {1, 1}, {1, 1}, {1, 1}, {1, 1}}, random, dtype);  // long rows
      run_case({1, 96, 3, 1, {40, 40}, {3, 3}, {1, 1}, {1, 1}, {1, 1}, {1, 1}}, random, dtype);  // blocks of rows
      run_case({1, 1, 2, 1, {5000}, {64}, {1}, {7}, {0}, {3}}, random, dtype);
      run_case({20, 300, 500, 1, {2, 2}, {1, 2}, {1, 1}, {1, 1}, {0, 1}, {0, 0}}, random, dtype);  // images of a task
      run_case({1, 3, 3, 1, {4, 4}, {1, 1}, {1, 1}, {1, 1}, {2, 1}, {0, 3}}, random, dtype);       // padding beyond it
      // Taps far from each other.
      run_case({2, 200, 20, 1, {9, 14}, {3, 3}, {1, 1}, {30, 24}, {30, 24}, {30, 24}}, random, dtype);
      run_case({1, 300, 20, 1, {19, 18}, {3, 3}, {2, 1}, {18, 9}, {18, 9}, {18, 9}}, random, dtype);
      run_case(square(3, 18, 24, 9, 1, 2, 0), random, dtype);  // pixels that no tap reaches
      run_case({0, 3, 4, 1, {5, 5}, {3, 3}, {1, 1}, {1, 1}, {1, 1}, {1, 1}, true, true}, random, dtype);
    }
  });
}

TEST("channels-last convolutions have the same bits at one to four threads") {
  for (const dlc_dtype dtype : kTypes) {
    Random random(4);
    run_case(square(9, 20, 50, 12, 5, 1, 0), random, dtype, false, 4);
    run_case(square(5, 16, 16, 14, 3, 1, 1), random, dtype, false, 4);
    run_case(square(3, 24, 40, 9, 3, 2, 1), random, dtype, false, 4);
    run_case(square(1, 7, 5, 20, 1, 1, 0), random, dtype, false, 4);
  }
}

TEST("3x3 convolutions by fewer products agree with plain loops") {
  each_isa([] {
    Random random(6);
    const auto planes = [](int64_t n, int64_t c, int64_t k, Axes in, int64_t low, int64_t high) {
      return Case{n, c, k, 1, std::move(in), {3, 3}, {1, 1}, {1, 1}, {low, low}, {high, high}, true, true};
    };
    run_case(planes(2, 16, 32, {9, 13}, 1, 1), random, DLC_F32, false, 3);
    run_case(planes(3, 48, 16, {8, 8}, 1, 1), random, DLC_F32, true, 3);
    run_case(planes(1, 16, 80, {23, 18}, 0, 0), random, DLC_F32, true);
    run_case(planes(4, 32, 32, {7, 7}, 2, 1), random, DLC_F32);
    run_case(planes(1, 32, 64, {64, 65}, 1, 1), random, DLC_F32, true, 3);
    run_case(planes(70, 128, 64, {4, 4}, 1, 1), random, DLC_F32, true);
    run_case(planes(1, 96, 176, {14, 14}, 1, 1), random, DLC_F32, true, 3);  // few tiles: weights packed apart
    run_case({2, 16, 16, 1, {3, 8, 11}, {1, 3, 3}, {1, 1, 1}, {1, 1, 1}, {0, 1, 1}, {0, 1, 1}}, random, DLC_F32);
  });
}
