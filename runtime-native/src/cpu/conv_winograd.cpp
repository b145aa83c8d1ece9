// Winograd's convolution, a block of tiles at a time.
#include "conv_winograd.h"

#include <algorithm>
#include <cstring>

namespace dlc {
namespace {

constexpr int64_t kScratchFloats = ThreadPool::kLaneScratchBytes / sizeof(float);
// Transformed inputs of a block, to lie in L2.
constexpr int64_t kBlockFloats = int64_t{96} << 10;
constexpr int64_t kMostTiles = 96;
constexpr int64_t kLeastTiles = 12;  // rows of a register tile
constexpr int64_t kTasks = 16;
constexpr int kWidest = 32;
// So that the points of a tile do not all fall on the same lines of the cache.
constexpr int64_t kSkew = 16;
// Larger weights are read from memory for every block.
constexpr int64_t kMostWeights = int64_t{1} << 16;
constexpr int64_t kPackChunk = 16;
// The least block of more would not fit the scratch.
constexpr int64_t kMostChannels = 1024;

}  // namespace

bool ConvWinograd::fits(const ConvShape &s) {
  const ConvShape::Axes ones = {1, 1, 1}, three = {1, 3, 3};
  if (s.groups != 1 || s.kernel != three || s.stride != ones || s.dilation != ones || s.out[0] != s.in[0]) return false;
  if (s.low[0] != 0 || s.c % kWinogradChannels != 0 || s.k % kWinogradChannels != 0 || s.c * s.k > kMostWeights) {
    return false;
  }
  if (std::max(s.c, s.k) > kMostChannels) return false;
  const int64_t tiles = s.in[0] * ceil_div(s.out[1], kWinogradTile) * ceil_div(s.out[2], kWinogradTile);
  // Tiles that hang over count whole.
  return 10 * tiles * kWinogradTile * kWinogradTile <= 16 * s.out_plane() && 4 * s.n * tiles >= std::max(s.c, s.k);
}

ConvWinograd::ConvWinograd(const ConvShape &shape, bool backward)
    : shape_(shape), backward_(backward), isa_(&tile_isa()) {
  for (int64_t first = 0; first < shape.k;) {
    const int width = std::min(kWidest, tile_width(*isa_, shape.k - first));
    panels_.push_back({first, width, width});
    first += width;
  }
  tile_rows_ = ceil_div(shape.out[1], kWinogradTile);
  tile_columns_ = ceil_div(shape.out[2], kWinogradTile);
  tiles_ = shape.n * shape.out[0] * tile_rows_ * tile_columns_;
  int64_t most = kBlockFloats / (kWinogradPoints * shape.c) / kLeastTiles * kLeastTiles;
  most = std::clamp(most, kLeastTiles, kMostTiles);
  blocks_ = std::max(ceil_div(tiles_, most), std::min(kTasks, ceil_div(tiles_, kLeastTiles)));
}

void ConvWinograd::pack(ThreadPool &pool, const float *w, void *packed) const {
  const int64_t panels = static_cast<int64_t>(panels_.size()), chunks = ceil_div(shape_.c, kPackChunk);
  constexpr int64_t kTaps = 9;
  pool.parallel(panels * chunks, [&](int64_t task, int lane) {
    const int64_t first = task % chunks * kPackChunk, count = std::min(kPackChunk, shape_.c - first);
    const Panel &panel = panels_[static_cast<size_t>(task / chunks)];
    const int64_t width = panel.width, tap_floats = kPackChunk * width;
    float *rows = reinterpret_cast<float *>(pool.scratch(lane));  // [tap][channel][width]
    for (int64_t i = 0; i < count; ++i) {
      const int64_t c = first + i;
      if (backward_) {  // w is [C, K, 9] of this convolution, flipped
        isa_->transpose(w + (c * shape_.k + panel.first) * kTaps, kTaps, width, kTaps,
                        rows + i * width + (kTaps - 1) * tap_floats, -tap_floats);
      } else {
        isa_->transpose(w + (panel.first * shape_.c + c) * kTaps, shape_.c * kTaps, width, kTaps, rows + i * width,
                        tap_floats);
      }
      weight_(rows + i * width, tap_floats, width,
              static_cast<float *>(packed) + panel.first * kWinogradPoints * shape_.c + c * width, shape_.c * width);
    }
  });
}

void ConvWinograd::run(ThreadPool &pool, const void *from, const void *packed, const ConvLast::Epilogue &epilogue,
                       void *to) const {
  if (tiles_ == 0) return;
  const EvenSplit blocks(tiles_, ceil_div(tiles_, blocks_));
  pool.parallel(blocks.count, [&](int64_t block, int lane) {
    const int64_t first = blocks.begin(block);
    run_block(first, blocks.end(block) - first, static_cast<const float *>(from), static_cast<const float *>(packed),
              epilogue, static_cast<float *>(to), reinterpret_cast<float *>(pool.scratch(lane)));
  });
}

void ConvWinograd::run_block(int64_t first, int64_t tiles, const float *from, const float *packed,
                             const ConvLast::Epilogue &epilogue, float *to, float *scratch) const {
  const ConvShape &s = shape_;
  const int64_t point = tiles * s.c + kSkew;
  float *inputs = scratch;                             // [point][tile][channel]
  float *products = inputs + kWinogradPoints * point;  // [tile][point][width]
  const auto place = [&](int64_t tile, int64_t &image, int64_t &row, int64_t &column) {
    column = tile % tile_columns_ * kWinogradTile;
    row = tile / tile_columns_ % tile_rows_ * kWinogradTile;
    image = tile / tile_columns_ / tile_rows_;  // and depth: planes do not meet
  };
  WinogradPixels at;
  at.pixel = s.c;
  at.row = s.in[2] * s.c;
  for (int64_t t = 0; t < tiles; ++t) {
    int64_t image, row, column;
    place(first + t, image, row, column);
    const int64_t y = row - s.low[1], x = column - s.low[2];
    at.top = static_cast<int>(std::clamp<int64_t>(-y, 0, kWinogradPatch));
    at.bottom = static_cast<int>(std::clamp<int64_t>(s.in[1] - y, at.top, kWinogradPatch));
    at.left = static_cast<int>(std::clamp<int64_t>(-x, 0, kWinogradPatch));
    at.right = static_cast<int>(std::clamp<int64_t>(s.in[2] - x, at.left, kWinogradPatch));
    input_(from + ((image * s.in[1] + y) * s.in[2] + x) * s.c, at, s.c, inputs + t * s.c, point);
  }
  at = {s.out[2] * s.k, s.k, 0, 0, 0, 0};
  for (const Panel &panel : panels_) {
    const int64_t width = panel.width;
    const EvenSplit rows(tiles, isa_->max_rows(panel.width));
    TileCall call;
    call.a_row = s.c;
    call.a_step = 1;
    call.k = s.c;
    call.ldb = width;
    call.ldc = kWinogradPoints * width;
    call.columns = panel.width;
    for (int64_t e = 0; e < kWinogradPoints; ++e) {
      call.b = packed + (panel.first * kWinogradPoints + e * width) * s.c;
      for (int64_t r = 0; r < rows.count; ++r) {
        const int64_t begin = rows.begin(r);
        call.a = inputs + e * point + begin * s.c;
        call.c = products + (begin * kWinogradPoints + e) * width;
        run_tile(*isa_, panel.width, static_cast<int>(rows.end(r) - begin), call);
      }
    }
    WinogradEpilogue end;
    end.bias = epilogue.bias == nullptr ? nullptr : epilogue.bias + panel.first;
    end.clamps = epilogue.clamps;
    end.low = epilogue.low;
    end.high = epilogue.high;
    for (int64_t t = 0; t < tiles; ++t) {
      int64_t image, row, column;
      place(first + t, image, row, column);
      at.bottom = static_cast<int>(std::min<int64_t>(kWinogradTile, s.out[1] - row));
      at.right = static_cast<int>(std::min<int64_t>(kWinogradTile, s.out[2] - column));
      const int64_t corner = ((image * s.out[1] + row) * s.out[2] + column) * s.k + panel.first;
      if (epilogue.residual != nullptr) end.residual = static_cast<const float *>(epilogue.residual) + corner;
      output_(products + t * kWinogradPoints * width, width, width, end, to + corner, at);
    }
  }
}

}  // namespace dlc
