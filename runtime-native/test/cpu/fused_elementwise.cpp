// fused_elementwise: the functions' accuracy, broadcasting, in-place groups, several outputs, integers, thread counts.
#include <cmath>
#include <functional>

#include "check.h"
#include "harness.h"

using namespace dlc;
using namespace dlc::test;

namespace {

const int64_t kCount = 40001;

MapAttrs program(const char *text) {
  MapAttrs attrs;
  attrs.values["program"] = std::string(text);
  return attrs;
}

Outcome run(const char *text, const std::vector<const Buffer *> &inputs, const std::vector<const Buffer *> &outputs,
            int threads = 2) {
  return run_kernel("fused_elementwise", inputs, outputs, program(text), 0, threads);
}

struct Function {
  const char *name;
  double (*exact)(double);
  float low, high;
  double relative;
};

double worst_relative(const Function &function) {
  Buffer x({kCount}), y({kCount});
  for (int64_t i = 0; i < kCount; ++i)
    x.floats()[static_cast<size_t>(i)] =
        function.low + (function.high - function.low) * static_cast<float>(i) / static_cast<float>(kCount - 1);
  const std::string text = std::string("a = ") + function.name + "(%0); yield a";
  CHECK(run(text.c_str(), {&x}, {&y}).status == DLC_OK);
  double worst = 0;
  for (size_t i = 0; i < static_cast<size_t>(kCount); ++i) {
    const double expected = function.exact(x.floats()[i]);
    // Below the least normal number only absolute precision is left.
    const double scale = std::max(std::fabs(expected), 1.2e-38);
    worst = std::max(worst, std::fabs(y.floats()[i] - expected) / scale);
  }
  return worst;
}

void check_functions() {
  const Function functions[] = {
      {"exp", std::exp, -87, 88.7f, 2e-7},
      {"exp", std::exp, -1, 1, 1.5e-7},
      {"expm1", std::expm1, -20, 88, 3e-7},
      {"expm1", std::expm1, -1e-3f, 1e-3f, 2e-7},
      {"log", std::log, 1e-38f, 2, 3e-7},
      {"log", std::log, 0.5f, 2.0f, 3e-7},
      {"log", std::log, 1, 1e30f, 2e-7},
      {"log1p", std::log1p, -0.9f, 3, 4e-7},
      {"log1p", std::log1p, -1e-4f, 1e-4f, 3e-7},
      {"tanh", std::tanh, -10, 10, 3e-7},
      {"tanh", std::tanh, -0.7f, 0.7f, 3e-7},
      {"sigmoid", [](double x) { return 1 / (1 + std::exp(-x)); }, -80, 80, 3e-7},
      {"erf", std::erf, -5, 5, 3e-7},
      {"erf", std::erf, -0.01f, 0.01f, 2e-7},
      {"tan", std::tan, -1.57f, 1.57f, 4e-7},
      {"tan", std::tan, -300, 300, 4e-7},
      {"asin", std::asin, -1, 1, 3e-7},
      {"asin", std::asin, -1e-3f, 1e-3f, 2e-7},
      {"acos", std::acos, -1, 1, 3e-7},
      {"acos", std::acos, 0.999f, 1, 3e-7},
      {"atan", std::atan, -20, 20, 3e-7},
      {"atan", std::atan, -1e-2f, 1e-2f, 2e-7},
      {"sinh", std::sinh, -89, 89, 4e-7},
      {"sinh", std::sinh, -1, 1, 4e-7},
      {"cosh", std::cosh, -89, 89, 4e-7},
      {"asinh", std::asinh, -5, 5, 4e-7},
      {"asinh", std::asinh, -1e6f, 1e6f, 4e-7},
      {"acosh", std::acosh, 1, 3, 4e-7},
      {"acosh", std::acosh, 1, 1e6f, 4e-7},
      {"atanh", std::atanh, -0.9999f, 0.9999f, 4e-7},
      {"atanh", std::atanh, -1e-3f, 1e-3f, 3e-7},
      {"sqrt", std::sqrt, 0, 10, 1e-7},
      {"rsqrt", [](double x) { return 1 / std::sqrt(x); }, 0.1f, 10, 2e-7},
  };
  for (const Function &function : functions) {
    const double worst = worst_relative(function);
    if (!CHECK(worst < function.relative))
      std::printf("    %s on [%g, %g]: relative error %.3g\n", function.name, static_cast<double>(function.low),
                  static_cast<double>(function.high), worst);
  }
}

}  // namespace

