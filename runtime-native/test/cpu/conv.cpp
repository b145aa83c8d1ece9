// The three convolution kernels against plain loops in double precision, over random shapes and hand-picked edges.
#include "check.h"
#include "conv_cases.h"

using namespace dlc;
using namespace dlc::test;

namespace {

void run_named(const char *name, const Case &c, const std::vector<const Buffer *> &inputs, const Axes &shape,
               const MapAttrs &attrs, int64_t workspace_floats, const std::vector<double> &expected, bool every_count) {
  std::vector<Buffer> outputs;
  for (int threads = 1; threads <= (every_count ? 4 : 1); ++threads) {
    outputs.emplace_back(shape);
    const Outcome outcome = run_kernel(name, inputs, {&outputs.back()}, attrs,
                                       static_cast<size_t>(workspace_floats) * sizeof(float), threads);
    if (!CHECK(outcome.status == DLC_OK)) std::printf("      %s\n", outcome.message.c_str());
    CHECK(same_bytes(outputs.front(), outputs.back()));
  }
  const double error = error_of(outputs.front().floats(), expected);
  if (!CHECK(error < 3e-6)) std::printf("      %s: %s: %g\n", name, describe(c).c_str(), error);
}

void run_case(const Case &c, Random &random, bool every_count = false) {
  const Axes out = c.out(), x_shape = joined(c.n, c.cg * c.groups, c.in);
  const Axes w_shape = joined(c.kg * c.groups, c.cg, c.kernel), y_shape = joined(c.n, c.kg * c.groups, out);
  Buffer x(x_shape), w(w_shape), bias({c.kg * c.groups}), dy(y_shape);
  for (const Buffer *buffer : {&x, &w, &bias, &dy}) random.fill(*buffer);
  std::vector<double> y(dy.floats().size()), dx(x.floats().size()), dw(w.floats().size());
  each_product(c, [&](size_t o, size_t i, size_t t) {
    y[o] += double(x.floats()[i]) * w.floats()[t];
    dx[i] += double(dy.floats()[o]) * w.floats()[t];
    dw[t] += double(dy.floats()[o]) * x.floats()[i];
  });
  const size_t plane = static_cast<size_t>(product(out));
  for (size_t o = 0; o < y.size(); ++o) {
    if (c.bias) y[o] += bias.floats()[o / plane % bias.floats().size()];
    if (c.relu) y[o] = std::max(y[o], 0.0);
  }

  const MapAttrs attrs = attrs_of(c);
  MapAttrs forward = attrs, input = attrs, weight = attrs;
  if (c.relu) forward.values["activation"] = std::string("relu");
  input.values["input_shape"] = numbers(x_shape);
  weight.values["weight_shape"] = numbers(w_shape);
  std::vector<const Buffer *> inputs = {&x, &w};
  if (c.bias) inputs.push_back(&bias);
  const int64_t taps = product(c.kernel);
  const int64_t packed = c.groups * up16(c.kg) * c.cg * taps;
  run_named("conv", c, inputs, y_shape, forward, packed + (c.bias ? c.groups * up16(c.kg) : 0), y, every_count);
  run_named("conv_grad_input", c, {&dy, &w}, x_shape, input, c.groups * up16(c.cg) * c.kg * taps, dx, every_count);
  const int64_t slices = std::clamp<int64_t>((1 << 21) / packed, 1, std::clamp<int64_t>(c.n, 1, 8));
  run_named("conv_grad_weight", c, {&x, &dy}, w_shape, weight, slices * packed, dw, every_count);
}

}  // namespace

TEST("depthwise convolutions agree with plain loops, planes narrower and wider than vectors") {
  each_isa([] {
    Random random(5);
    for (int i = 0; i < 120;) {
      const size_t axes = static_cast<size_t>(random.integer(1, 3));
      const auto draw = [&](int64_t low, int64_t high) {
        Axes values;
        for (size_t axis = 0; axis < axes; ++axis) values.push_back(random.integer(low, high));
        return values;
      };
      Case c{random.integer(1, 3),
             1,
             1,
             random.integer(2, 9),
             draw(1, axes == 3            ? 7
                     : random.chance(0.3) ? 90
                                          : 24),
             draw(1, axes == 3 ? 3 : 5),
             draw(1, 3),
             draw(1, 2),
             draw(0, 3),
             draw(0, 3),
             random.chance(0.5),
             random.chance(0.5)};
      if (random.chance(0.4)) c.stride = Axes(axes, 1);
      if (!c.fits()) continue;
      ++i;
      run_case(c, random);
    }
  });
}

