// Batch and response normalization with their gradients against plain loops in double precision.
#include "check.h"
#include "harness.h"

using namespace dlc;
using namespace dlc::test;

namespace {

struct View {
  int64_t n, c, inner = 1;
  bool last = false;

  View(const std::vector<int64_t> &shape, bool channels_last = false)
      : n(shape[0]), c(channels_last ? shape.back() : shape[1]), last(channels_last) {
    for (const int64_t extent : shape) inner *= extent;
    inner /= n * c;
  }
  size_t at(int64_t image, int64_t channel, int64_t i) const {
    return static_cast<size_t>(last ? (image * inner + i) * c + channel : (image * c + channel) * inner + i);
  }
};

// What rounding an output to its type may add to an error.
double rounding(dlc_dtype dtype) {
  return dtype == DLC_BF16 ? 4e-3 : 0;
}

void run_batch_norm(const std::vector<int64_t> &shape, float offset, Random &random, bool last = false,
                    dlc_dtype dtype = DLC_F32) {
  const View v(shape, last);
  const double m = double(v.n * v.inner), rounded = rounding(dtype);
  const double epsilon = m > 1 ? 1e-5 : 1;  // a lone element has no deviation to divide by
  Buffer x(shape, dtype), dy(shape, dtype), gamma({v.c}), beta({v.c});
  random.fill(x, offset - 1, offset + 1);
  for (const Buffer *buffer : {&dy, &gamma, &beta}) random.fill(*buffer);
  const std::vector<float> xs = x.wide(), dys = dy.wide();
  std::vector<double> y(xs.size()), dx(y.size()), mean, variance, dgamma, dbeta;
  for (int64_t c = 0; c < v.c; ++c) {
    const auto each = [&](auto f) {
      for (int64_t n = 0; n < v.n; ++n) {
        for (int64_t i = 0; i < v.inner; ++i) f(v.at(n, c, i));
      }
    };
    double sum = 0, squares = 0, sum_dy = 0, sum_h = 0;
    each([&](size_t at) { sum += xs[at]; });
    each([&](size_t at) { squares += std::pow(xs[at] - sum / m, 2); });
    mean.push_back(sum / m);
    variance.push_back(squares / m);
    const double r = 1 / std::sqrt(squares / m + epsilon), g = gamma.floats()[static_cast<size_t>(c)];
    const auto h = [&](size_t at) { return (xs[at] - sum / m) * r; };
    each([&](size_t at) { sum_dy += dys[at], sum_h += dys[at] * h(at); });
    each([&](size_t at) {
      y[at] = g * h(at) + beta.floats()[static_cast<size_t>(c)];
      dx[at] = g * r * (dys[at] - sum_dy / m - h(at) * sum_h / m);
    });
    dgamma.push_back(sum_h);
    dbeta.push_back(sum_dy);
  }

  MapAttrs attrs;
  attrs.values["epsilon"] = epsilon;
  if (last && shape.size() > 2) attrs.values["layout"] = std::string("channels_last");
  std::vector<Buffer> first;
  for (int threads = 1; threads <= 4; ++threads) {
    std::vector<Buffer> out;
    out.emplace_back(shape, dtype), out.emplace_back(std::vector{v.c}), out.emplace_back(std::vector{v.c});
    out.emplace_back(shape, dtype), out.emplace_back(std::vector{v.c}), out.emplace_back(std::vector{v.c});
    CHECK(run_kernel("batch_norm_train", {&x, &gamma, &beta}, {&out[0], &out[1], &out[2]}, attrs, 0, threads).status ==
          DLC_OK);
    CHECK(run_kernel("batch_norm_grad", {&dy, &x, &gamma, &out[1], &out[2]}, {&out[3], &out[4], &out[5]}, attrs, 0,
                     threads)
              .status == DLC_OK);
    CHECK(error_of(out[0].wide(), y) < 1e-5 * (1 + std::abs(offset)) + rounded);
    CHECK(error_of(out[1].floats(), mean, 1e-3) < 1e-6);
    CHECK(error_of(out[2].floats(), variance) < 1e-5);
    CHECK(error_of(out[3].wide(), dx, 1e-3) < 1e-4 * (1 + std::abs(offset)) + rounded);
    CHECK(error_of(out[4].floats(), dgamma, 1) < 1e-4 * (1 + std::abs(offset)));
    CHECK(error_of(out[5].floats(), dbeta, 1) < 1e-5);
    if (threads == 1) {
      first = std::move(out);
    } else {
      for (size_t i = 0; i < out.size(); ++i) CHECK(same_bytes(first[i], out[i]));
    }
  }
  CHECK(run_kernel("batch_norm_train", {&x, &gamma, &beta}, {nullptr, nullptr, nullptr}, attrs, 0).status == DLC_OK);
  CHECK(run_kernel("batch_norm_grad", {&dy, &x, &gamma, &first[1], &first[2]}, {nullptr, nullptr, nullptr}, attrs, 0)
            .status == DLC_OK);
}

// The fused forms against the plain ones with what the program says done by hand, to the same bytes.
void run_fused(const std::vector<int64_t> &shape, bool last, dlc_dtype dtype, Random &random) {
  const View v(shape, last);
  Buffer x(shape, dtype), e(shape, dtype), gamma({v.c}), beta({v.c}), mean({v.c}), variance({v.c}), number({});
  for (const Buffer *buffer : {&x, &e, &gamma, &beta, &number}) random.fill(*buffer);
  MapAttrs attrs;
  attrs.values["epsilon"] = 1e-3;
  if (last && shape.size() > 2) attrs.values["layout"] = std::string("channels_last");
  const auto run = [&](const char *name, const std::vector<const Buffer *> &in, const std::vector<const Buffer *> &out,
                       const char *program, int threads) {
    MapAttrs own = attrs;
    if (program != nullptr) own.values["program"] = std::string(program);
    const Outcome outcome = run_kernel(name, in, out, own, 0, threads);
    if (!CHECK(outcome.status == DLC_OK)) std::printf("%s\n", outcome.message.c_str());
  };
  // y of the plain form, in float: where it is rounded, the fused form rounds once less.
  Buffer y(shape, dtype), wide(shape), sum(shape, dtype), other(shape), m({v.c}), s({v.c});
  run("batch_norm_train", {&x, &gamma, &beta}, {&y, &mean, &variance}, nullptr, 1);
  const std::vector<float> ys = y.wide(), es = e.wide();
  std::vector<double> sums, rectified;
  for (size_t i = 0; i < ys.size(); ++i) {
    sums.push_back(ys[i] + es[i] * number.floats()[0]);
    rectified.push_back(std::max(sums.back(), 0.0));
  }
  const char *forward = "a = mul(%1, %2); b = add(%0, a); c = relu(b); yield b, c";
  for (int threads = 1; threads <= 3; ++threads) {
    run("fused_batch_norm", {&x, &gamma, &beta, &e, &number}, {&m, &s, &sum, &other}, forward, threads);
    CHECK(same_bytes(m, mean) && same_bytes(s, variance));
    CHECK(error_of(sum.wide(), sums) < 1e-5 + 2 * rounding(dtype));
    CHECK(error_of(other.floats(), rectified) < 1e-5 + rounding(dtype));
  }

  const char *backward = "a = greater(%1, 0); b = where(a, %0, 0); yield b, b";
  Buffer slope(shape, dtype), dy(shape, dtype), dx(shape, dtype), dgamma({v.c}), dbeta({v.c});
  random.fill(slope);
  for (size_t i = 0; i < es.size(); ++i) {
    if (dtype == DLC_BF16) {
      dy.halves()[i] = es[i] > 0 ? slope.halves()[i] : Bf16{0};
    } else {
      dy.floats()[i] = es[i] > 0 ? slope.floats()[i] : 0;
    }
  }
  run("batch_norm_grad", {&dy, &x, &gamma, &mean, &variance}, {&dx, &dgamma, &dbeta}, nullptr, 1);
  for (int threads = 1; threads <= 3; ++threads) {
    Buffer found(shape, dtype), made(shape, dtype), g({v.c}), b({v.c});
    const std::vector<const Buffer *> in = {&x, &gamma, &mean, &variance, &slope, &e};
    run("fused_batch_norm_grad", in, {&found, &g, &b, &made}, backward, threads);
    CHECK(same_bytes(found, dx) && same_bytes(g, dgamma) && same_bytes(b, dbeta) && same_bytes(made, dy));
    run("fused_batch_norm_grad", in, {nullptr, &g, &b, nullptr}, backward, threads);
    CHECK(same_bytes(g, dgamma) && same_bytes(b, dbeta));
  }
}

void run_lrn(const std::vector<int64_t> &shape, int64_t size, double beta, Random &random) {
  const View v(shape);
  const double alpha = 0.7, k = 1.5;
  Buffer x(shape), dy(shape);
  random.fill(x, -2, 2);
  random.fill(dy);
  std::vector<double> y(x.floats().size()), dx(y.size()), s(y.size(), k);
  for (int64_t n = 0; n < v.n; ++n) {
    for (int64_t c = 0; c < v.c; ++c) {
      for (int64_t i = 0; i < v.inner; ++i) {
        for (int64_t j = std::max<int64_t>(0, c - size / 2); j <= std::min(v.c - 1, c + (size - 1) / 2); ++j) {
          s[v.at(n, c, i)] += alpha / double(size) * std::pow(x.floats()[v.at(n, j, i)], 2);
        }
        const size_t at = v.at(n, c, i);
        y[at] = x.floats()[at] * std::pow(s[at], -beta);
        dx[at] += dy.floats()[at] * std::pow(s[at], -beta);
        for (int64_t j = std::max<int64_t>(0, c - size / 2); j <= std::min(v.c - 1, c + (size - 1) / 2); ++j) {
          dx[v.at(n, j, i)] -= dy.floats()[at] * x.floats()[at] * beta * std::pow(s[at], -beta - 1) * 2 * alpha /
                               double(size) * x.floats()[v.at(n, j, i)];
        }
      }
    }
  }
  MapAttrs attrs;
  attrs.values = {{"size", double(size)}, {"alpha", alpha}, {"beta", beta}, {"k", k}};
  for (int threads = 1; threads <= 3; ++threads) {
    Buffer out(shape), grad(shape);
    CHECK(run_kernel("lrn", {&x}, {&out}, attrs, 0, threads).status == DLC_OK);
    CHECK(error_of(out.floats(), y) < 2e-6);
    CHECK(run_kernel("lrn_grad", {&dy, &x}, {&grad}, attrs, 0, threads).status == DLC_OK);
    CHECK(error_of(grad.floats(), dx) < 3e-6);
  }
}

}  // namespace