TEST("functions are accurate on every instruction set") {
  for (const Isa most : {Isa::baseline, Isa::avx2, Isa::avx512}) {
    limit_isa(most);
    check_functions();
  }
}

TEST("sine and cosine are close near and far from zero") {
  Buffer x({kCount}), s({kCount}), c({kCount});
  for (const float reach : {4.0f, 8000.0f, 1e7f}) {
    Random(1).fill(x, -reach, reach);
    CHECK(run("a = sin(%0); b = cos(%0); yield a, b", {&x}, {&s, &c}).status == DLC_OK);
    double worst = 0;
    for (size_t i = 0; i < static_cast<size_t>(kCount); ++i) {
      const double at = x.floats()[i];
      worst = std::max({worst, std::fabs(s.floats()[i] - std::sin(at)), std::fabs(c.floats()[i] - std::cos(at))});
    }
    CHECK(worst < 3e-7);
  }
}

TEST("the angle of a point is close all around, and right on the axes") {
  Buffer y({kCount}), x({kCount}), angle({kCount});
  for (const Isa most : {Isa::baseline, Isa::avx2, Isa::avx512}) {
    limit_isa(most);
    Random random(5);
    random.fill(y, -3, 3);
    random.fill(x, -3, 3);
    const float inf = INFINITY;
    const float ends[] = {0.0f, -0.0f, 1.0f, -1.0f, 1e-30f, -1e30f, inf, -inf};
    for (size_t i = 0; i < std::size(ends); ++i)
      for (size_t j = 0; j < std::size(ends); ++j) {
        y.floats()[i * std::size(ends) + j] = ends[i];
        x.floats()[i * std::size(ends) + j] = ends[j];
      }
    CHECK(run("a = atan2(%0, %1); yield a", {&y, &x}, {&angle}).status == DLC_OK);
    double worst = 0;
    bool signs = true;
    for (size_t i = 0; i < static_cast<size_t>(kCount); ++i) {
      const double expected = std::atan2(double(y.floats()[i]), double(x.floats()[i]));
      worst = std::max(worst, std::fabs(angle.floats()[i] - expected) / std::max(std::fabs(expected), 1.2e-38));
      signs = signs && std::signbit(angle.floats()[i]) == std::signbit(expected);
    }
    CHECK(worst < 3e-7);
    CHECK(signs);
  }
}

TEST("powers are accurate over the whole range, and their limits and signs those of the C library") {
  const float inf = INFINITY, nan = NAN;
  const float ends[] = {0.0f, -0.0f, 1.0f, -1.0f, inf,         -inf,        nan,   1e-42f, -1e-42f, 0.5f, -0.5f,
                        2.0f, -2.0f, 3.0f, -3.0f, 16777215.0f, 16777216.0f, -7.0f, 2.5f,   -2.5f,   1e30f};
  const size_t side = std::size(ends), count = kCount;
  Buffer x({kCount}), y({kCount}), power({kCount}), constant({kCount});
  Random random(6);
  random.fill(x, -60, 60);
  random.fill(y, -3, 3);
  for (size_t i = side * side; i < count; ++i) {
    // Bases of every size, every fourth negative with a whole exponent.
    x.floats()[i] = std::exp2(x.floats()[i]);
    if (i % 4 == 0) x.floats()[i] = -x.floats()[i], y.floats()[i] = std::round(y.floats()[i]);
  }
  for (size_t i = 0; i < side * side; ++i) x.floats()[i] = ends[i / side], y.floats()[i] = ends[i % side];
  each_isa([&] {
    CHECK(run("a = pow(%0, %1); yield a", {&x, &y}, {&power}).status == DLC_OK);
    double worst = 0;
    for (size_t i = 0; i < count; ++i) {
      const float a = x.floats()[i], b = y.floats()[i], found = power.floats()[i];
      const double exact = std::pow(double(a), double(b));
      const auto expected = static_cast<float>(exact);
      if (std::isfinite(expected) && std::fabs(expected) >= 1.2e-38f)
        worst = std::max(worst, std::fabs(found - exact) / std::fabs(exact));
      const bool right =
          std::isnan(expected)
              ? std::isnan(found)
              : std::signbit(found) == std::signbit(expected) &&
                    (std::isinf(expected) ? found == expected
                                          : std::fabs(found - expected) <= 2e-6 * std::fabs(expected) + 1e-44);
      if (!CHECK(right)) std::printf("    pow(%g, %g) is %g\n", double(a), double(b), double(found));
    }
    CHECK(worst < 5e-7);
    for (const float exponent : {2.0f, 3.0f, -1.0f, 0.5f, -0.5f, 1.7f, -2.0f}) {
      const std::string text = "a = pow(%0, " + std::to_string(exponent) + "); yield a";
      CHECK(run(text.c_str(), {&x}, {&constant}).status == DLC_OK);
      bool right = true;
      for (size_t i = 0; i < count; ++i) {
        const float expected = std::pow(x.floats()[i], exponent), found = constant.floats()[i];
        right = right && ((std::isnan(expected) && std::isnan(found)) || found == expected ||
                          std::fabs(found - expected) <= 2e-6f * std::fabs(expected) + 1e-44f);
      }
      CHECK(right);
    }
  });
}

