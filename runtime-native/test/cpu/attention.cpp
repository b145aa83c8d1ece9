// Attention and its gradient against plain loops in double precision: any extents around the blocks of the kernels, any
// order of heads and positions, both masks, every instruction set, and the same bytes at any number of threads.
#include "check.h"
#include "harness.h"

using namespace dlc;
using namespace dlc::test;

namespace {

struct Case {
  int64_t batch, heads, groups, queries, keys, depth, width;
  bool causal = false, biased = false, masked = false;
  dlc_dtype dtype = DLC_F32;
  std::vector<double> axes = {2, 2, 2, 2};
};

std::vector<int64_t> shape_of(double axis, int64_t n, int64_t h, int64_t t, int64_t d) {
  if (axis == 1) return {n, t, h, d};
  return {n, h, t, d};
}

// Places of rows in a tensor, whichever axis its positions are on.
struct Rows {
  std::vector<int64_t> shape;
  bool positions_first;
  explicit Rows(const Buffer &buffer, double axis) : shape(buffer.tensor().shape), positions_first(axis == 1) {}
  size_t at(int64_t n, int64_t h, int64_t t) const {
    const int64_t row = positions_first ? (n * shape[1] + t) * shape[2] + h : (n * shape[1] + h) * shape[2] + t;
    return static_cast<size_t>(row * shape[3]);
  }
};

size_t workspace_of(const Case &c) {
  const int64_t blocks = std::max<int64_t>((c.keys + 127) / 128, 1);
  const int64_t most = std::min<int64_t>({blocks, (15 + c.batch * c.groups) / (c.batch * c.groups), 8});
  const int64_t each = (blocks + most - 1) / most;
  const int64_t slices = (blocks + each - 1) / each;
  if (slices == 1 && c.dtype == DLC_F32) return 0;
  return static_cast<size_t>(4 * slices * c.batch * c.heads * c.queries * c.depth);
}

void run_case(const Case &c, Random &random) {
  Buffer q(shape_of(c.axes[0], c.batch, c.heads, c.queries, c.depth), c.dtype);
  Buffer k(shape_of(c.axes[1], c.batch, c.groups, c.keys, c.depth), c.dtype);
  Buffer v(shape_of(c.axes[2], c.batch, c.groups, c.keys, c.width), c.dtype);
  Buffer dy(shape_of(c.axes[3], c.batch, c.heads, c.queries, c.width), c.dtype);
  Buffer bias({c.batch, 1, c.queries, c.keys}), mask({1, c.heads, 1, c.keys}, DLC_BOOL);
  for (const Buffer *buffer : {&q, &k, &v, &dy, &bias}) random.fill(*buffer, -1, 1);
  for (uint8_t &allowed : mask.bytes()) allowed = random.chance(0.7);
  std::vector<const Buffer *> extras;
  if (c.biased) extras.push_back(&bias);
  if (c.masked) extras.push_back(&mask);
  const double scale = 0.6;
  MapAttrs attrs;
  attrs.values = {{"scale", scale}, {"causal", c.causal}, {"position_axis", c.axes}};

  const Rows at_q(q, c.axes[0]), at_k(k, c.axes[1]), at_v(v, c.axes[2]), at_y(dy, c.axes[3]);
  const std::vector<float> qs = q.wide(), ks = k.wide(), vs = v.wide(), dys = dy.wide();
  std::vector<double> y(dys.size()), dq(qs.size()), dk(ks.size()), dv(vs.size());
  for (int64_t row = 0; row < c.batch * c.heads * c.queries; ++row) {
    const int64_t n = row / (c.heads * c.queries), h = row / c.queries % c.heads, i = row % c.queries;
    const int64_t g = h / (c.heads / c.groups);
    std::vector<double> s(static_cast<size_t>(c.keys)), dp(s.size());
    std::vector<bool> allowed(s.size());
    double most = -INFINITY, sum = 0, delta = 0;
    for (size_t j = 0; j < s.size(); ++j) {
      const auto key = static_cast<int64_t>(j);
      double dot = 0;
      for (int64_t d = 0; d < c.depth; ++d) dot += double(qs[at_q.at(n, h, i) + d]) * ks[at_k.at(n, g, key) + d];
      allowed[j] = (!c.causal || key <= i) && (!c.masked || mask.bytes()[static_cast<size_t>(h * c.keys + key)] != 0);
      if (c.biased) dot += bias.floats()[static_cast<size_t>((n * c.queries + i) * c.keys + key)] / scale;
      s[j] = allowed[j] ? scale * dot : -1e30;
      most = std::max(most, s[j]);
    }
    for (double &score : s) sum += std::exp(score - most);
    for (size_t j = 0; j < s.size(); ++j) {
      s[j] = c.masked && !allowed[j] ? 0 : std::exp(s[j] - most) / sum;
      for (int64_t e = 0; e < c.width; ++e) {
        const size_t value = at_v.at(n, g, static_cast<int64_t>(j)) + static_cast<size_t>(e);
        y[at_y.at(n, h, i) + e] += s[j] * vs[value];
        dp[j] += double(dys[at_y.at(n, h, i) + e]) * vs[value];
        dv[value] += s[j] * dys[at_y.at(n, h, i) + e];
      }
    }
    // Of the result as it was stored.
    for (int64_t e = 0; e < c.width; ++e) {
      const size_t at = at_y.at(n, h, i) + static_cast<size_t>(e);
      delta += dys[at] * (c.dtype == DLC_BF16 ? Bf16::of(static_cast<float>(y[at])).wide() : y[at]);
    }
    for (size_t j = 0; j < s.size(); ++j) {
      if (!allowed[j]) continue;
      const double ds = scale * s[j] * (dp[j] - delta);
      for (int64_t d = 0; d < c.depth; ++d) {
        const size_t from = at_q.at(n, h, i) + static_cast<size_t>(d);
        const size_t to = at_k.at(n, g, static_cast<int64_t>(j)) + static_cast<size_t>(d);
        dq[from] += ds * ks[to];
        dk[to] += ds * qs[from];
      }
    }
  }

  const double allowed = c.dtype == DLC_BF16 ? 1e-2 : 2e-5;
  std::vector<Buffer> first;
  for (const int threads : {1, 2, 3}) {
    std::vector<Buffer> out;
    const std::vector<int64_t> rows = {c.batch, c.heads, c.queries};
    out.emplace_back(dy.tensor().shape, c.dtype);
    out.emplace_back(rows);
    out.emplace_back(rows);
    for (const Buffer *buffer : {&q, &k, &v}) out.emplace_back(buffer->tensor().shape, c.dtype);
    std::vector<const Buffer *> in = {&q, &k, &v};
    in.insert(in.end(), extras.begin(), extras.end());
    CHECK(run_kernel("attention", in, {&out[0], &out[1], &out[2]}, attrs, 0, threads).status == DLC_OK);
    in = {&q, &k, &v, &out[0], &dy, &out[1], &out[2]};
    in.insert(in.end(), extras.begin(), extras.end());
    const Outcome outcome =
        run_kernel("attention_grad", in, {&out[3], &out[4], &out[5]}, attrs, workspace_of(c), threads);
    CHECK(outcome.status == DLC_OK);
    if (threads == 1) {
      CHECK(error_of(out[0].wide(), y) < allowed);
      CHECK(error_of(out[3].wide(), dq, 0.1) < 2 * allowed);
      CHECK(error_of(out[4].wide(), dk, 0.1) < 2 * allowed);
      CHECK(error_of(out[5].wide(), dv, 0.1) < 2 * allowed);
      first = std::move(out);
      continue;
    }
    for (size_t i = 0; i < out.size(); ++i) CHECK(same_bytes(out[i], first[i]));
  }
}

}  // namespace