TEST("batch_norm_train and batch_norm_grad agree with plain loops, at any number of threads") {
  each_isa([] {
    Random random(21);
    run_batch_norm({3, 5, 7, 9}, 0.3f, random);
    run_batch_norm({64, 33}, -0.2f, random);    // rows of a matrix
    run_batch_norm({9, 4, 3}, 0, random);       // short runs
    run_batch_norm({2, 3, 70, 71}, 0, random);  // planes longer than a run
    run_batch_norm({40, 2, 8, 8}, 30, random);  // a mean much larger than the deviation
    run_batch_norm({1, 2, 2, 3, 4}, 0, random);
  });
}

TEST("batch normalization of pixels and of rows agrees with plain loops, in float and bfloat16") {
  each_isa([] {
    Random random(23);
    for (const dlc_dtype dtype : {DLC_F32, DLC_BF16}) {
      run_batch_norm({3, 7, 9, 5}, 0.3f, random, true, dtype);
      run_batch_norm({2, 3, 4, 1}, 0, random, true, dtype);
      run_batch_norm({1, 1, 1, 3}, 0, random, true, dtype);        // one pixel
      run_batch_norm({2, 70, 71, 3}, 0, random, true, dtype);      // short rows, a remainder of them
      run_batch_norm({40, 8, 8, 16}, 30, random, true, dtype);     // a mean much larger than the deviation
      run_batch_norm({5, 13, 300}, 0, random, true, dtype);        // rows longer than several side by side
      run_batch_norm({2, 3, 4, 5, 1100}, 0, random, true, dtype);  // rows longer than a piece
      run_batch_norm({37, 2500}, 0, random, true, dtype);          // more channels than are summed together
      run_batch_norm({20, 40000}, 0, random, true, dtype);         // more than there is room for sums of several chunks
    }
  });
}

