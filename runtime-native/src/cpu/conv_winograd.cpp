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
// So few tiles are one block, whose tasks each transform all inputs and read a part of the weights alone.
constexpr int64_t kFewTiles = 16;
constexpr int64_t kFewTasks = 4;
// Rows of a point's sum that a task adds to.
constexpr int64_t kSumRows = 96;
constexpr int kWidest = 32;
// So that the points of a tile do not all fall on the same lines of the cache.
constexpr int64_t kSkew = 16;
// Larger weights are read from memory for every block.
constexpr int64_t kMostWeights = int64_t{1} << 16;
constexpr int64_t kPackChunk = 16;
// The least block of more would not fit the scratch.
constexpr int64_t kMostChannels = 1024;

std::vector<Panel> narrow_panels(const TileIsa &isa, int64_t channels) {
  std::vector<Panel> panels;
  for (int64_t first = 0; first < channels;) {
    const int width = std::min(kWidest, tile_width(isa, channels - first));
    panels.push_back({first, width, width});
    first += width;
  }
  return panels;
}

// Tiles that are transformed at a time for the gradient of weights. Both operands together take 1 MiB, to be still in
// L2 when they are multiplied, or 4 MiB where the sums that each product adds to are large themselves.
int64_t chunk_tiles(const ConvShape &shape, int64_t tiles) {
  const int64_t floats = shape.c * shape.k > 1024 ? int64_t{1} << 20 : int64_t{1} << 18;
  const int64_t most = std::max<int64_t>(floats / (kWinogradPoints * (shape.c + shape.k)), kLeastTiles);
  return std::min(most, tiles);
}

}  // namespace

bool ConvWinograd::fits(const ConvShape &s, bool packed_apart) {
  const ConvShape::Axes ones = {1, 1, 1}, three = {1, 3, 3};
  if (s.groups != 1 || s.kernel != three || s.stride != ones || s.dilation != ones || s.out[0] != s.in[0]) return false;
  if (s.low[0] != 0 || s.c % kWinogradChannels != 0 || s.k % kWinogradChannels != 0 || s.c * s.k > kMostWeights) {
    return false;
  }
  if (std::max(s.c, s.k) > kMostChannels) return false;
  const int64_t tiles = s.in[0] * ceil_div(s.out[1], kWinogradTile) * ceil_div(s.out[2], kWinogradTile);
  // Tiles that hang over count whole.
  if (10 * tiles * kWinogradTile * kWinogradTile > 16 * s.out_plane()) return false;
  return (packed_apart ? 16 : 4) * s.n * tiles >= std::max(s.c, s.k);
}

WinogradTiles::WinogradTiles(const ConvShape &shape)
    : shape_(shape),
      rows_(ceil_div(shape.out[1], kWinogradTile)),
      columns_(ceil_div(shape.out[2], kWinogradTile)),
      count_(shape.n * shape.out[0] * rows_ * columns_) {}

WinogradTiles::Place WinogradTiles::place(int64_t tile) const {
  // Planes of a volume do not meet: each is an image.
  return {tile / columns_ / rows_, tile / columns_ % rows_ * kWinogradTile, tile % columns_ * kWinogradTile};
}

int64_t WinogradTiles::input(int64_t tile, WinogradPixels &at) const {
  const ConvShape &s = shape_;
  const Place place = this->place(tile);
  const int64_t y = place.row - s.low[1], x = place.column - s.low[2];
  at.pixel = s.c;
  at.row = s.in[2] * s.c;
  at.top = static_cast<int>(std::clamp<int64_t>(-y, 0, kWinogradPatch));
  at.bottom = static_cast<int>(std::clamp<int64_t>(s.in[1] - y, at.top, kWinogradPatch));
  at.left = static_cast<int>(std::clamp<int64_t>(-x, 0, kWinogradPatch));
  at.right = static_cast<int>(std::clamp<int64_t>(s.in[2] - x, at.left, kWinogradPatch));
  return ((place.image * s.in[1] + y) * s.in[2] + x) * s.c;
}

int64_t WinogradTiles::output(int64_t tile, WinogradPixels &at) const {
  const ConvShape &s = shape_;
  const Place place = this->place(tile);
  at.pixel = s.k;
  at.row = s.out[2] * s.k;
  at.top = at.left = 0;
  at.bottom = static_cast<int>(std::min<int64_t>(kWinogradTile, s.out[1] - place.row));
  at.right = static_cast<int>(std::min<int64_t>(kWinogradTile, s.out[2] - place.column));
  return ((place.image * s.out[1] + place.row) * s.out[2] + place.column) * s.k;
}

ConvWinograd::ConvWinograd(const ConvShape &shape, bool backward)
    : shape_(shape), backward_(backward), isa_(&tile_isa()) {
  tiles_ = WinogradTiles(shape);
  panels_ = narrow_panels(*isa_, shape.k);
  int64_t most = kBlockFloats / (kWinogradPoints * shape.c) / kLeastTiles * kLeastTiles;
  most = std::clamp(most, kLeastTiles, kMostTiles);
  if (tiles_.count() <= kFewTiles && kWinogradPoints * (kFewTiles * (shape.c + kWidest) + kSkew) <= kScratchFloats) {
    panel_parts_ = std::min(kFewTasks, static_cast<int64_t>(panels_.size()));
    return;
  }
  blocks_ = std::max(ceil_div(tiles_.count(), most), std::min(kTasks, ceil_div(tiles_.count(), kLeastTiles)));
  // One block more than an even number of them would keep a core alone.
  if (blocks_ < kTasks) blocks_ = round_up(blocks_, 2);
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
  if (tiles_.count() == 0) return;
  const EvenSplit blocks(tiles_.count(), ceil_div(tiles_.count(), blocks_));
  const int64_t panels = static_cast<int64_t>(panels_.size());
  const EvenSplit parts(panels, ceil_div(panels, panel_parts_));
  pool.parallel(blocks.count * parts.count, [&](int64_t task, int lane) {
    const int64_t first = blocks.begin(task / parts.count), part = task % parts.count;
    run_block(first, blocks.end(task / parts.count) - first, parts.begin(part), parts.end(part),
              static_cast<const float *>(from), static_cast<const float *>(packed), epilogue, static_cast<float *>(to),
              reinterpret_cast<float *>(pool.scratch(lane)));
  });
}

