// The register tiles of float32 and bfloat16 against plain loops: every width and number of rows, rows in place, packed
// and by tables of offsets, every kind of epilogue.
#include "check.h"
#include "cpu/gemm_tile_bf16.h"
#include "harness.h"

using namespace dlc;
using namespace dlc::test;

namespace {

// What a call asks for apart from the product.
struct Epilogue {
  bool accumulate, bias, residual, relu, clamp;
};

double finished(double sum, const Epilogue &e, float c, float bias, float residual) {
  if (e.accumulate) sum += c;
  if (e.bias) sum += bias;
  if (e.residual) sum += residual;
  if (e.relu) sum = std::max(sum, 0.0);
  return e.clamp ? std::clamp(sum, -0.5, 1.5) : sum;
}

template <typename Call>
void ask(Call &call, const Epilogue &e, const float *bias) {
  call.accumulate = e.accumulate;
  call.bias = e.bias ? bias : nullptr;
  call.relu = e.relu;
  call.clamp = e.clamp;
  call.low = -0.5f;
  call.high = 1.5f;
}

Epilogue any_epilogue(Random &random) {
  const bool clamp = random.chance(0.3);
  return {random.chance(0.4), random.chance(0.4), random.chance(0.3), !clamp && random.chance(0.4), clamp};
}

// Steps along k by a fixed distance or by a table, rows far apart or side by side. `unit`: how many values lie
// together.
struct Source {
  bool packed, table;
  int64_t row, step;
  std::vector<int32_t> offsets;
  Source(Random &random, int rows, int64_t steps, int unit)
      : packed(random.chance(0.5)),
        table(random.chance(0.4)),
        row(packed ? unit : steps * unit + unit * random.integer(0, 3)),
        step(packed ? rows * unit + unit * random.integer(0, 2) : unit) {
    for (int64_t t = 0; t < steps; ++t) offsets.push_back(static_cast<int32_t>((steps - 1 - t) * step));
  }
  int64_t at(int64_t i, int64_t t) const { return i * row + (table ? offsets[static_cast<size_t>(t)] : t * step); }
  int64_t values(int rows, int64_t steps, int unit) const { return (rows - 1) * row + (steps - 1) * step + unit; }
};

void run_f32(int width, int rows, Random &random) {
  const int64_t k = random.integer(1, 19), ldc = width + random.integer(0, 5);
  const int columns = random.chance(0.5) ? width : static_cast<int>(random.integer(1, width));
  const Source source(random, rows, k, 1);
  Buffer a({source.values(rows, k, 1)}), b({k, width}), c({(rows - 1) * ldc + columns}), bias({columns});
  Buffer residual({c.tensor().shape});
  for (const Buffer *buffer : {&a, &b, &c, &bias, &residual}) random.fill(*buffer);
  const Epilogue e = any_epilogue(random);
  std::vector<double> expected(c.floats().begin(), c.floats().end());
  for (int64_t i = 0; i < rows; ++i) {
    for (int64_t j = 0; j < columns; ++j) {
      double sum = 0;
      for (int64_t t = 0; t < k; ++t)
        sum += double(a.wide()[size_t(source.at(i, t))]) * b.wide()[size_t(t * width + j)];
      const auto at = static_cast<size_t>(i * ldc + j);
      expected[at] = finished(sum, e, c.floats()[at], bias.floats()[size_t(j)], residual.floats()[at]);
    }
  }
  TileCall call;
  ask(call, e, bias.floats().data());
  call.a = a.floats().data();
  call.a_row = source.row;
  call.a_step = source.step;
  call.offsets = source.table ? source.offsets.data() : nullptr;
  call.k = k;
  call.b = b.floats().data();
  call.ldb = width;
  call.c = c.floats().data();
  call.ldc = ldc;
  call.columns = columns;
  call.residual = e.residual ? residual.floats().data() : nullptr;
  run_tile(tile_isa(), width, rows, call);
  CHECK(error_of(c.floats(), expected) < 2e-6);
  CHECK(c.guards_hold());
}

void run_bf16(int width, int rows, Random &random) {
  const int64_t pairs = random.integer(1, 19), ldc = width + random.integer(0, 5);
  const int columns = random.chance(0.5) ? width : static_cast<int>(random.integer(1, width));
  const Source source(random, rows, pairs, 2);
  const bool round = random.chance(0.5);
  Buffer a({source.values(rows, pairs, 2)}, DLC_BF16), b({pairs, width, 2}, DLC_BF16);
  Buffer c({(rows - 1) * ldc + columns}), bias({columns});
  Buffer residual(c.tensor().shape, DLC_BF16), rounded(c.tensor().shape, DLC_BF16);
  for (const Buffer *buffer : {&a, &b, &c, &bias, &residual, &rounded}) random.fill(*buffer);
  const Epilogue e = any_epilogue(random);
  const std::vector<float> left = a.wide(), right = b.wide(), added = residual.wide(), before = rounded.wide();
  std::vector<double> expected(c.floats().begin(), c.floats().end());
  if (round) expected.assign(before.begin(), before.end());
  for (int64_t i = 0; i < rows; ++i) {
    for (int64_t j = 0; j < columns; ++j) {
      double sum = 0;
      for (int64_t t = 0; t < 2 * pairs; ++t) {
        sum += double(left[size_t(source.at(i, t / 2) + t % 2)]) * right[size_t((t / 2 * width + j) * 2 + t % 2)];
      }
      const auto at = static_cast<size_t>(i * ldc + j);
      expected[at] = finished(sum, e, c.floats()[at], bias.floats()[size_t(j)], added[at]);
    }
  }
  TileCallBf16 call;
  ask(call, e, bias.floats().data());
  call.a = a.halves().data();
  call.a_row = source.row;
  call.a_step = source.step;
  call.offsets = source.table ? source.offsets.data() : nullptr;
  call.pairs = pairs;
  call.b = b.halves().data();
  call.ldb = 2 * width;
  call.c = c.floats().data();
  call.rounded = round ? rounded.halves().data() : nullptr;
  call.ldc = ldc;
  call.columns = columns;
  call.residual = e.residual ? residual.halves().data() : nullptr;
  run_tile(tile_isa_bf16(), width, rows, call);
  CHECK(error_of(round ? rounded.wide() : c.wide(), expected) < (round ? 5e-3 : 4e-6));
  CHECK(c.guards_hold() && rounded.guards_hold());
}

template <typename F>
void each_tile(F run) {
  const TileIsa &isa = tile_isa();
  for (size_t w = 0; w < isa.width_count; ++w) {
    for (int rows = 1; rows <= isa.max_rows(isa.widths[w]); ++rows) run(isa.widths[w], rows);
  }
}

}  // namespace