TEST("limits are those of the C library") {
  const float inf = INFINITY, nan = NAN;
  const float values[] = {0.0f, -0.0f, inf, -inf, nan, 1e-42f, -1e-42f, 100.0f, -100.0f, 1e30f, -1e30f, -1.0f, -0.5f};
  const std::pair<const char *, std::function<double(double)>> functions[] = {
      {"exp", [](double x) { return std::exp(x); }},
      {"expm1", [](double x) { return std::expm1(x); }},
      {"log", [](double x) { return std::log(x); }},
      {"log1p", [](double x) { return std::log1p(x); }},
      {"tanh", [](double x) { return std::tanh(x); }},
      {"sigmoid", [](double x) { return 1 / (1 + std::exp(-x)); }},
      {"erf", [](double x) { return std::erf(x); }},
      {"sin", [](double x) { return std::sin(x); }},
      {"tan", [](double x) { return std::tan(x); }},
      {"asin", [](double x) { return std::asin(x); }},
      {"acos", [](double x) { return std::acos(x); }},
      {"atan", [](double x) { return std::atan(x); }},
      {"sinh", [](double x) { return std::sinh(x); }},
      {"cosh", [](double x) { return std::cosh(x); }},
      {"asinh", [](double x) { return std::asinh(x); }},
      {"acosh", [](double x) { return std::acosh(x); }},
      {"atanh", [](double x) { return std::atanh(x); }},
      {"relu", [](double x) { return x <= 0 ? 0 : x; }},
      {"sqrt", [](double x) { return std::sqrt(x); }},
      {"sign", [](double x) { return x > 0   ? 1
                                     : x < 0 ? -1
                                             : x; }},
      {"round", [](double x) { return std::nearbyint(x); }},
  };
  Buffer x({std::ssize(values)}), y({std::ssize(values)});
  std::copy(std::begin(values), std::end(values), x.floats().begin());
  for (const Isa most : {Isa::baseline, Isa::avx2, Isa::avx512}) {
    limit_isa(most);
    for (const auto &[name, exact] : functions) {
      CHECK(run((std::string("a = ") + name + "(%0); yield a").c_str(), {&x}, {&y}).status == DLC_OK);
      for (size_t i = 0; i < std::size(values); ++i) {
        const auto expected = static_cast<float>(exact(values[i]));
        if (!CHECK_CLOSE(y.floats()[i], expected, 4e-7))
          std::printf("    %s(%g)\n", name, static_cast<double>(values[i]));
      }
    }
  }
}

TEST("NaN wins in maximum and minimum, from either side") {
  Buffer a({2}), b({2}), high({2}), low({2});
  a.floats()[0] = NAN, a.floats()[1] = 1;
  b.floats()[0] = 1, b.floats()[1] = NAN;
  CHECK(run("a = maximum(%0, %1); b = minimum(%0, %1); yield a, b", {&a, &b}, {&high, &low}).status == DLC_OK);
  for (const size_t i : {0, 1}) CHECK(std::isnan(high.floats()[i]) && std::isnan(low.floats()[i]));
}

