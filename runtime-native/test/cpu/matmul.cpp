// matmul against a double-precision loop, over random odd shapes, on every instruction set of this processor.
#include "check.h"
#include "harness.h"

using namespace dlc;
using namespace dlc::test;

namespace {

struct Case {
  int64_t batch, m, n, k;
  bool ta, tb, bias, relu, shared_b;
};

size_t workspace_for(const Case &c) {
  const int64_t batch = c.shared_b && !c.ta ? 1 : c.batch;
  const int64_t m = c.shared_b && !c.ta ? c.m * c.batch : c.m;
  if (batch != 1 || m * c.n > 128 * 128 || c.k < 2048) return 0;
  return static_cast<size_t>(std::min<int64_t>(8, c.k / 1024) * m * c.n * 4);
}

std::vector<double> reference(const Case &c, const Buffer &a, const Buffer &b, const Buffer &bias) {
  std::vector<double> out(static_cast<size_t>(c.batch * c.m * c.n));
  const float *pa = a.floats().data(), *pb = b.floats().data();
  for (int64_t s = 0; s < c.batch; ++s) {
    for (int64_t i = 0; i < c.m; ++i) {
      for (int64_t j = 0; j < c.n; ++j) {
        double sum = c.bias ? bias.floats()[static_cast<size_t>(j)] : 0;
        for (int64_t t = 0; t < c.k; ++t) {
          const double left = pa[s * c.m * c.k + (c.ta ? t * c.m + i : i * c.k + t)];
          const double right = pb[(c.shared_b ? 0 : s * c.n * c.k) + (c.tb ? j * c.k + t : t * c.n + j)];
          sum += left * right;
        }
        out[static_cast<size_t>((s * c.m + i) * c.n + j)] = c.relu ? std::max(sum, 0.0) : sum;
      }
    }
  }
  return out;
}

void run_case(const Case &c, Random &random) {
  Buffer a(c.ta ? std::vector{c.batch, c.k, c.m} : std::vector{c.batch, c.m, c.k});
  std::vector<int64_t> b_shape = c.tb ? std::vector{c.n, c.k} : std::vector{c.k, c.n};
  if (!c.shared_b) b_shape.insert(b_shape.begin(), c.batch);
  Buffer b(b_shape), bias({c.n});
  for (const Buffer *buffer : {&a, &b, &bias}) random.fill(*buffer);
  MapAttrs attrs;
  attrs.values = {{"transpose_a", c.ta}, {"transpose_b", c.tb}};
  if (c.relu) attrs.values["activation"] = std::string("relu");
  std::vector<const Buffer *> inputs = {&a, &b};
  if (c.bias) inputs.push_back(&bias);
  const std::vector<double> expected = reference(c, a, b, bias);
  std::vector<Buffer> outputs;
  for (int threads = 1; threads <= 4; ++threads) {
    outputs.emplace_back(std::vector{c.batch, c.m, c.n});
    const Outcome outcome = run_kernel("matmul", inputs, {&outputs.back()}, attrs, workspace_for(c), threads);
    if (!CHECK(outcome.status == DLC_OK)) std::printf("      %s\n", outcome.message.c_str());
    CHECK(same_bytes(outputs.front(), outputs.back()));
  }
  if (!CHECK(error_of(outputs.front().floats(), expected) < 2e-6)) {
    std::printf("      %s: %ldx%ldx%ldx%ld ta %d tb %d bias %d relu %d shared %d: %g\n", isa_name(isa()), long(c.batch),
                long(c.m), long(c.n), long(c.k), c.ta, c.tb, c.bias, c.relu, c.shared_b,
                error_of(outputs.front().floats(), expected));
  }
}

}  // namespace

TEST("matmul agrees with a plain loop over random shapes, at any number of threads") {
  each_isa([] {
    Random random(7);
    for (int i = 0; i < 60; ++i) {
      const int64_t most = i % 4 == 0 ? 150 : 40;
      run_case({random.integer(1, 3), random.integer(1, most), random.integer(1, most), random.integer(1, most),
                random.chance(0.5), random.chance(0.5), random.chance(0.5), random.chance(0.5), random.chance(0.5)},
               random);
    }
  });
}

TEST("matmul agrees where blocks, steps along k and slices of k meet their edges") {
  each_isa([] {
    Random random(8);
    for (const bool ta : {false, true}) {
      for (const bool tb : {false, true}) {
        run_case({1, 193, 257, 258, ta, tb, true, true, false}, random);
        run_case({1, 5, 70, 700, ta, tb, true, false, false}, random);
        run_case({1, 10, 33, 5000, ta, tb, true, true, false}, random);
        run_case({2, 3, 5, 9000, ta, tb, false, false, true}, random);
        run_case({1, 1, 1, 1, ta, tb, false, false, false}, random);
      }
    }
  });
}

TEST("matmul over nothing is the bias, and of nothing is nothing") {
  Random random(9);
  run_case({1, 7, 19, 0, false, false, true, true, false}, random);
  run_case({1, 7, 19, 0, false, true, true, false, false}, random);
  run_case({1, 0, 19, 4, false, true, true, false, false}, random);
  run_case({0, 4, 19, 4, false, false, true, false, false}, random);
}

TEST("matmul refuses a plan whose shapes do not agree") {
  Buffer a({4, 5}), b({6, 7}), c({4, 7});
  CHECK(run_kernel("matmul", {&a, &b}, {&c}, {}, 0).status == DLC_BAD_PLAN);
  Buffer right({5, 7}), wide({4, 8});
  CHECK(run_kernel("matmul", {&a, &right}, {&wide}, {}, 0).status == DLC_BAD_PLAN);
  CHECK(run_kernel("matmul", {&a, &right}, {&c}, {}, 0).status == DLC_OK);
  Buffer deep({4, 3000}), other({3000, 7});
  CHECK(run_kernel("matmul", {&deep, &other}, {&c}, {}, 0).status == DLC_BAD_PLAN);  // no workspace reserved
}
