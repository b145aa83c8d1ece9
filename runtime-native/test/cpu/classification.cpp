// Softmax, cross-entropy with its options, and top-k, against their formulas in double precision.
#include <limits>

#include "check.h"
#include "harness.h"

using namespace dlc;
using namespace dlc::test;

namespace {

struct View {
  std::vector<int64_t> shape;
  size_t axis;
  int64_t outer = 1, classes = 1, inner = 1;
  View(std::vector<int64_t> extents, size_t along) : shape(std::move(extents)), axis(along), classes(shape[along]) {
    for (size_t i = 0; i < shape.size(); ++i) (i < axis ? outer : inner) *= i == axis ? 1 : shape[i];
  }
  int64_t lines() const { return outer * inner; }
  size_t at(int64_t line, int64_t c) const {
    return static_cast<size_t>((line / inner * classes + c) * inner + line % inner);
  }
  std::vector<int64_t> without() const {
    std::vector<int64_t> rest = shape;
    rest.erase(rest.begin() + static_cast<int64_t>(axis));
    return rest;
  }
};

const std::vector<std::pair<std::vector<int64_t>, size_t>> kShapes = {
    {{7, 10}, 1}, {{3, 5, 4, 6}, 1}, {{130, 3}, 0}, {{2, 37}, 1}, {{4, 3, 9}, 2}, {{5, 1}, 1}, {{2, 3, 65}, 1},
};

std::vector<double> log_softmax(const View &v, std::span<const float> x) {
  std::vector<double> out(x.size());
  for (int64_t line = 0; line < v.lines(); ++line) {
    double most = -INFINITY, sum = 0;
    for (int64_t c = 0; c < v.classes; ++c) most = std::max(most, double(x[v.at(line, c)]));
    for (int64_t c = 0; c < v.classes; ++c) sum += std::exp(x[v.at(line, c)] - most);
    for (int64_t c = 0; c < v.classes; ++c) out[v.at(line, c)] = x[v.at(line, c)] - most - std::log(sum);
  }
  return out;
}

void run_cross_entropy(const View &v, bool weighted, bool ignoring, double smoothing, dlc_dtype dtype, Random &random) {
  Buffer x(v.shape), labels(v.without(), dtype), weights({v.classes}), dloss(v.without());
  random.fill(x, -6, 6);
  random.fill(weights, 0.5f, 2);
  random.fill(dloss);
  const std::vector<double> logp = log_softmax(v, x.floats());
  std::vector<double> loss, weight, dx(logp.size());
  double total = 0;
  const auto weight_of = [&](int64_t c) { return weighted ? double(weights.floats()[static_cast<size_t>(c)]) : 1.0; };
  for (int64_t c = 0; c < v.classes; ++c) total += weight_of(c);
  for (int64_t line = 0; line < v.lines(); ++line) {
    const bool ignored = ignoring && line % 3 == 1;
    const int64_t label = ignored ? -100 : random.integer(0, v.classes - 1);
    if (dtype == DLC_I32) labels.tensor().as<int32_t>()[line] = static_cast<int32_t>(label);
    if (dtype == DLC_I64) labels.tensor().as<int64_t>()[line] = label;
    double smooth = 0;
    for (int64_t c = 0; c < v.classes; ++c) smooth -= weight_of(c) * logp[v.at(line, c)];
    const double share = smoothing / double(v.classes);
    loss.push_back(ignored ? 0 : -(1 - smoothing) * weight_of(label) * logp[v.at(line, label)] + share * smooth);
    weight.push_back(ignored ? 0 : weight_of(label));
    for (int64_t c = 0; c < v.classes && !ignored; ++c) {
      const double p = std::exp(logp[v.at(line, c)]);
      dx[v.at(line, c)] =
          dloss.floats()[static_cast<size_t>(line)] *
          ((1 - smoothing) * weight_of(label) * (p - (c == label)) + share * (p * total - weight_of(c)));
    }
  }
  MapAttrs attrs;
  attrs.values = {{"axis", double(v.axis)}, {"label_smoothing", smoothing}};
  if (ignoring) attrs.values["ignore_index"] = -100.0;
  std::vector<const Buffer *> inputs = {&x, &labels}, grad_inputs = {&x, &labels, &dloss};
  if (weighted) inputs.push_back(&weights), grad_inputs.push_back(&weights);
  for (int threads = 1; threads <= 3; ++threads) {
    Buffer found(v.without()), found_weight(v.without()), grad(v.shape);
    CHECK(run_kernel("softmax_cross_entropy", inputs, {&found, &found_weight}, attrs, 0, threads).status == DLC_OK);
    CHECK(error_of(found.floats(), loss) < 2e-6);
    CHECK(error_of(found_weight.floats(), weight) < 1e-7);
    CHECK(run_kernel("softmax_cross_entropy_grad", grad_inputs, {&grad}, attrs, 0, threads).status == DLC_OK);
    CHECK(error_of(grad.floats(), dx, 0.1) < 3e-6);  // one class: all cancels
  }
  CHECK(run_kernel("softmax_cross_entropy", inputs, {nullptr, nullptr}, attrs, 0).status == DLC_OK);
}

}  // namespace

TEST("softmax and log_softmax agree with their formulas along any axis") {
  each_isa([] {
    Random random(31);
    for (const auto &[shape, axis] : kShapes) {
      const View v(shape, axis);
      Buffer x(shape), y(shape), log_y(shape);
      random.fill(x, -30, 30);
      const std::vector<double> logp = log_softmax(v, x.floats());
      std::vector<double> p;
      for (const double value : logp) p.push_back(std::exp(value));
      MapAttrs attrs;
      attrs.values["axis"] = double(axis);
      CHECK(run_kernel("softmax", {&x}, {&y}, attrs, 0, 2).status == DLC_OK);
      CHECK(error_of(y.floats(), p) < 2e-6);
      CHECK(run_kernel("log_softmax", {&x}, {&log_y}, attrs, 0, 2).status == DLC_OK);
      CHECK(error_of(log_y.floats(), logp) < 1e-6);
    }
  });
}