TEST("fused batch normalizations are the plain ones with the program behind or before") {
  each_isa([] {
    Random random(24);
    run_fused({3, 5, 7, 9}, false, DLC_F32, random);
    for (const dlc_dtype dtype : {DLC_F32, DLC_BF16}) {
      run_fused({3, 7, 9, 5}, true, dtype, random);
      run_fused({8, 33, 32, 20}, true, dtype, random);
      run_fused({100, 33}, true, dtype, random);
      run_fused({33, 2100}, true, dtype, random);
    }
  });
}

TEST("statistics of many elements are those of double precision") {
  Random random(25);
  const int64_t n = 1 << 21;
  for (const float offset : {0.0f, 100.0f}) {
    Buffer x({n, 3}), gamma({3}), beta({3}), y({n, 3}), mean({3}), variance({3});
    random.fill(x, offset - 1, offset + 1);
    random.fill(gamma, 1, 1);
    random.fill(beta, 0, 0);
    // A channel of outliers.
    for (int64_t i = 0; i < n; i += 4096) x.floats()[static_cast<size_t>(3 * i + 1)] = 3000;
    std::vector<double> means, variances;
    for (size_t c = 0; c < 3; ++c) {
      double sum = 0, squares = 0;
      for (size_t i = 0; i < size_t(n); ++i) sum += x.floats()[3 * i + c];
      for (size_t i = 0; i < size_t(n); ++i) squares += std::pow(x.floats()[3 * i + c] - sum / double(n), 2);
      means.push_back(sum / double(n));
      variances.push_back(squares / double(n));
    }
    MapAttrs attrs;
    attrs.values["epsilon"] = 1e-5;
    CHECK(run_kernel("batch_norm_train", {&x, &gamma, &beta}, {&y, &mean, &variance}, attrs, 0, 2).status == DLC_OK);
    for (size_t c = 0; c < 3; ++c) {
      CHECK(std::abs(mean.floats()[c] - means[c]) < 1e-6 * std::sqrt(variances[c]) + 1e-7 * std::abs(means[c]));
      CHECK(std::abs(variance.floats()[c] / variances[c] - 1) < 1e-6);
    }
  }
}

