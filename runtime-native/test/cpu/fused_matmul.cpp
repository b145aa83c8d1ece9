// Products with a program behind them against plain loops: results beside each other and on top of what they are made
// of, strips narrower and wider than a row, the same bytes at any number of threads.
#include "check.h"
#include "harness.h"

using namespace dlc;
using namespace dlc::test;

namespace {

using Axes = std::vector<int64_t>;

constexpr const char *kMomentum = "a = mul(%1, 0.9); b = add(a, %0); c = mul(b, %3); d = sub(%2, c); yield b, d";

MapAttrs program(const char *text) {
  MapAttrs attrs;
  attrs.values["program"] = std::string(text);
  return attrs;
}

void run_case(int64_t m, int64_t n, int64_t k, Random &random) {
  Buffer a({k, m}), b({k, n}), velocity({m, n}), weight({m, n}), rate({1});
  for (const Buffer *buffer : {&a, &b, &velocity, &weight, &rate}) random.fill(*buffer);
  std::vector<double> faster, stepped;
  for (int64_t i = 0; i < m; ++i) {
    for (int64_t j = 0; j < n; ++j) {
      double sum = 0;
      for (int64_t t = 0; t < k; ++t) {
        sum += double{a.floats()[static_cast<size_t>(t * m + i)]} * b.floats()[static_cast<size_t>(t * n + j)];
      }
      const auto at = static_cast<size_t>(i * n + j);
      faster.push_back(0.9 * velocity.floats()[at] + sum);
      stepped.push_back(weight.floats()[at] - faster.back() * rate.floats()[0]);
    }
  }
  // What the two steps give that it stands for.
  MapAttrs transposed;
  transposed.values["transpose_a"] = true;
  Buffer gradient({m, n}), velocity_apart({m, n}), weight_apart({m, n});
  CHECK(run_kernel("matmul", {&a, &b}, {&gradient}, transposed, 0).status == DLC_OK);
  CHECK(run_kernel("fused_elementwise", {&gradient, &velocity, &weight, &rate}, {&velocity_apart, &weight_apart},
                   program(kMomentum), 0)
            .status == DLC_OK);
  std::vector<Buffer> first;
  for (int threads = 1; threads <= 3; ++threads) {
    std::vector<Buffer> found;
    found.emplace_back(Axes{m, n}), found.emplace_back(Axes{m, n});
    const Buffer &v = found[0], &w = found[1];
    CHECK(run_kernel("fused_matmul", {&a, &b, &velocity, &weight, &rate}, {&v, &w}, program(kMomentum), 0, threads)
              .status == DLC_OK);
    CHECK(error_of(v.floats(), faster) < 1e-5 && error_of(w.floats(), stepped) < 1e-5);
    CHECK(same_bytes(v, velocity_apart) && same_bytes(w, weight_apart));
    if (threads == 1) {
      first = std::move(found);
    } else {
      CHECK(same_bytes(first[0], v) && same_bytes(first[1], w));
    }
  }
  Buffer only({m, n});
  CHECK(
      run_kernel("fused_matmul", {&a, &b, &velocity, &weight, &rate}, {nullptr, &only}, program(kMomentum), 0).status ==
      DLC_OK);
  CHECK(same_bytes(first[1], only));
  // A step in place, and apart.
  const char *descent = "t0 = mul(%0, 0.1); t1 = sub(%1, t0); yield t1";
  Buffer apart({m, n});
  CHECK(run_kernel("fused_elementwise", {&gradient, &weight}, {&apart}, program(descent), 0).status == DLC_OK);
  CHECK(run_kernel("fused_matmul", {&a, &b, &weight}, {&only}, program(descent), 0, 2).status == DLC_OK);
  CHECK(same_bytes(apart, only));
  Buffer stepping({m, n}), stepping_apart({m, n});
  for (const Buffer *buffer : {&stepping, &stepping_apart})
    std::ranges::copy(weight.floats(), buffer->floats().begin());
  CHECK(run_kernel("fused_elementwise", {&gradient, &stepping_apart}, {&stepping_apart}, program(descent), 0).status ==
        DLC_OK);
  CHECK(run_kernel("fused_matmul", {&a, &b, &stepping}, {&stepping}, program(descent), 0).status == DLC_OK);
  CHECK(same_bytes(stepping, stepping_apart));
  // In place, what a kernel that runs twice gives both times.
  const char *bounds = "a = maximum(%1, %0); b = minimum(%2, %0); yield a, b";
  Buffer high({m, n}), low({m, n});
  CHECK(run_kernel("fused_matmul", {&a, &b, &velocity, &weight}, {&high, &low}, program(bounds), 0).status == DLC_OK);
  CHECK(run_kernel("fused_matmul", {&a, &b, &velocity, &weight}, {&velocity, &weight}, program(bounds), 0, 2).status ==
        DLC_OK);
  CHECK(same_bytes(high, velocity) && same_bytes(low, weight));
}

}  // namespace

TEST("a program for every element of a product agrees with plain loops, on top of its inputs too") {
  each_isa([] {
    Random random(31);
    for (int i = 0; i < 60; ++i) {
      run_case(random.integer(1, 40), random.integer(1, 150), random.integer(1, 64), random);
    }
    run_case(7, 2055, 3, random);
    run_case(100, 784, 8, random);
    run_case(784, 10, 64, random);
    run_case(300, 257, 33, random);
    run_case(3, 20, 0, random);
    run_case(0, 20, 2, random);
  });
}

TEST("fused_matmul refuses a plan whose shapes or dtypes do not agree") {
  Buffer a({2, 3}), b({2, 5}), other({3, 5}), y({3, 5}), wide({3, 6}), half({2, 5}, DLC_BF16);
  Buffer deep({65, 3}), deeper({65, 5});
  const auto status = [&](const std::vector<const Buffer *> &in, const Buffer &out, const char *text) {
    return run_kernel("fused_matmul", in, {&out}, program(text), 0).status;
  };
  CHECK(status({&a, &b}, y, "c = relu(%0); yield c") == DLC_OK);
  CHECK(status({&deep, &deeper}, y, "c = relu(%0); yield c") == DLC_BAD_PLAN);
  CHECK(status({&a, &other}, y, "c = relu(%0); yield c") == DLC_BAD_PLAN);
  CHECK(status({&a, &b}, wide, "c = relu(%0); yield c") == DLC_BAD_PLAN);
  CHECK(status({&a, &half}, y, "c = relu(%0); yield c") == DLC_BAD_PLAN);
  CHECK(status({&a, &b, &a}, y, "c = add(%0, %1); yield c") == DLC_BAD_PLAN);
  CHECK(status({&a}, y, "c = relu(%0); yield c") == DLC_BAD_PLAN);
}