TEST("softmax survives huge logits and passes a NaN on to its line alone") {
  each_isa([] {
    Buffer x({3, 20}), y({3, 20});
    for (float &value : x.floats()) value = 0;
    x.floats()[3] = 3e38f;
    x.floats()[20] = -std::numeric_limits<float>::infinity();
    x.floats()[58] = std::nanf("");
    MapAttrs attrs;
    attrs.values["axis"] = 1.0;
    CHECK(run_kernel("softmax", {&x}, {&y}, attrs, 0).status == DLC_OK);
    CHECK(y.floats()[3] == 1 && y.floats()[0] == 0);
    CHECK(y.floats()[20] == 0);
    CHECK_CLOSE(y.floats()[21], 1.0 / 19, 1e-6);
    for (size_t i = 40; i < 60; ++i) CHECK(std::isnan(y.floats()[i]));
  });
}

TEST("cross-entropy and its gradient agree with their formulas with weights, ignored labels and smoothing") {
  each_isa([] {
    Random random(32);
    for (const auto &[shape, axis] : kShapes) {
      for (int options = 0; options < 8; ++options) {
        run_cross_entropy({shape, axis}, options & 1, options & 2, options & 4 ? 0.1 : 0,
                          options % 3 == 0 ? DLC_I64 : DLC_I32, random);
      }
    }
  });
}

TEST("a label outside the classes is a data error that names the first one") {
  Buffer x({40, 10}), labels({40}, DLC_I32), loss({40}), weight({40}), dx({40, 10});
  for (float &value : x.floats()) value = 0;
  for (int32_t &label : labels.ints()) label = 3;
  for (float &value : loss.floats()) value = 1;
  MapAttrs attrs;
  attrs.values = {{"axis", 1.0}, {"label_smoothing", 0.0}};
  labels.ints()[5] = 12;
  labels.ints()[30] = -1;
  for (int threads = 1; threads <= 4; ++threads) {
    const Outcome grad = run_kernel("softmax_cross_entropy_grad", {&x, &labels, &loss}, {&dx}, attrs, 0, threads);
    CHECK(grad.status == DLC_DATA_ERROR && grad.message == "label 12 at position 5 is outside 0..9");
    const Outcome found = run_kernel("softmax_cross_entropy", {&x, &labels}, {&loss, &weight}, attrs, 0, threads);
    CHECK(found.status == DLC_DATA_ERROR && found.message == "label 12 at position 5 is outside 0..9");
  }
  attrs.values["ignore_index"] = 12.0;
  labels.ints()[30] = 9;
  CHECK(run_kernel("softmax_cross_entropy", {&x, &labels}, {&loss, &weight}, attrs, 0).status == DLC_OK);
}

TEST("in_top_k counts the classes before the label, lower ones first among equals") {
  Buffer x({5, 4}), labels({5}, DLC_I32), y({5}, DLC_BOOL);
  const float nan = std::nanf("");
  const std::vector<float> values = {1, 3, 2, 0, 5, 5, 5, 5, 1, nan, 2, 0, nan, 1, 1, 1, 4, 3, 2, 1};
  std::copy(values.begin(), values.end(), x.floats().begin());
  const std::vector<int32_t> wanted = {2, 1, 2, 0, 7};
  std::copy(wanted.begin(), wanted.end(), labels.ints().begin());
  MapAttrs attrs;
  attrs.values = {{"axis", 1.0}, {"k", 2.0}};
  CHECK(run_kernel("in_top_k", {&x, &labels}, {&y}, attrs, 0).status == DLC_OK);
  CHECK(y.bytes()[0] == 1 && y.bytes()[1] == 1 && y.bytes()[2] == 1 && y.bytes()[3] == 0 && y.bytes()[4] == 0);
  attrs.values["k"] = 1.0;
  CHECK(run_kernel("in_top_k", {&x, &labels}, {&y}, attrs, 0).status == DLC_OK);
  CHECK(y.bytes()[0] == 0 && y.bytes()[1] == 0 && y.bytes()[2] == 0);
}

TEST("the classification kernels refuse plans whose shapes do not agree") {
  Buffer x({4, 3}), y({4, 3}), labels({4}, DLC_I32), few({3}, DLC_I32), loss({4}), bytes({4}, DLC_BOOL);
  MapAttrs attrs;
  attrs.values = {{"axis", 1.0}, {"label_smoothing", 0.0}, {"k", 1.0}};
  CHECK(run_kernel("softmax_cross_entropy", {&x, &few}, {&loss, nullptr}, attrs, 0).status == DLC_BAD_PLAN);
  CHECK(run_kernel("softmax_cross_entropy", {&x, &labels, &loss}, {&loss, nullptr}, attrs, 0).status == DLC_BAD_PLAN);
  CHECK(run_kernel("softmax_cross_entropy_grad", {&x, &labels, &x}, {&y}, attrs, 0).status == DLC_BAD_PLAN);
  CHECK(run_kernel("in_top_k", {&x, &labels}, {&loss}, attrs, 0).status == DLC_BAD_PLAN);
  attrs.values["axis"] = 2.0;
  CHECK(run_kernel("softmax", {&x}, {&y}, attrs, 0).status == DLC_BAD_PLAN);
}
