// Philox for many blocks at once: the blocks are the vector lanes.
#include "philox.h"

#include "vmath.h"

extern "C" {
double log(double);
double cos(double);
double sqrt(double);
}

namespace dlc::DLC_ISA {
namespace {

constexpr int kBlocks = 64;

struct Draws {
  uint32_t lane[4][kBlocks];
};

// The blocks whose numbers are in lane 0, at one attempt.
void draw_these(const PhiloxStream &at, uint32_t attempt, Draws &out) {
  for (int i = 0; i < kBlocks; ++i) {
    out.lane[1][i] = attempt;
    out.lane[2][i] = at.stream;
    out.lane[3][i] = at.step;
  }
  uint32_t k0 = at.key[0], k1 = at.key[1];
  for (int round = 0; round < 10; ++round) {
    for (int i = 0; i < kBlocks; ++i) {
      const uint64_t p0 = static_cast<uint64_t>(0xD2511F53u) * out.lane[0][i];
      const uint64_t p1 = static_cast<uint64_t>(0xCD9E8D57u) * out.lane[2][i];
      const uint32_t c1 = out.lane[1][i], c3 = out.lane[3][i];
      out.lane[0][i] = static_cast<uint32_t>(p1 >> 32) ^ c1 ^ k0;
      out.lane[2][i] = static_cast<uint32_t>(p0 >> 32) ^ c3 ^ k1;
      out.lane[1][i] = static_cast<uint32_t>(p1);
      out.lane[3][i] = static_cast<uint32_t>(p0);
    }
    k0 += 0x9E3779B9u;
    k1 += 0xBB67AE85u;
  }
}

// Blocks first, first + 1, ....
void draw(const PhiloxStream &at, uint32_t first, Draws &out) {
  for (int i = 0; i < kBlocks; ++i) out.lane[0][i] = first + static_cast<uint32_t>(i);
  draw_these(at, 0, out);
}

// The 24 bits of each element's uniform draw, for the four elements of each block from `first` on.
void draw_bits(const PhiloxStream &at, uint32_t first, int32_t *bits) {
  Draws draws;
  draw(at, first, draws);
  for (int i = 0; i < kBlocks; ++i)
    for (int lane = 0; lane < 4; ++lane) bits[4 * i + lane] = static_cast<int32_t>(draws.lane[lane][i] >> 8);
}

constexpr float kUnit = 5.9604644775390625e-8f;  // 2^-24

inline float normal_of(uint32_t first, uint32_t second) {
  const float u = static_cast<float>(static_cast<int32_t>(first >> 8) + 1) * kUnit;
  const float v = static_cast<float>(static_cast<int32_t>(second >> 8)) * kUnit;
  // cos(2 pi v) by its nearest quarter turn, which subtracts exactly.
  const float quarter = (4.0f * v + kRound) - kRound;
  const float r = (v - 0.25f * quarter) * 6.28318531f;
  const float z = r * r;
  float s = 2.717564485e-06f;
  s = s * z + -1.983925613e-04f;
  s = s * z + 8.333329111e-03f;
  s = s * z + -1.666666716e-01f;
  s = r + r * z * s;
  float c = 2.443120320e-05f;
  c = c * z + -1.388730598e-03f;
  c = c * z + 4.166664556e-02f;
  c = 1.0f - 0.5f * z + z * z * c;
  const int32_t k = to_bits(4.0f * v + kRound) - to_bits(kRound) + 1;
  const float y = (k & 1) ? c : s;
  const float cosine = from_bits(to_bits(y) ^ ((k & 2) << 30));
  return __builtin_sqrtf(-2.0f * vlog(u)) * cosine;
}

double exact_normal(uint32_t first, uint32_t second) {
  const double u = ((first >> 8) + 1) * static_cast<double>(kUnit);
  const double v = (second >> 8) * static_cast<double>(kUnit);
  return sqrt(-2 * log(u)) * cos(6.283185307179586 * v);
}

void normals_of(const Draws &draws, float *z) {
  for (int i = 0; i < kBlocks; ++i) z[i] = normal_of(draws.lane[0][i], draws.lane[1][i]);
}

// Whether a draw lies within two standard deviations. Near the edge it is drawn exactly, so that it is decided as
// everywhere else.
bool is_within(const PhiloxStream &at, uint32_t block, uint32_t attempt, float &z) {
  const float size = __builtin_fabsf(z);
  if (size < 1.9999f) return true;
  if (size > 2.0001f) return false;
  uint32_t lanes[4];
  philox_block(at, block, attempt, lanes);
  const double exact = exact_normal(lanes[0], lanes[1]);
  z = static_cast<float>(exact);
  return __builtin_fabs(exact) <= 2;
}

// Elements that are drawn again are few: those of a window are drawn together, attempt after attempt.
constexpr int kWindow = 16 * kBlocks;

void redraw(const PhiloxStream &at, uint32_t first, int count, float *z) {
  uint32_t again[kWindow];
  int left = 0;
  for (int i = 0; i < count; ++i)
    if (!is_within(at, first + static_cast<uint32_t>(i), 0, z[i])) again[left++] = static_cast<uint32_t>(i);
  Draws draws;
  float drawn[kBlocks];
  for (uint32_t attempt = 1; left > 0; ++attempt) {
    int kept = 0;
    for (int begin = 0; begin < left; begin += kBlocks) {
      const int n = left - begin < kBlocks ? left - begin : kBlocks;
      for (int i = 0; i < kBlocks; ++i) draws.lane[0][i] = first + again[begin + (i < n ? i : 0)];
      draw_these(at, attempt, draws);
      normals_of(draws, drawn);
      for (int i = 0; i < n; ++i) {
        const uint32_t element = again[begin + i];
        if (is_within(at, first + element, attempt, drawn[i]))
          z[element] = drawn[i];
        else
          again[kept++] = element;
      }
    }
    left = kept;
  }
}

}  // namespace

void philox_uniform(const PhiloxStream &at, int64_t begin, int64_t count, float low, float high, bool, float *dst) {
  const float spread = high - low;
  int32_t bits[4 * kBlocks];
  for (int64_t done = 0; done < count; done += 4 * kBlocks) {
    draw_bits(at, static_cast<uint32_t>((begin + done) / 4), bits);
    const int64_t n = count - done < 4 * kBlocks ? count - done : 4 * kBlocks;
    for (int64_t i = 0; i < n; ++i) dst[done + i] = low + spread * (static_cast<float>(bits[i]) * kUnit);
  }
}

void philox_dropout(const PhiloxStream &at, int64_t begin, int64_t count, uint32_t least, float scale, const float *src,
                    float *dst) {
  const auto threshold = static_cast<int32_t>(least);
  int32_t bits[4 * kBlocks];
  for (int64_t done = 0; done < count; done += 4 * kBlocks) {
    draw_bits(at, static_cast<uint32_t>((begin + done) / 4), bits);
    const int64_t n = count - done < 4 * kBlocks ? count - done : 4 * kBlocks;
#pragma GCC ivdep
    for (int64_t i = 0; i < n; ++i) dst[done + i] = bits[i] >= threshold ? src[done + i] * scale : 0.0f;
  }
}

void philox_normal(const PhiloxStream &at, int64_t begin, int64_t count, float mean, float std, bool truncated,
                   float *dst) {
  Draws draws;
  float z[kWindow];
  for (int64_t done = 0; done < count; done += kWindow) {
    const auto first = static_cast<uint32_t>(begin + done);
    const int n = count - done < kWindow ? static_cast<int>(count - done) : kWindow;
    for (int i = 0; i < n; i += kBlocks) {
      draw(at, first + static_cast<uint32_t>(i), draws);
      normals_of(draws, z + i);
    }
    if (truncated) redraw(at, first, n, z);
    for (int i = 0; i < n; ++i) dst[done + i] = mean + std * z[i];
  }
}

}  // namespace dlc::DLC_ISA
