// Batch and response normalization with their gradients against plain loops in double precision.
#include "check.h"
#include "harness.h"

using namespace dlc;
using namespace dlc::test;

namespace {

struct View {
  int64_t n, c, inner;
  size_t at(int64_t image, int64_t channel, int64_t i) const {
    return static_cast<size_t>((image * c + channel) * inner + i);
  }
};

void run_batch_norm(const std::vector<int64_t> &shape, float offset, Random &random) {
  View v{shape[0], shape[1], 1};
  for (size_t i = 2; i < shape.size(); ++i) v.inner *= shape[i];
  const double epsilon = 1e-5, m = double(v.n * v.inner);
  Buffer x(shape), dy(shape), gamma({v.c}), beta({v.c});
  random.fill(x, offset - 1, offset + 1);
  for (const Buffer *buffer : {&dy, &gamma, &beta}) random.fill(*buffer);
  std::vector<double> y(x.floats().size()), dx(y.size()), mean, variance, dgamma, dbeta;
  for (int64_t c = 0; c < v.c; ++c) {
    const auto each = [&](auto f) {
      for (int64_t n = 0; n < v.n; ++n) {
        for (int64_t i = 0; i < v.inner; ++i) f(v.at(n, c, i));
      }
    };
    double sum = 0, squares = 0, sum_dy = 0, sum_h = 0;
    each([&](size_t at) { sum += x.floats()[at]; });
    each([&](size_t at) { squares += std::pow(x.floats()[at] - sum / m, 2); });
    mean.push_back(sum / m);
    variance.push_back(squares / m);
    const double r = 1 / std::sqrt(squares / m + epsilon), g = gamma.floats()[static_cast<size_t>(c)];
    const auto h = [&](size_t at) { return (x.floats()[at] - sum / m) * r; };
    each([&](size_t at) { sum_dy += dy.floats()[at], sum_h += dy.floats()[at] * h(at); });
    each([&](size_t at) {
      y[at] = g * h(at) + beta.floats()[static_cast<size_t>(c)];
      dx[at] = g * r * (dy.floats()[at] - sum_dy / m - h(at) * sum_h / m);
    });
    dgamma.push_back(sum_h);
    dbeta.push_back(sum_dy);
  }

  MapAttrs attrs;
  attrs.values["epsilon"] = epsilon;
  std::vector<Buffer> first;
  for (int threads = 1; threads <= 4; ++threads) {
    std::vector<Buffer> out;
    out.emplace_back(shape), out.emplace_back(std::vector{v.c}), out.emplace_back(std::vector{v.c});
    out.emplace_back(shape), out.emplace_back(std::vector{v.c}), out.emplace_back(std::vector{v.c});
    CHECK(run_kernel("batch_norm_train", {&x, &gamma, &beta}, {&out[0], &out[1], &out[2]}, attrs, 0, threads).status ==
          DLC_OK);
    CHECK(run_kernel("batch_norm_grad", {&dy, &x, &gamma, &out[1], &out[2]}, {&out[3], &out[4], &out[5]}, attrs, 0,
                     threads)
              .status == DLC_OK);
    CHECK(error_of(out[0].floats(), y) < 1e-5 * (1 + std::abs(offset)));
    CHECK(error_of(out[1].floats(), mean) < 1e-6);
    CHECK(error_of(out[2].floats(), variance) < 1e-5);
    CHECK(error_of(out[3].floats(), dx) < 1e-4 * (1 + std::abs(offset)));
    CHECK(error_of(out[4].floats(), dgamma) < 1e-4 * (1 + std::abs(offset)));
    CHECK(error_of(out[5].floats(), dbeta) < 1e-5);
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

void run_lrn(const std::vector<int64_t> &shape, int64_t size, double beta, Random &random) {
  View v{shape[0], shape[1], 1};
  for (size_t i = 2; i < shape.size(); ++i) v.inner *= shape[i];
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
  CHECK(run_kernel("lrn", {&x}, {&y}, attrs, 0).status == DLC_BAD_PLAN);
  CHECK(run_kernel("lrn_grad", {&other, &x}, {&y}, attrs, 0).status == DLC_BAD_PLAN);
}