void ConvWinograd::run_block(int64_t first, int64_t tiles, int64_t begin, int64_t end, const float *from,
                             const float *packed, const ConvLast::Epilogue &epilogue, float *to, float *scratch) const {
  const ConvShape &s = shape_;
  const int64_t point = tiles * s.c + kSkew;
  float *inputs = scratch;                             // [point][tile][channel]
  float *products = inputs + kWinogradPoints * point;  // [tile][point][width]
  WinogradPixels at;
  for (int64_t t = 0; t < tiles; ++t) {
    const int64_t corner = tiles_.input(first + t, at);
    input_(from + corner, at, s.c, inputs + t * s.c, point);
  }
  for (int64_t p = begin; p < end; ++p) {
    const Panel &panel = panels_[static_cast<size_t>(p)];
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
        const int64_t row = rows.begin(r);
        call.a = inputs + e * point + row * s.c;
        call.c = products + (row * kWinogradPoints + e) * width;
        run_tile(*isa_, panel.width, static_cast<int>(rows.end(r) - row), call);
      }
    }
    WinogradEpilogue finish;
    finish.bias = epilogue.bias == nullptr ? nullptr : epilogue.bias + panel.first;
    finish.clamps = epilogue.clamps;
    finish.low = epilogue.low;
    finish.high = epilogue.high;
    for (int64_t t = 0; t < tiles; ++t) {
      const int64_t corner = tiles_.output(first + t, at) + panel.first;
      if (epilogue.residual != nullptr) finish.residual = static_cast<const float *>(epilogue.residual) + corner;
      output_(products + t * kWinogradPoints * width, width, width, finish, to + corner, at);
    }
  }
}

ConvWinogradGradWeight::ConvWinogradGradWeight(const ConvShape &shape)
    : shape_(shape), isa_(&tile_isa()), panels_(narrow_panels(tile_isa(), shape.k)), tiles_(shape) {}

int64_t ConvWinogradGradWeight::workspace_floats(const ConvShape &shape) {
  const int64_t operands = chunk_tiles(shape, WinogradTiles(shape).count()) * (shape.c + shape.k);
  return kWinogradPoints * (operands + 2 * kSkew + shape.c * shape.k);
}

void ConvWinogradGradWeight::run(ThreadPool &pool, const void *x, const void *dy, float *workspace, float *dw) const {
  const ConvShape &s = shape_;
  const int64_t most = chunk_tiles(s, tiles_.count());
  const int64_t input_point = most * s.c + kSkew, gradient_point = most * s.k + kSkew;
  float *inputs = workspace;                                   // [point][tile][c]
  float *gradients = inputs + kWinogradPoints * input_point;   // [point][tile][k]
  float *sums = gradients + kWinogradPoints * gradient_point;  // [point][c][k]
  const int64_t row_blocks = ceil_div(s.c, kSumRows);
  const EvenSplit chunks(tiles_.count(), most);
  for (int64_t chunk = 0; chunk < chunks.count; ++chunk) {
    const int64_t first = chunks.begin(chunk), tiles = chunks.end(chunk) - first;
    pool.parallel(ceil_div(tiles, kLeastTiles), [&](int64_t task, int) {
      WinogradPixels at;
      for (int64_t t = task * kLeastTiles; t < std::min(tiles, (task + 1) * kLeastTiles); ++t) {
        const int64_t from = tiles_.input(first + t, at);
        input_(static_cast<const float *>(x) + from, at, s.c, inputs + t * s.c, input_point);
        const int64_t to = tiles_.output(first + t, at);
        gradient_(static_cast<const float *>(dy) + to, at, s.k, gradients + t * s.k, gradient_point);
      }
    });
    pool.parallel(kWinogradPoints * row_blocks, [&](int64_t task, int) {
      const int64_t e = task / row_blocks, begin = task % row_blocks * kSumRows, end = std::min(s.c, begin + kSumRows);
      TileCall call;
      call.a_row = 1;
      call.a_step = s.c;
      call.k = tiles;
      call.ldb = call.ldc = s.k;
      call.accumulate = chunk > 0;
      for (const Panel &panel : panels_) {
        const EvenSplit rows(end - begin, isa_->max_rows(panel.width));
        call.columns = panel.width;
        call.b = gradients + e * gradient_point + panel.first;
        for (int64_t r = 0; r < rows.count; ++r) {
          const int64_t c = begin + rows.begin(r);
          call.a = inputs + e * input_point + c;
          call.c = sums + (e * s.c + c) * s.k + panel.first;
          run_tile(*isa_, panel.width, static_cast<int>(rows.end(r) - rows.begin(r)), call);
        }
      }
    });
  }
  pool.parallel(s.c, [&](int64_t c, int lane) {
    constexpr int64_t kTaps = 9;
    float *taps = reinterpret_cast<float *>(pool.scratch(lane));  // [tap][k]
    weight_gradient_(sums + c * s.k, s.c * s.k, s.k, taps, s.k);
    isa_->transpose(taps, s.k, kTaps, s.k, dw + c * kTaps, s.c * kTaps);
  });
}

}  // namespace dlc