TEST("attention agrees with plain loops") {
  Random random(1);
  each_isa([&] {
    run_case({2, 4, 2, 128, 128, 64, 64, true}, random);
    run_case({1, 2, 1, 300, 270, 20, 33, true, false, true}, random);
    run_case({1, 1, 1, 5, 700, 3, 70, false, true, false}, random);
    run_case({1, 2, 2, 140, 131, 16, 16, true, true, true, DLC_F32, {1, 1, 2, 1}}, random);
    run_case({1, 3, 3, 129, 257, 24, 8, false, false, true, DLC_BF16, {1, 2, 1, 1}}, random);
    run_case({1, 1, 1, 2, 2, 256, 256}, random);
    for (int i = 0; i < 12; ++i) {
      const int64_t groups = random.integer(1, 2);
      Case c{random.integer(1, 2),  groups * random.integer(1, 2), groups, random.integer(1, 40), random.integer(1, 40),
             random.integer(1, 35), random.integer(1, 35)};
      c.causal = random.chance(0.5);
      c.biased = random.chance(0.3);
      c.masked = random.chance(0.3);
      if (random.chance(0.3)) c.dtype = DLC_BF16;
      for (double &axis : c.axes) axis = random.chance(0.5) ? 1 : 2;
      run_case(c, random);
    }
  });
}

TEST("what nobody reads is not written, and without keys there is nothing to average") {
  Random random(2);
  Buffer q({1, 1, 2, 3}), k({1, 1, 0, 3}), v({1, 1, 0, 4}), y({1, 1, 2, 4});
  random.fill(q);
  MapAttrs attrs;
  attrs.values = {{"scale", 1.0}, {"causal", false}, {"position_axis", std::vector<double>{2, 2, 2, 2}}};
  CHECK(run_kernel("attention", {&q, &k, &v}, {&y, nullptr, nullptr}, attrs, 0).status == DLC_OK);
  for (const float value : y.floats()) CHECK(value == 0);
  CHECK(run_kernel("attention", {&q, &k, &v}, {nullptr, nullptr, nullptr}, attrs, 0).status == DLC_OK);
}

TEST("attention refuses plans whose shapes do not agree") {
  Buffer q({1, 2, 4, 3}), k({1, 2, 5, 3}), v({1, 2, 5, 6}), y({1, 2, 4, 6}), three({1, 3, 5, 3}), wide({1, 2, 4, 257});
  Buffer mask({1, 1, 4, 4}, DLC_BOOL), ints({1, 1, 4, 5}, DLC_I32);
  MapAttrs attrs;
  attrs.values = {{"scale", 1.0}, {"causal", false}, {"position_axis", std::vector<double>{2, 2, 2, 2}}};
  const auto status = [&](const std::vector<const Buffer *> &inputs) {
    return run_kernel("attention", inputs, {&y, nullptr, nullptr}, attrs, 0).status;
  };
  CHECK(status({&q, &k, &v}) == DLC_OK);
  CHECK(status({&q, &three, &v}) == DLC_BAD_PLAN);
  CHECK(status({&q, &k, &q}) == DLC_BAD_PLAN);
  CHECK(status({&wide, &wide, &wide}) == DLC_BAD_PLAN);
  CHECK(status({&q, &k, &v, &mask}) == DLC_BAD_PLAN);
  CHECK(status({&q, &k, &v, &ints}) == DLC_BAD_PLAN);
  attrs.values["position_axis"] = std::vector<double>{2, 2, 2};
  CHECK(status({&q, &k, &v}) == DLC_BAD_PLAN);
  attrs.values["position_axis"] = std::vector<double>{2, 2, 0, 2};
  CHECK(status({&q, &k, &v}) == DLC_BAD_PLAN);
}
