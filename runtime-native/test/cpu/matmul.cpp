// matmul in float32 and bfloat16 against a double-precision loop, over random odd shapes, on every instruction set of
// this processor.
#include "check.h"
#include "harness.h"

using namespace dlc;
using namespace dlc::test;

namespace {

struct Types {
  dlc_dtype a = DLC_F32, b = DLC_F32, c = DLC_F32;
  bool packed = false;  // where b is shared
};

struct Case {
  int64_t batch, m, n, k;
  bool ta, tb, bias, relu, shared_b;
  Types types;
};

size_t workspace_for(const Case &c) {
  const int64_t batch = c.shared_b && !c.ta ? 1 : c.batch;
  const int64_t m = c.shared_b && !c.ta ? c.m * c.batch : c.m;
  if (batch != 1 || m * c.n > 128 * 128 || c.k < 2048) return 0;
  return static_cast<size_t>(std::min<int64_t>(8, c.k / 1024) * m * c.n * 4);
}

// What the kernel multiplies: with bfloat16 on either side, values rounded to it.
std::vector<float> operand_of(const Case &c, const Buffer &buffer) {
  std::vector<float> values = buffer.wide();
  if (c.types.a == DLC_BF16 || c.types.b == DLC_BF16) {
    for (float &value : values) value = Bf16::of(value).wide();
  }
  return values;
}

std::vector<double> reference(const Case &c, const Buffer &a, const Buffer &b, const Buffer &bias) {
  std::vector<double> out(static_cast<size_t>(c.batch * c.m * c.n));
  const std::vector<float> pa = operand_of(c, a), pb = operand_of(c, b);
  for (int64_t s = 0; s < c.batch; ++s) {
    for (int64_t i = 0; i < c.m; ++i) {
      for (int64_t j = 0; j < c.n; ++j) {
        double sum = c.bias ? bias.floats()[static_cast<size_t>(j)] : 0;
        for (int64_t t = 0; t < c.k; ++t) {
          const double left = pa[size_t(s * c.m * c.k + (c.ta ? t * c.m + i : i * c.k + t))];
          const double right = pb[size_t((c.shared_b ? 0 : s * c.n * c.k) + (c.tb ? j * c.k + t : t * c.n + j))];
          sum += left * right;
        }
        out[static_cast<size_t>((s * c.m + i) * c.n + j)] = c.relu ? std::max(sum, 0.0) : sum;
      }
    }
  }
  return out;
}

// The matrix `b` in the kernel's order, for products of the case's types.
Buffer packed_of(const Case &c, const Buffer &b) {
  const bool bf16 = c.types.a == DLC_BF16 || c.types.b == DLC_BF16;
  const int64_t depth = bf16 ? (c.k + 1) / 2 * 2 : c.k;
  Buffer packed({(c.n + 15) / 16 * 16 * depth}, bf16 ? DLC_BF16 : DLC_F32);
  MapAttrs attrs;
  attrs.values = {{"transpose_b", c.tb}};
  CHECK(run_kernel("pack_matmul_weights", {&b}, {&packed}, attrs, 0, 2).status == DLC_OK);
  return packed;
}

void run_case(const Case &c, Random &random) {
  Buffer a(c.ta ? std::vector{c.batch, c.k, c.m} : std::vector{c.batch, c.m, c.k}, c.types.a);
  std::vector<int64_t> b_shape = c.tb ? std::vector{c.n, c.k} : std::vector{c.k, c.n};
  if (!c.shared_b) b_shape.insert(b_shape.begin(), c.batch);
  Buffer b(b_shape, c.types.b), bias({c.n});
  for (const Buffer *buffer : {&a, &b, &bias}) random.fill(*buffer);
  MapAttrs attrs;
  attrs.values = {{"transpose_a", c.ta}, {"transpose_b", c.tb}};
  if (c.relu) attrs.values["activation"] = std::string("relu");
  const bool is_packed = c.types.packed && c.shared_b;
  const Buffer packed = is_packed ? packed_of(c, b) : Buffer({0});
  if (is_packed) attrs.values["weight_shape"] = std::vector<double>(b_shape.begin(), b_shape.end());
  std::vector<const Buffer *> inputs = {&a, is_packed ? &packed : &b};
  if (c.bias) inputs.push_back(&bias);
  const std::vector<double> expected = reference(c, a, b, bias);
  std::vector<Buffer> outputs;
  for (int threads = 1; threads <= 4; ++threads) {
    outputs.emplace_back(std::vector{c.batch, c.m, c.n}, c.types.c);
    const Outcome outcome = run_kernel("matmul", inputs, {&outputs.back()}, attrs, workspace_for(c), threads);
    if (!CHECK(outcome.status == DLC_OK)) std::printf("      %s\n", outcome.message.c_str());
    CHECK(same_bytes(outputs.front(), outputs.back()));
  }
  const double error = error_of(outputs.front().wide(), expected);
  if (!CHECK(error < (c.types.c == DLC_BF16 ? 4e-3 : 2e-6))) {
    std::printf("      %s: %ldx%ldx%ldx%ld ta %d tb %d bias %d relu %d shared %d types %d %d %d packed %d: %g\n",
                isa_name(isa()), long(c.batch), long(c.m), long(c.n), long(c.k), c.ta, c.tb, c.bias, c.relu, c.shared_b,
                c.types.a, c.types.b, c.types.c, is_packed, error);
  }
}

// Float32, and every mixture of the two that a product may have.
Types any_types(Random &random) {
  const bool bf16 = random.chance(0.7);
  const auto any = [&] { return bf16 && random.chance(0.5) ? DLC_BF16 : DLC_F32; };
  Types types = {any(), any(), DLC_F32, random.chance(0.4)};
  if (types.a == DLC_BF16 || types.b == DLC_BF16) types.c = any();
  return types;
}

}  // namespace

