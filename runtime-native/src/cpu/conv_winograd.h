// 3x3 convolutions of stride 1 over channels-last images of float32 by Winograd's F(4x4, 3x3): a quarter of the
// products. A task takes a block of tiles: transforms their inputs, multiplies point by point with a panel of
// transformed weights, transforms back. The gradient of the input is such a convolution of dy with flipped weights.
#pragma once

#include <vector>

#include "conv_last.h"
#include "winograd.h"

namespace dlc {

// Where the tiles of a convolution lie: counted through the columns, rows and images of the output.
class WinogradTiles {
 public:
  WinogradTiles() = default;
  explicit WinogradTiles(const ConvShape &shape);

  int64_t count() const { return count_; }
  // The 6x6 pixels of x that the tile reads, from its first, which may lie outside, and what of them is inside.
  int64_t input(int64_t tile, WinogradPixels &at) const;
  // The 4x4 pixels of y that the tile gives, from its first.
  int64_t output(int64_t tile, WinogradPixels &at) const;

 private:
  struct Place {
    int64_t image, row, column;
  };
  Place place(int64_t tile) const;

  ConvShape shape_;
  int64_t rows_ = 0, columns_ = 0, count_ = 0;
};

class ConvWinograd {
 public:
  // Where there are tiles enough to pay for the larger weights; fewer, if somebody else transforms these. A rule of the
  // shape alone, known to compiler/ops/families/winograd.ts.
  static bool fits(const ConvShape &shape, bool packed_apart = false);

  ConvWinograd() = default;
  static ConvWinograd forward(const ConvShape &shape) { return {shape, false}; }
  // Only where the shape has an adjoint.
  static ConvWinograd grad_input(const ConvShape &shape) { return {shape.adjoint(), true}; }

  static int64_t packed_elements(const ConvShape &shape) { return kWinogradPoints * shape.c * shape.k; }
  // `w` is [K, C, 9] of the convolution itself in either case.
  void pack(ThreadPool &pool, const float *w, void *packed) const;
  void run(ThreadPool &pool, const void *from, const void *packed, const ConvLast::Epilogue &epilogue, void *to) const;

 private:
  ConvWinograd(const ConvShape &shape, bool backward);
  // Of panels [begin, end).
  void run_block(int64_t first, int64_t tiles, int64_t begin, int64_t end, const float *from, const float *packed,
                 const ConvLast::Epilogue &epilogue, float *to, float *scratch) const;

  ConvShape shape_;
  bool backward_ = false;
  const TileIsa *isa_ = nullptr;
  std::vector<Panel> panels_;
  WinogradTiles tiles_;
  int64_t blocks_ = 1;
  int64_t panel_parts_ = 1;  // tasks of a block
  decltype(&baseline::winograd_input) input_ = DLC_DISPATCH(winograd_input);
  decltype(&baseline::winograd_output) output_ = DLC_DISPATCH(winograd_output);
  decltype(&baseline::winograd_weight) weight_ = DLC_DISPATCH(winograd_weight);
};

// dw of such a convolution. Tiles are taken some hundred at a time: both operands are transformed, then each point's
// product of them is added to what the tiles before gave.
class ConvWinogradGradWeight {
 public:
  ConvWinogradGradWeight() = default;
  explicit ConvWinogradGradWeight(const ConvShape &shape);
  // Known to compiler/ops/families/convolution-workspace.ts.
  static int64_t workspace_floats(const ConvShape &shape);
  // dw is [K, C, 9].
  void run(ThreadPool &pool, const void *x, const void *dy, float *workspace, float *dw) const;

 private:
  ConvShape shape_;
  const TileIsa *isa_ = nullptr;
  std::vector<Panel> panels_;
  WinogradTiles tiles_;
  decltype(&baseline::winograd_input) input_ = DLC_DISPATCH(winograd_input);
  decltype(&baseline::winograd_gradient) gradient_ = DLC_DISPATCH(winograd_gradient);
  decltype(&baseline::winograd_weight_gradient) weight_gradient_ = DLC_DISPATCH(winograd_weight_gradient);
};

}  // namespace dlc