TEST("inputs broadcast in every pattern") {
  Random random(3);
  for (const std::vector<int64_t> &shape : {std::vector<int64_t>{3, 5, 7, 11}, {3, 5, 20, 30}, {2, 3, 130, 140}}) {
    const int64_t n = shape[0], c = shape[1], h = shape[2], w = shape[3];
    const std::vector<std::vector<int64_t>> patterns = {
        {n, c, h, w}, {},           {1},          {c, 1, 1}, {1, c, 1, 1}, {w},         {h, 1},
        {n, 1, 1, 1}, {n, 1, h, 1}, {1, c, 1, w}, {h, w},    {n, c, 1, 1}, {1, 1, h, w}};
    Buffer whole(shape), y(shape), other({n, 1, 1, 1});
    random.fill(whole);
    random.fill(other);
    for (const std::vector<int64_t> &pattern : patterns) {
      Buffer part(pattern);
      random.fill(part);
      // The second statement reads nothing but what stays the same along rows, in some of the patterns.
      CHECK(run("a = mul(%0, 2); e = exp(%1); f = mul(e, %2); b = add(a, f); c = sub(%1, %0); d = mul(b, c); yield d",
                {&whole, &part, &other}, {&y})
                .status == DLC_OK);
      bool right = true;
      for (int64_t i = 0; i < whole.tensor().elements(); ++i) {
        int64_t rest = i, at = 0, step = 1;
        for (size_t back = 0; back < shape.size(); ++back) {
          const int64_t extent = shape[shape.size() - 1 - back], coordinate = rest % extent;
          rest /= extent;
          if (back >= pattern.size()) continue;
          const int64_t own = pattern[pattern.size() - 1 - back];
          if (own != 1) at += coordinate * step;
          step *= own;
        }
        const double p = part.floats()[static_cast<size_t>(at)], x = whole.floats()[static_cast<size_t>(i)];
        const double o = other.floats()[static_cast<size_t>(i / (c * h * w))];
        right = right && std::fabs(y.floats()[static_cast<size_t>(i)] - (2 * x + std::exp(p) * o) * (p - x)) < 1e-5;
      }
      CHECK(right);
    }
  }
}

TEST("an output may lie on an input, whatever is read later") {
  Random random(4);
  const char *const programs[] = {
      "a = mul(%0, 2); b = add(a, %1); yield b, a",    // a and b land on inputs that are still read
      "v = mul(%1, 0.9); w = add(v, %0); yield w, v",  // momentum
      "a = add(%0, %1); yield a, %0",                  // an input copied while its place is overwritten
      "yield %1, %0",                                  // exchanged
      "a = exp(%0); b = sub(%1, a); yield b, b",       // one value twice
  };
  for (const char *text : programs) {
    Buffer x({5000}), y({5000}), p({5000}), q({5000});
    random.fill(x);
    random.fill(y);
    CHECK(run(text, {&x, &y}, {&p, &q}).status == DLC_OK);
    ThreadPool pool(2);
    const std::vector<Tensor> tensors = {x.tensor(), y.tensor()};
    const MapAttrs attrs = program(text);
    RunContext context{};
    CHECK(kernel_named("fused_elementwise")({tensors, tensors, attrs, {}, pool})->run(context) == DLC_OK);
    CHECK(std::equal(x.floats().begin(), x.floats().end(), p.floats().begin()));
    CHECK(std::equal(y.floats().begin(), y.floats().end(), q.floats().begin()));
  }
}

TEST("comparisons that choose and products that add agree with their parts") {
  Random random(5);
  Buffer x({1000}), g({1000}), y({1000});
  random.fill(x);
  random.fill(g);
  x.floats()[7] = NAN, x.floats()[8] = 0;
  const std::pair<const char *, std::function<bool(float)>> tests[] = {
      {"greater", [](float v) { return v > 0; }}, {"greater_equal", [](float v) { return v >= 0; }},
      {"less", [](float v) { return v < 0; }},    {"less_equal", [](float v) { return v <= 0; }},
      {"equal", [](float v) { return v == 0; }},  {"not_equal", [](float v) { return v != 0; }},
  };
  for (const auto &[name, holds] : tests) {
    CHECK(run((std::string("a = ") + name + "(%0, 0); b = where(a, %1, 3); yield b").c_str(), {&x, &g}, {&y}).status ==
          DLC_OK);
    for (size_t i = 0; i < 1000; ++i) CHECK(y.floats()[i] == (holds(x.floats()[i]) ? g.floats()[i] : 3.0f));
  }
  for (const char *text : {"m = mul(%0, %1); a = add(2, m); yield a", "m = mul(%0, %1); a = sub(m, -2); yield a"}) {
    CHECK(run(text, {&x, &g}, {&y}).status == DLC_OK);
    CHECK_CLOSE(y.floats()[3], static_cast<double>(x.floats()[3]) * g.floats()[3] + 2, 1e-6);
  }
}