TEST("lrn and lrn_grad agree with plain loops for odd and even sizes") {
  each_isa([] {
    Random random(22);
    run_lrn({2, 7, 5, 5}, 5, 0.75, random);
    run_lrn({1, 3, 300}, 4, 0.5, random);
    run_lrn({3, 2}, 9, 1.25, random);
    run_lrn({1, 1, 3, 3}, 1, 0.75, random);
  });
}

TEST("normalizations refuse plans whose shapes do not agree") {
  Buffer x({2, 3, 4}), y({2, 3, 4}), channels({3}), other({4});
  MapAttrs attrs;
  attrs.values = {{"epsilon", 1e-5}, {"size", 0.0}, {"alpha", 1.0}, {"beta", 0.75}, {"k", 1.0}};
  CHECK(run_kernel("batch_norm_train", {&x, &channels, &other}, {&y, nullptr, nullptr}, attrs, 0).status ==
        DLC_BAD_PLAN);
  CHECK(run_kernel("batch_norm_train", {&x, &channels, &channels}, {&y, &other, nullptr}, attrs, 0).status ==
        DLC_BAD_PLAN);
  CHECK(run_kernel("batch_norm_grad", {&other, &x, &channels, &channels, &channels}, {&y, nullptr, nullptr}, attrs, 0)
            .status == DLC_BAD_PLAN);
  attrs.values["layout"] = std::string("channels_last");
  CHECK(run_kernel("batch_norm_train", {&x, &channels, &channels}, {&y, nullptr, nullptr}, attrs, 0).status ==
        DLC_BAD_PLAN);
  attrs.values["layout"] = std::string("diagonal");
  CHECK(run_kernel("batch_norm_train", {&x, &channels, &channels}, {&y, nullptr, nullptr}, attrs, 0).status ==
        DLC_BAD_PLAN);
  CHECK(run_kernel("lrn", {&x}, {&y}, attrs, 0).status == DLC_BAD_PLAN);
  CHECK(run_kernel("lrn_grad", {&other, &x}, {&y}, attrs, 0).status == DLC_BAD_PLAN);
}
