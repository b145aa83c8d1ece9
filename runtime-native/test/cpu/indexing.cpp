// Gathers, scatters, sorting, running totals and sparse maps: large ones against plain loops, and plans that lie.
#include <numeric>

#include "check.h"
#include "harness.h"

using namespace dlc;
using namespace dlc::test;

namespace {

MapAttrs attrs_of(std::map<std::string, AttrValue, std::less<>> values) {
  MapAttrs attrs;
  attrs.values = std::move(values);
  return attrs;
}

}  // namespace

TEST("a scatter cut into many parts adds what a plain loop adds, at any number of threads") {
  const int64_t vocabulary = 3001, units = 300, tokens = 5000;
  Buffer indices({tokens}, DLC_I32), updates({tokens, units}), y({vocabulary, units}), again({vocabulary, units});
  Random random(3);
  random.fill(updates);
  // A few rows get most of it.
  for (int32_t &index : indices.ints()) index = static_cast<int32_t>(random.integer(0, random.chance(0.5) ? 3 : 3000));
  const MapAttrs attrs = attrs_of({{"axis", 0.0}, {"batch_dims", 0.0}, {"size", double(vocabulary)}});
  CHECK(run_kernel("scatter_add", {&indices, &updates}, {&y}, attrs, 0, 1).status == DLC_OK);
  CHECK(run_kernel("scatter_add", {&indices, &updates}, {&again}, attrs, 0, 3).status == DLC_OK);
  CHECK(same_bytes(y, again));
  std::vector<double> expected(static_cast<size_t>(vocabulary * units));
  for (size_t k = 0; k < static_cast<size_t>(tokens); ++k)
    for (size_t i = 0; i < static_cast<size_t>(units); ++i)
      expected[static_cast<size_t>(indices.ints()[k]) * size_t{300} + i] += double(updates.floats()[k * 300 + i]);
  CHECK(error_of(y.floats(), expected) < 1e-5);

  Buffer back({tokens, units});
  CHECK(run_kernel("gather", {&y, &indices}, {&back}, attrs, 0, 2).status == DLC_OK);
  bool same = true;
  for (size_t k = 0; k < static_cast<size_t>(tokens); ++k)
    for (size_t i = 0; i < 300; ++i)
      same = same && back.floats()[k * 300 + i] == y.floats()[static_cast<size_t>(indices.ints()[k]) * 300 + i];
  CHECK(same);
}

TEST("the first index that is not there is reported, whichever thread meets it") {
  Buffer x({7, 3}), indices({90000}, DLC_I64), y({90000, 3});
  std::fill_n(indices.tensor().as<int64_t>(), 90000, 6);
  indices.tensor().as<int64_t>()[50001] = int64_t{1} << 40;
  indices.tensor().as<int64_t>()[80000] = -1;
  const MapAttrs attrs = attrs_of({{"axis", 0.0}, {"batch_dims", 0.0}, {"size", 7.0}});
  const Outcome found = run_kernel("gather", {&x, &indices}, {&y}, attrs, 0, 3);
  CHECK(found.status == DLC_DATA_ERROR && found.message == "index 1099511627776 at position 50001 is outside 0..6");
  // An output that nobody reads is not written, but the indices are checked all the same.
  CHECK(run_kernel("gather", {&x, &indices}, {nullptr}, attrs, 0, 3).status == DLC_DATA_ERROR);
  const Outcome added = run_kernel("scatter_add", {&indices, &y}, {&x}, attrs, 0, 3);
  CHECK(added.status == DLC_DATA_ERROR && added.message == found.message);
}

TEST("a sparse map is its matrix, on every instruction set, along any axis") {
  const int64_t extent = 37, size = 53, taps = 4;
  Random random(8);
  std::vector<double> index, weight, matrix(static_cast<size_t>(extent * size));
  for (int64_t i = 0; i < size; ++i)
    for (int64_t t = 0; t < taps; ++t) {
      // Some results take nothing, some many.
      const bool used = i % 5 != 0 && (t < 2 || i % 7 == 0);
      index.push_back(double(random.integer(0, extent - 1)));
      weight.push_back(used ? double(random.integer(-8, 8)) / 4 : 0);
      matrix[static_cast<size_t>(i * extent) + static_cast<size_t>(index.back())] += weight.back();
    }
  const MapAttrs columns = attrs_of(
      {{"axis", 1.0}, {"size", double(size)}, {"taps", double(taps)}, {"indices", index}, {"weights", weight}});
  for (const int64_t inner : {1, 3, 67, 200}) {
    Buffer x({3, extent, inner}), y({3, size, inner}), threaded({3, size, inner});
    random.fill(x);
    std::vector<double> expected(static_cast<size_t>(3 * size * inner));
    for (int64_t o = 0; o < 3; ++o)
      for (int64_t i = 0; i < size; ++i)
        for (int64_t k = 0; k < extent; ++k)
          for (int64_t j = 0; j < inner; ++j)
            expected[static_cast<size_t>((o * size + i) * inner + j)] +=
                matrix[static_cast<size_t>(i * extent + k)] *
                double(x.floats()[static_cast<size_t>((o * extent + k) * inner + j)]);
    each_isa([&] {
      CHECK(run_kernel("resample", {&x}, {&y}, columns, 0, 1).status == DLC_OK);
      CHECK(error_of(y.floats(), expected) < 1e-6);
      CHECK(run_kernel("resample", {&x}, {&threaded}, columns, 0, 3).status == DLC_OK);
      CHECK(same_bytes(y, threaded));
    });
  }
}