TEST("bools and integers go in and out") {
  Buffer labels({6}, DLC_I32), hits({6}, DLC_BOOL), sums({6}, DLC_I32), one({}, DLC_I32);
  for (int32_t i = 0; i < 6; ++i) labels.ints()[static_cast<size_t>(i)] = i * 400000001;
  one.ints()[0] = 400000001;
  CHECK(run("a = equal(%0, %1); b = sub(%0, %1); yield a, b", {&labels, &one}, {&hits, &sums}).status == DLC_OK);
  CHECK(hits.bytes()[0] == 0 && hits.bytes()[1] == 1 && hits.bytes()[2] == 0);
  CHECK(sums.ints()[0] == -400000001 && sums.ints()[1] == 0 && sums.ints()[2] == 400000001);

  Buffer chosen({6}), x({6});
  Random(6).fill(x);
  CHECK(run("n = not(%0); a = where(n, %1, 0); yield a", {&hits, &x}, {&chosen}).status == DLC_OK);
  for (size_t i = 0; i < 6; ++i) CHECK(chosen.floats()[i] == (i == 1 ? 0.0f : x.floats()[i]));
}

TEST("64-bit integers are copied exactly") {
  Buffer x({3}, DLC_I64), y({3}, DLC_I64);
  const int64_t values[] = {INT64_MAX, INT64_MIN + 1, (int64_t{1} << 53) + 1};
  std::memcpy(x.bytes().data(), values, sizeof values);
  CHECK(run("yield %0", {&x}, {&y}).status == DLC_OK);
  CHECK(std::memcmp(y.bytes().data(), values, sizeof values) == 0);
}

TEST("outputs that nobody wants are left out, single numbers fill") {
  Buffer x({}), y({}), wide({9000}), filled({9000});
  x.floats()[0] = 3;
  Random(8).fill(wide);
  CHECK(run("a = square(%0); b = exp(a); yield b, a", {&x}, {nullptr, &y}).status == DLC_OK);
  CHECK(y.floats()[0] == 9);
  CHECK(run("a = square(%1); b = mul(%0, a); yield a, b", {&wide, &x}, {&filled, nullptr}).status == DLC_OK);
  for (const float value : filled.floats()) CHECK(value == 9);
}

TEST("a result has the same bytes whichever others are wanted") {
  each_isa([] {
    Random random(29);
    Buffer x({1000}), y({1000}), product({1000}), beside({1000}), alone({1000});
    random.fill(x), random.fill(y);
    const MapAttrs attrs = program("a = mul(%0, %1); b = sub(%0, a); yield a, b");
    CHECK(run_kernel("fused_elementwise", {&x, &y}, {&product, &beside}, attrs, 0).status == DLC_OK);
    CHECK(run_kernel("fused_elementwise", {&x, &y}, {nullptr, &alone}, attrs, 0).status == DLC_OK);
    CHECK(same_bytes(beside, alone));
  });
}

TEST("bfloat16 is widened when read and rounded to nearest even when written") {
  Buffer x({70000}, DLC_BF16), e({70000}), y({70000}, DLC_BF16), z({70000}), gate({70000}, DLC_BF16);
  Random random(9);
  random.fill(x);
  random.fill(e);
  random.fill(gate);
  const float bits[] = {1.00390625f, 1.01171875f, -1.00390625f, NAN, INFINITY, 3.4e38f, 1e-40f, -0.0f};
  std::copy(std::begin(bits), std::end(bits), e.floats().begin());
  const Buffer wide = widened(x), wide_gate = widened(gate);
  each_isa([&] {
    CHECK(run("a = bf16(%0); yield a", {&e}, {&y}).status == DLC_OK);
    CHECK(is_rounded(y, e));
    CHECK(run("a = f32(%0); yield a", {&x}, {&z}).status == DLC_OK);
    CHECK(same_bytes(z, wide));
    // A rounded value that is read on within the program.
    Buffer part({70000}), expected({70000}), kept({70000}, DLC_BF16);
    const char *const text = "a = f32(%0); b = mul(a, %1); c = bf16(b); d = f32(c); f = add(d, %2); yield c, f";
    CHECK(run(text, {&x, &e, &gate}, {&y, &z}).status == DLC_OK);
    CHECK(run("b = mul(%0, %1); c = bf16(b); d = add(c, %2); yield b, d", {&wide, &e, &wide_gate}, {&part, &expected})
              .status == DLC_OK);
    CHECK(is_rounded(y, part));
    CHECK(same_bytes(z, expected));
    // An output that the store alone rounds.
    CHECK(run("b = mul(%0, %1); c = bf16(b); yield c, b", {&x, &e}, {&kept, &z}).status == DLC_OK);
    CHECK(is_rounded(kept, z));
  });
}