TEST("matmul agrees with a plain loop over random shapes, at any number of threads") {
  each_bf16_isa([] {
    Random random(7);
    for (int i = 0; i < 120; ++i) {
      const int64_t most = i % 4 == 0 ? 150 : 40;
      run_case({random.integer(1, 3), random.integer(1, most), random.integer(1, most), random.integer(1, most),
                random.chance(0.5), random.chance(0.5), random.chance(0.5), random.chance(0.5), random.chance(0.5),
                any_types(random)},
               random);
    }
  });
}

TEST("matmul agrees where blocks, steps along k and slices of k meet their edges") {
  each_bf16_isa([] {
    Random random(8);
    for (const Types &types :
         {Types{}, Types{DLC_F32, DLC_F32, DLC_F32, true}, Types{DLC_BF16, DLC_F32, DLC_BF16, true},
          Types{DLC_F32, DLC_BF16, DLC_F32}, Types{DLC_BF16, DLC_BF16, DLC_BF16}}) {
      for (const bool ta : {false, true}) {
        for (const bool tb : {false, true}) {
          run_case({1, 193, 257, 258, ta, tb, true, true, types.packed, types}, random);
          run_case({1, 50, 130, 1027, ta, tb, false, true, types.packed, types}, random);
          run_case({1, 5, 70, 700, ta, tb, true, false, types.packed, types}, random);
          run_case({1, 10, 33, 5001, ta, tb, true, true, types.packed, types}, random);
          run_case({2, 3, 5, 9000, ta, tb, false, false, true, types}, random);
          run_case({1, 1, 1, 1, ta, tb, false, false, false, types}, random);
        }
      }
    }
  });
}

TEST("matmul over nothing is the bias, and of nothing is nothing") {
  Random random(9);
  for (const Types &types : {Types{}, Types{DLC_BF16, DLC_BF16, DLC_BF16}, Types{DLC_BF16, DLC_F32, DLC_F32, true}}) {
    run_case({1, 7, 19, 0, false, false, true, true, types.packed, types}, random);
    run_case({1, 7, 19, 0, false, true, true, false, types.packed, types}, random);
    run_case({1, 0, 19, 4, false, true, true, false, types.packed, types}, random);
    run_case({0, 4, 19, 4, false, false, true, false, types.packed, types}, random);
  }
}

TEST("matmul refuses a plan whose shapes do not agree") {
  Buffer a({4, 5}), b({6, 7}), c({4, 7});
  CHECK(run_kernel("matmul", {&a, &b}, {&c}, {}, 0).status == DLC_BAD_PLAN);
  Buffer right({5, 7}), wide({4, 8});
  CHECK(run_kernel("matmul", {&a, &right}, {&wide}, {}, 0).status == DLC_BAD_PLAN);
  CHECK(run_kernel("matmul", {&a, &right}, {&c}, {}, 0).status == DLC_OK);
  Buffer deep({4, 3000}), other({3000, 7});
  CHECK(run_kernel("matmul", {&deep, &other}, {&c}, {}, 0).status == DLC_BAD_PLAN);  // no workspace reserved
  Buffer half({4, 7}, DLC_BF16), packed({16 * 5});
  CHECK(run_kernel("matmul", {&a, &right}, {&half}, {}, 0).status == DLC_BAD_PLAN);  // float32 is not rounded
  MapAttrs attrs;
  attrs.values["weight_shape"] = std::vector<double>{5, 7};
  CHECK(run_kernel("matmul", {&a, &packed}, {&c}, attrs, 0).status == DLC_OK);
  CHECK(run_kernel("matmul", {&a, &right}, {&c}, attrs, 0).status == DLC_BAD_PLAN);
  CHECK(run_kernel("pack_matmul_weights", {&right}, {&c}, {}, 0).status == DLC_BAD_PLAN);
}