TEST("running totals from the end, with and without the element itself") {
  Buffer x({5, 130}), y({5, 130});
  Random(4).fill(x);
  for (const bool exclusive : {false, true}) {
    const MapAttrs attrs = attrs_of({{"axis", 1.0}, {"exclusive", exclusive}, {"reverse", true}});
    CHECK(run_kernel("cumsum", {&x}, {&y}, attrs, 0, 2).status == DLC_OK);
    for (size_t row = 0; row < 5; ++row) {
      double sum = 0;
      for (size_t i = 130; i-- > 0;) {
        const double own = double(x.floats()[row * 130 + i]);
        CHECK(std::fabs(double(y.floats()[row * 130 + i]) - (exclusive ? sum : sum + own)) < 1e-5);
        sum += own;
      }
    }
  }
}

TEST("attributes that do not fit are refused") {
  Buffer x({4, 6}), i({4}, DLC_I32), y({4, 6}), line({6}), whole({4, 6}, DLC_I32), small({4, 3});
  const auto refused = [](std::string_view name, const std::vector<const Buffer *> &inputs,
                          const std::vector<const Buffer *> &outputs, MapAttrs attrs) {
    return run_kernel(name, inputs, outputs, attrs, 0).status == DLC_BAD_PLAN;
  };
  CHECK(refused("gather", {&x, &x}, {&y}, attrs_of({{"axis", 0.0}, {"batch_dims", 0.0}})));
  CHECK(refused("gather", {&x, &i}, {&y}, attrs_of({{"axis", 2.0}, {"batch_dims", 0.0}})));
  CHECK(refused("gather", {&x, &i}, {&small}, attrs_of({{"axis", 0.0}, {"batch_dims", 0.0}})));
  CHECK(refused("gather", {&x, &i}, {&line}, attrs_of({{"axis", 0.0}, {"batch_dims", 1.0}})));
  CHECK(refused("gather", {&x, &i}, {&y}, attrs_of({{"axis", 1.0}, {"batch_dims", -1.0}})));
  CHECK(refused("scatter_add", {&i, &y}, {&x}, attrs_of({{"axis", 0.0}, {"batch_dims", 0.0}, {"size", 9.0}})));
  CHECK(refused("scatter_add", {&i, &small}, {&x}, attrs_of({{"axis", 0.0}, {"batch_dims", 0.0}, {"size", 4.0}})));
  CHECK(refused("gather_elements", {&small, &whole}, {&y}, attrs_of({{"axis", 0.0}})));
  CHECK(refused("gather_elements", {&x, &whole}, {&y}, attrs_of({{"axis", -1.0}})));
  CHECK(refused("scatter_elements_add", {&whole, &small}, {&y}, attrs_of({{"axis", 1.0}, {"size", 6.0}})));
  CHECK(refused("sort", {&x}, {&y, &y}, attrs_of({{"axis", 1.0}, {"descending", false}})));
  CHECK(refused("sort", {&x}, {&y, &whole}, attrs_of({{"axis", 2.0}, {"descending", false}})));
  CHECK(refused("cumsum", {&x}, {&small}, attrs_of({{"axis", 1.0}, {"exclusive", false}, {"reverse", false}})));
  CHECK(refused("linear_recurrence", {&x, &small}, {&y}, attrs_of({{"axis", 1.0}, {"reverse", false}})));
  const std::vector<double> three{0, 1, 2}, far{0, 1, 6}, ones{1, 1, 1};
  const auto map = [](double size, double taps, const std::vector<double> &index, const std::vector<double> &weight) {
    return attrs_of({{"axis", 1.0}, {"size", size}, {"taps", taps}, {"indices", index}, {"weights", weight}});
  };
  CHECK(run_kernel("resample", {&x}, {&small}, map(3, 1, three, ones), 0).status == DLC_OK);
  CHECK(refused("resample", {&x}, {&small}, map(3, 1, far, ones)));
  CHECK(refused("resample", {&x}, {&small}, map(3, 1, {0, 1, -1}, ones)));
  CHECK(refused("resample", {&x}, {&small}, map(3, 2, three, ones)));
  CHECK(refused("resample", {&x}, {&small}, map(1, 3, three, ones)));
  CHECK(refused("resample", {&x}, {&small}, map(3, 9e15, three, ones)));
  CHECK(refused("resample", {&x}, {&small}, map(-3, -1, three, ones)));
  CHECK(refused("resample", {&x}, {&small}, map(3, 1, three, {1, 1})));
}

TEST("long lines need their workspace") {
  const int64_t extent = (int64_t{1} << 18) + 1;
  Buffer x({extent}), values({extent}), indices({extent}, DLC_I32);
  Random(6).fill(x);
  const MapAttrs attrs = attrs_of({{"axis", 0.0}, {"descending", false}});
  CHECK(run_kernel("sort", {&x}, {&values, &indices}, attrs, 0).status == DLC_BAD_PLAN);
  CHECK(run_kernel("sort", {&x}, {&values, &indices}, attrs, static_cast<size_t>(extent) * 8).status == DLC_OK);
  CHECK(std::is_sorted(values.floats().begin(), values.floats().end()));
}
