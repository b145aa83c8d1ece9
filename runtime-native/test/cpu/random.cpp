// Philox against its published vectors, and the draws made of it against the formulas in docs/architecture.md.
#include <cmath>

#include "check.h"
#include "cpu/philox.h"
#include "harness.h"

using namespace dlc;
using namespace dlc::test;

namespace {

Buffer rng_of(int64_t seed, int64_t step) {
  Buffer rng({2}, DLC_I64);
  const int64_t values[] = {seed, step};
  std::memcpy(rng.bytes().data(), values, sizeof values);
  return rng;
}

const int64_t kSeed = 0x123456789abcdef;
const int64_t kStep = 31;
const uint32_t kStream = 4000000000;

void lanes_of(uint32_t block, uint32_t attempt, uint32_t lanes[4]) {
  const PhiloxStream at = {{static_cast<uint32_t>(kSeed), static_cast<uint32_t>(kSeed >> 32)}, kStream, kStep};
  philox_block(at, block, attempt, lanes);
}

double uniform_of(int64_t element) {
  uint32_t lanes[4];
  lanes_of(static_cast<uint32_t>(element / 4), 0, lanes);
  return (lanes[element % 4] >> 8) * std::exp2(-24);
}

double normal_of(int64_t element, bool truncated) {
  for (uint32_t attempt = 0;; ++attempt) {
    uint32_t lanes[4];
    lanes_of(static_cast<uint32_t>(element), attempt, lanes);
    const double u = ((lanes[0] >> 8) + 1) * std::exp2(-24), v = (lanes[1] >> 8) * std::exp2(-24);
    const double z = std::sqrt(-2 * std::log(u)) * std::cos(2 * M_PI * v);
    if (!truncated || std::fabs(z) <= 2) return z;
  }
}

}  // namespace

TEST("blocks are those of the published test vectors") {
  // Random123, kat_vectors: philox4x32 with 10 rounds.
  struct Known {
    uint32_t counter[4], key[2], result[4];
  };
  const Known known[] = {
      {{0, 0, 0, 0}, {0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
      {{~0u, ~0u, ~0u, ~0u}, {~0u, ~0u}, {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
      {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
       {0xa4093822, 0x299f31d0},
       {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
  };
  for (const Known &at : known) {
    uint32_t lanes[4];
    philox_block({{at.key[0], at.key[1]}, at.counter[2], at.counter[3]}, at.counter[0], at.counter[1], lanes);
    for (int i = 0; i < 4; ++i) CHECK(lanes[i] == at.result[i]);
  }
}

TEST("uniform draws are the 24 high bits of their lane, on every instruction set") {
  const Buffer rng = rng_of(kSeed, kStep);
  for (const Isa most : {Isa::baseline, Isa::avx2, Isa::avx512}) {
    limit_isa(most);
    for (const int64_t count : {1, 3, 4, 255, 257, 40007}) {
      Buffer y({count});
      MapAttrs attrs;
      attrs.values = {{"shape", std::vector<double>{static_cast<double>(count)}},
                      {"low", 0.0},
                      {"high", 1.0},
                      {"stream", static_cast<double>(kStream)}};
      CHECK(run_kernel("random_uniform", {&rng}, {&y}, attrs, 0, 2).status == DLC_OK);
      bool right = true;
      for (int64_t i = 0; i < count; ++i) right = right && y.floats()[static_cast<size_t>(i)] == uniform_of(i);
      CHECK(right);
    }
  }
}

TEST("normal draws follow Box and Muller, truncated ones draw again") {
  const Buffer rng = rng_of(kSeed, kStep);
  for (const Isa most : {Isa::baseline, Isa::avx2, Isa::avx512}) {
    limit_isa(most);
    for (const bool truncated : {false, true}) {
      Buffer y({30001});
      MapAttrs attrs;
      attrs.values = {{"shape", std::vector<double>{30001}},
                      {"mean", 0.5},
                      {"std", 2.0},
                      {"stream", static_cast<double>(kStream)},
                      {"truncated", truncated}};
      CHECK(run_kernel("random_normal", {&rng}, {&y}, attrs, 0, 3).status == DLC_OK);
      double worst = 0;
      for (int64_t i = 0; i < 30001; ++i)
        worst = std::max(worst, std::fabs(y.floats()[static_cast<size_t>(i)] - (0.5 + 2 * normal_of(i, truncated))));
      CHECK(worst < 2e-6);
    }
  }
}

TEST("dropout keeps what its draw keeps, in place too") {
  const Buffer rng = rng_of(kSeed, kStep);
  for (const double rate : {0.0, 0.1, 0.5, 0.9}) {
    Buffer x({40003}), y({40003});
    Random(4).fill(x, 1, 2);
    MapAttrs attrs;
    attrs.values = {{"rate", rate}, {"stream", static_cast<double>(kStream)}};
    CHECK(run_kernel("dropout", {&x, &rng}, {&y}, attrs, 0, 2).status == DLC_OK);
    bool right = true;
    for (int64_t i = 0; i < 40003; ++i) {
      const auto at = static_cast<size_t>(i);
      const double expected = uniform_of(i) >= rate ? x.floats()[at] / (1 - rate) : 0;
      right = right && std::fabs(y.floats()[at] - expected) <= 1e-6 * expected;
    }
    CHECK(right);
    ThreadPool pool(2);
    const Tensor inputs[] = {x.tensor(), rng.tensor()}, outputs[] = {x.tensor()};
    RunContext context{};
    CHECK(kernel_named("dropout")({inputs, outputs, attrs, {}, pool})->run(context) == DLC_OK);
    CHECK(std::memcmp(x.bytes().data(), y.bytes().data(), x.bytes().size()) == 0);
  }
}

TEST("attributes and inputs out of range are refused") {
  const Buffer rng = rng_of(1, 1);
  Buffer x({8}), y({8}), short_rng({1}, DLC_I64);
  MapAttrs attrs;
  attrs.values = {{"rate", 1.0}, {"stream", 1.0}};
  CHECK(run_kernel("dropout", {&x, &rng}, {&y}, attrs, 0).status == DLC_BAD_PLAN);
  attrs.values = {{"rate", 0.5}, {"stream", 4294967296.0}};
  CHECK(run_kernel("dropout", {&x, &rng}, {&y}, attrs, 0).status == DLC_BAD_PLAN);
  attrs.values = {{"rate", 0.5}, {"stream", 1.0}};
  CHECK(run_kernel("dropout", {&x, &short_rng}, {&y}, attrs, 0).status == DLC_BAD_PLAN);
}