TEST("bfloat16 broadcasts, mixes with bytes and bools, and may be written over") {
  Buffer x({3, 300, 70}, DLC_BF16), row({70}, DLC_BF16), line({300, 1}, DLC_BF16), one({1}, DLC_BF16);
  Buffer y({3, 300, 70}, DLC_BF16), expected({3, 300, 70}), mask({3, 300, 70}, DLC_BOOL);
  Random random(10);
  for (const Buffer *buffer : {&x, &row, &line, &one}) random.fill(*buffer);
  const Buffer wide = widened(x), wide_row = widened(row), wide_line = widened(line), wide_one = widened(one);
  const char *const text = "a = mul(%0, %1); b = add(a, %2); c = mul(b, %3); yield c";
  CHECK(run(text, {&x, &row, &line, &one}, {&y}).status == DLC_OK);
  CHECK(run(text, {&wide, &wide_row, &wide_line, &wide_one}, {&expected}).status == DLC_OK);
  CHECK(is_rounded(y, expected));

  CHECK(run("a = greater(%0, 0); b = where(a, %0, 0); c = bf16(b); yield c, a", {&x}, {&y, &mask}).status == DLC_OK);
  CHECK(run("a = f32(%0); b = sub(1, a); c = bf16(b); yield c", {&mask}, {&x}).status == DLC_OK);
  for (size_t i = 0; i < x.halves().size(); ++i)
    CHECK(x.halves()[i].wide() == (y.halves()[i].wide() > 0 ? 0.0f : 1.0f));

  Buffer pixels({4099}, DLC_U8), image({4099}, DLC_BF16);
  for (size_t i = 0; i < 4099; ++i) pixels.bytes()[i] = static_cast<uint8_t>(i);
  CHECK(run("a = f32(%0); b = div(a, 255); c = bf16(b); yield c", {&pixels}, {&image}).status == DLC_OK);
  for (size_t i = 0; i < 4099; ++i)
    CHECK(image.halves()[i].bits == Bf16::of(static_cast<float>(pixels.bytes()[i]) / 255).bits);

  const std::vector<Tensor> tensors = {y.tensor()};
  const MapAttrs attrs = program("a = neg(%0); b = bf16(a); yield b");
  const Buffer before = widened(y);
  ThreadPool pool(2);
  RunContext context{};
  CHECK(kernel_named("fused_elementwise")({tensors, tensors, attrs, {}, pool})->run(context) == DLC_OK);
  for (size_t i = 0; i < y.halves().size(); ++i) CHECK(y.halves()[i].wide() == -before.floats()[i]);
}

TEST("any number of threads gives the same bytes") {
  Random random(7);
  Buffer x({3, 41, 37, 29}), scale({41, 1, 1}), first({3, 41, 37, 29}), other({3, 41, 37, 29});
  random.fill(x);
  random.fill(scale);
  const char *text = "a = mul(%0, %1); b = tanh(a); c = exp(b); d = pow(c, 1.7); e = add(d, 1e-05); yield e";
  CHECK(run(text, {&x, &scale}, {&first}, 1).status == DLC_OK);
  for (const int threads : {2, 3, 4}) {
    CHECK(run(text, {&x, &scale}, {&other}, threads).status == DLC_OK);
    CHECK(std::memcmp(first.bytes().data(), other.bytes().data(), first.bytes().size()) == 0);
  }
}

TEST("programs that make no sense are refused") {
  Buffer x({4}), y({4}), small({3});
  for (const char *text :
       {"", "yield", "yield %1", "a = exp(%0)", "a = exp(%0); yield b", "a = exp(b); yield a",
        "a = explode(%0); yield a", "a = exp(%0, %0); yield a", "a = add(%0); yield a",
        "a = exp(%0); a = exp(%0); yield a", "yield %0; yield %0", "yield %0 ,", "a = add(%0, 1x); yield a",
        "a = (%0); yield a", "a = f32(%0, %0); yield a", "a = exp(%99999999999); yield a", "yield %0, %0"})
    if (!CHECK(run(text, {&x}, {&y}).status == DLC_BAD_PLAN)) std::printf("    %s\n", text);
  CHECK(run("a = add(%0, %1); yield a", {&x, &small}, {&y}).status == DLC_BAD_PLAN);
  CHECK(run("yield %0", {&x}, {&small}).status == DLC_BAD_PLAN);
}