TEST("tiles of float32 agree with a plain loop") {
  each_isa([] {
    Random random(1);
    each_tile([&](int width, int rows) {
      for (int i = 0; i < 12; ++i) run_f32(width, rows, random);
    });
  });
}

TEST("tiles of bfloat16 agree with a plain loop") {
  each_bf16_isa([] {
    Random random(2);
    each_tile([&](int width, int rows) {
      for (int i = 0; i < 12; ++i) run_bf16(width, rows, random);
    });
  });
}

TEST("pairs of rows and within rows are rounded to nearest even, with zeros where there is nothing") {
  each_bf16_isa([] {
    Random random(3);
    const TileIsaBf16 &isa = tile_isa_bf16();
    for (int i = 0; i < 40; ++i) {
      const int64_t rows = random.integer(1, 9), columns = random.integer(1, 70),
                    width = columns + random.integer(0, 3);
      const int64_t pairs = (rows + 1) / 2, row = columns + random.integer(0, 2), even = (columns + 1) / 2 * 2;
      Buffer x({((rows - 1) * row + columns + 1) / 2 * 2}), halves(x.tensor().shape, DLC_BF16);
      random.fill(x);
      x.floats()[0] = std::nanf("");
      isa.narrow(x.floats().data(), 0, 1, x.tensor().elements(), halves.halves().data(), 0);
      CHECK(is_rounded(halves, x));
      Buffer zipped({pairs, width, 2}, DLC_BF16), same(zipped.tensor().shape, DLC_BF16);
      isa.zip(x.floats().data(), row, rows, columns, width, zipped.halves().data());
      isa.zip_bf16(halves.halves().data(), row, rows, columns, width, same.halves().data());
      Buffer lines({rows, even}, DLC_BF16), copied(lines.tensor().shape, DLC_BF16);
      isa.narrow(x.floats().data(), row, rows, columns, lines.halves().data(), even);
      isa.copy(halves.halves().data(), row, rows, columns, copied.halves().data(), even);
      for (int64_t t = 0; t < 2 * pairs; ++t) {
        for (int64_t j = 0; j < std::max(width, even); ++j) {
          const bool there = t < rows && j < columns;
          const uint16_t expected = there ? halves.halves()[size_t(t * row + j)].bits : 0;
          if (j < width) CHECK(zipped.halves()[size_t((t / 2 * width + j) * 2 + t % 2)].bits == expected);
          if (t < rows && j < even) CHECK(lines.halves()[size_t(t * even + j)].bits == expected);
        }
      }
      CHECK(same_bytes(zipped, same) && same_bytes(lines, copied));
      CHECK(zipped.guards_hold() && same.guards_hold() && lines.guards_hold() && copied.guards_hold());
    }
  });
}
