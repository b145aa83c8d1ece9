// The weight gradient of channels-last convolutions against a plain loop in double precision, in f32 and bf16.
#include "check.h"
#include "conv_last_cases.h"

using namespace dlc;
using namespace dlc::test;

namespace {

constexpr dlc_dtype kTypes[] = {DLC_F32, DLC_BF16};

void run_case(const Case &c, Random &random, dlc_dtype dtype, int most_threads = 1) {
  const Axes out = c.out();
  const int64_t channels = c.cg * c.groups, filters = c.kg * c.groups;
  Buffer x(last_shape(c.n, channels, c.in), dtype), dy(last_shape(c.n, filters, out), dtype);
  random.fill(x);
  random.fill(dy);
  const std::vector<float> image = x.wide(), gradient = dy.wide();
  const Axes w_shape = joined(filters, c.cg, c.kernel);
  std::vector<double> dw(static_cast<size_t>(product(w_shape)));
  each_product(c, [&](size_t o, size_t i, size_t t) {
    dw[t] += double(gradient[turned(o, filters, product(out))]) * image[turned(i, channels, product(c.in))];
  });

  MapAttrs attrs = attrs_of(c);
  attrs.values["layout"] = std::string("channels_last");
  attrs.values["weight_shape"] = numbers(w_shape);
  const int64_t slice = c.groups * up16(c.kg) * ((c.cg + 1) / 2 * 2) * product(c.kernel);
  const int64_t slices = std::clamp<int64_t>((1 << 21) / slice, 1, std::clamp<int64_t>(c.n, 1, 8));
  int64_t floats = slices * slice;
  const bool winograd = dtype == DLC_F32 && is_winograd(c, c.kg, c.cg, out);
  if (winograd) {
    int64_t tiles = std::max<int64_t>((c.cg * c.kg > 1024 ? 1 << 20 : 1 << 18) / (36 * (c.cg + c.kg)), 12);
    int64_t all = c.n;
    for (size_t i = 0; i < c.axes(); ++i) all *= i + 2 >= c.axes() ? (out[i] + 3) / 4 : out[i];
    tiles = std::min(tiles, all);
    floats = 36 * (tiles * (c.cg + c.kg) + 32 + c.cg * c.kg);
  }
  std::vector<Buffer> outputs;
  for (int threads = 1; threads <= most_threads; ++threads) {
    outputs.emplace_back(w_shape);
    const Outcome outcome = run_kernel("conv_grad_weight", {&x, &dy}, {&outputs.back()}, attrs,
                                       static_cast<size_t>(floats) * sizeof(float), threads);
    if (!CHECK(outcome.status == DLC_OK)) std::printf("      %s\n", outcome.message.c_str());
    CHECK(same_bytes(outputs.front(), outputs.back()));
  }
  // Products of bfloat16 are exact in float32; Winograd's transforms lose a digit.
  const double error = error_of(outputs.front().floats(), dw);
  if (!CHECK(error < (winograd ? 1e-5 : 3e-6))) std::printf("      %s %g\n", describe(c).c_str(), error);
}

}  // namespace

TEST("channels-last weight gradients agree with a plain loop over random shapes, strides, dilations, padding, groups") {
  each_bf16_isa([] {
    for (const dlc_dtype dtype : kTypes) {
      Random random(7);
      for (int i = 0; i < 150; ++i) run_case(draw_case(random), random, dtype);
    }
  });
}

TEST("channels-last weight gradients agree where chunks, blocks, panels and strips meet their edges") {
  each_bf16_isa([] {
    for (const dlc_dtype dtype : kTypes) {
      Random random(8);
      run_case(square(2, 3, 34, 37, 7, 2, 3), random, dtype);                                    // rows of taps
      run_case({2, 3, 16, 2, {9, 300}, {2, 5}, {1, 2}, {1, 1}, {1, 2}, {0, 3}}, random, dtype);  // rows above a chunk
      run_case(square(2, 130, 70, 5, 3, 1, 1), random, dtype);                                   // blocks of channels
      run_case(square(2, 24, 200, 9, 3, 1, 1), random, dtype);                                   // blocks of panels
      run_case({3, 16, 16, 1, {11, 23}, {3, 3}, {1, 1}, {1, 1}, {1, 1}, {1, 1}}, random, dtype);
      run_case({2, 100, 40, 1, {8, 9}, {1, 1}, {2, 2}, {1, 1}, {0, 0}, {0, 0}}, random, dtype);  // strided pixels
      run_case({2, 80, 24, 1, {8, 9}, {1, 1}, {2, 3}, {1, 1}, {1, 2}, {0, 4}}, random, dtype);   // and beyond borders
      run_case({3, 600, 33, 1, {5, 7}, {1, 1}, {1, 1}, {1, 1}, {0, 0}, {0, 0}}, random, dtype);  // planes are rows
      run_case({3, 40, 33, 1, {40, 7}, {1, 1}, {1, 1}, {1, 1}, {0, 0}, {0, 0}}, random, dtype);
      run_case({40, 20, 17, 1, {2, 2}, {1, 2}, {1, 1}, {1, 1}, {0, 1}, {0, 0}}, random, dtype);  // images of a chunk
      run_case({1, 1, 2, 1, {5000}, {64}, {1}, {7}, {0}, {3}}, random, dtype);                   // one channel
      run_case({1, 8, 2, 2, {4, 4, 4}, {3, 2, 3}, {1, 2, 1}, {1, 1, 2}, {2, 3, 3}, {1, 0, 3}}, random, dtype);
      run_case({0, 3, 4, 1, {5, 5}, {3, 3}, {1, 1}, {1, 1}, {1, 1}, {1, 1}}, random, dtype);
    }
  });
}

TEST("channels-last weight gradients have the same bits at one to four threads") {
  for (const dlc_dtype dtype : kTypes) {
    Random random(9);
    run_case(square(9, 20, 50, 12, 5, 1, 0), random, dtype, 4);
    run_case(square(6, 16, 16, 14, 3, 1, 1), random, dtype, 4);
    run_case(square(3, 24, 40, 9, 3, 2, 1), random, dtype, 4);
    run_case(square(5, 70, 50, 20, 1, 1, 0), random, dtype, 4);
  }
}

TEST("weight gradients of 3x3 convolutions by fewer products agree with a plain loop") {
  each_isa([] {
    Random random(10);
    const auto planes = [](int64_t n, int64_t c, int64_t k, Axes in, int64_t low, int64_t high) {
      return Case{n, c, k, 1, std::move(in), {3, 3}, {1, 1}, {1, 1}, {low, low}, {high, high}};
    };
    run_case(planes(2, 16, 32, {9, 13}, 1, 1), random, DLC_F32, 3);
    run_case(planes(3, 48, 16, {8, 8}, 1, 1), random, DLC_F32, 3);
    run_case(planes(1, 16, 80, {23, 18}, 0, 0), random, DLC_F32);
    run_case(planes(4, 32, 32, {7, 7}, 2, 1), random, DLC_F32);
    run_case(planes(3, 112, 128, {64, 33}, 1, 1), random, DLC_F32, 3);  // several chunks
    run_case({2, 16, 16, 1, {3, 8, 11}, {1, 3, 3}, {1, 1, 1}, {1, 1, 1}, {0, 1, 1}, {0, 1, 1}}, random, DLC_F32);
  });
}