TEST("convolutions agree with plain loops over random shapes, strides, dilations, padding and groups") {
  each_isa([] {
    Random random(3);
    for (int i = 0; i < 150; ++i) run_case(draw_case(random), random);
  });
}

TEST("convolutions have the same bits at one to four threads") {
  Random random(4);
  Case c = square(9, 20, 50, 12, 5, 1, 0);
  c.bias = c.relu = true;
  run_case(c, random, true);
  run_case(square(5, 16, 16, 14, 3, 1, 1), random, true);
  run_case(square(3, 24, 40, 9, 3, 2, 1), random, true);
  run_case(square(1, 7, 5, 20, 1, 1, 0), random, true);
}

TEST("convolutions agree where blocks of pixels and steps of channels meet their edges") {
  each_isa([] {
    Random random(5);
    run_case(square(1, 3, 4, 67, 11, 4, 2), random);                                    // many taps
    run_case(square(2, 130, 18, 5, 3, 1, 1), random);                                   // several steps of channels
    run_case({1, 2, 3, 1, {3, 1500}, {3, 3}, {1, 1}, {1, 1}, {1, 1}, {1, 1}}, random);  // blocks of columns
    run_case({1, 2, 3, 1, {2, 2600}, {1, 7}, {1, 3}, {1, 5}, {0, 9}, {0, 2}}, random);
    run_case({1, 1, 2, 1, {5000}, {64}, {1}, {7}, {0}, {3}}, random);
    run_case({40, 260, 70, 1, {2, 2}, {1, 2}, {1, 1}, {1, 1}, {0, 1}, {0, 0}}, random);  // several images a task
    run_case({1, 3, 3, 1, {4, 4}, {1, 1}, {1, 1}, {1, 1}, {2, 1}, {0, 3}}, random);      // padding beyond the kernel
  });
}

TEST("depthwise and grouped convolutions agree with plain loops") {
  each_isa([] {
    Random random(6);
    run_case({2, 1, 1, 19, {9, 21}, {3, 3}, {1, 1}, {1, 1}, {1, 1}, {1, 1}, true, true}, random);
    run_case({2, 1, 1, 8, {9, 8}, {3, 5}, {2, 2}, {1, 2}, {1, 0}, {1, 3}, true, false}, random);
    run_case({1, 1, 2, 5, {7, 7}, {3, 3}, {1, 1}, {1, 1}, {1, 1}, {1, 1}}, random);
  });
}

TEST("a convolution over no images is nothing, its weight gradient zero") {
  Random random(1);
  run_case({0, 3, 4, 1, {5, 5}, {3, 3}, {1, 1}, {1, 1}, {1, 1}, {1, 1}, true, true}, random);
}

TEST("convolutions refuse plans whose shapes or attributes do not agree") {
  Buffer x({1, 2, 5, 5}), w({3, 2, 3, 3}), y({1, 3, 3, 3});
  MapAttrs good;
  good.values = {{"stride", std::vector<double>{1, 1}},
                 {"dilation", std::vector<double>{1, 1}},
                 {"padding_low", std::vector<double>{0, 0}},
                 {"padding_high", std::vector<double>{0, 0}},
                 {"groups", 1.0}};
  const size_t enough = 16 * 18 * 4;
  CHECK(run_kernel("conv", {&x, &w}, {&y}, good, enough).status == DLC_OK);
  CHECK(run_kernel("conv", {&x, &w}, {&y}, good, enough - 4).status == DLC_BAD_PLAN);
  CHECK(run_kernel("conv", {&x}, {&y}, good, enough).status == DLC_BAD_PLAN);
  for (const auto &[key, value] :
       std::vector<std::pair<std::string, AttrValue>>{{"stride", std::vector<double>{0, 1}},
                                                      {"stride", std::vector<double>{1}},
                                                      {"dilation", std::vector<double>{1e12, 1}},
                                                      {"padding_low", std::vector<double>{-1, 0}},
                                                      {"padding_high", std::vector<double>{9, 0}},
                                                      {"groups", 0.0},
                                                      {"groups", 2.0},
                                                      {"activation", std::string("tanh")}}) {
    MapAttrs bad = good;
    bad.values[key] = value;
    CHECK(run_kernel("conv", {&x, &w}, {&y}, bad, enough).status == DLC_BAD_PLAN);
  }
  CHECK(run_kernel("conv_grad_input", {&y, &w}, {&x}, good, enough).status == DLC_BAD_PLAN);  // no input_shape
  CHECK(run_kernel("conv_grad_weight", {&x, &y}, {&w}, good, enough).status == DLC_BAD_PLAN);
}
