// The weight gradient of channels-last images, where both operands have their channels side by side: a tile's rows are
// input channels at one kernel tap, its columns output channels, the sum runs over pixels. Output pixels, counted
// through all images, are cut into chunks; dy is packed in panels a chunk at a time, x is read where it lies or from
// strips of its rows that are copied beside. Slices of the chunks make partial results that are added in order.
// Images of bfloat16 are widened while they are packed, or, where the processor multiplies pairs, two images at a time
// are interleaved.
#pragma once

#include <vector>

#include "conv_last_sums.h"
#include "conv_panels.h"
#include "conv_shape.h"

namespace dlc {

class ConvLastGradWeight {
 public:
  ConvLastGradWeight() = default;
  // `images`: DLC_F32 or DLC_BF16, of x and dy. `most_slices`: how many partial results there is room for, each of
  // slice_floats(shape).
  ConvLastGradWeight(const ConvShape &shape, dlc_dtype images, int64_t most_slices);
  static int64_t slice_floats(const ConvShape &shape);
  // dw is [K, C / groups, kernel].
  void run(ThreadPool &pool, const void *x, const void *dy, float *partial, float *dw) const;

 private:
  // What a task computes of the partial result of its slice.
  struct Block {
    int64_t slice, group;
    int64_t channel, channels;  // of x, within the group
    int64_t panel, end_panel;
  };
  // Output pixels [column, column + count) of one row; `at` of the chunk's pixels the first one is.
  struct Piece {
    int64_t unit, depth, row, column, count, at;
  };
  // Columns [first, first + count) of a row of x (depth and height as one number), copied to `at`.
  struct Strip {
    int64_t unit, row, first, count, at;
  };
  struct Scratch {
    float *dy, *x;
    Piece *pieces;
    Strip *strips;
    PixelRun *runs;  // for each of calls(), pieces_ of them
    int64_t *run_counts;
    int64_t piece_count, strip_count, x_floats;
    size_t bytes;
  };

  // What tiles fetch while they run: `calls` of them, each a line for every pixel, `step` bytes apart.
  struct Fetch {
    const std::byte *from;
    int64_t step, calls, advance;
  };
  struct Fetches {
    Fetch parts[4] = {};
    int count = 0;
    void add(const void *from, int64_t step, int64_t calls, int64_t advance) {
      parts[count++] = {static_cast<const std::byte *>(from), step, calls, advance};
    }
    // Of the next tile.
    void take(PixelSums &call);
  };

  void choose_blocks(int64_t most_slices);
  int64_t strip_floats() const;
  Scratch scratch(std::byte *memory) const;
  // Tiles of the same rows: one for each tap, or for each row of taps.
  int64_t calls() const { return tap_rows_ ? shape_.kernel[0] * shape_.kernel[1] : shape_.taps(); }
  int64_t panel_channels(int64_t panels) const { return std::min(panels * isa_->widest, round_up(shape_.kg, 16)); }

  void sum_block(const Block &block, const void *x, const void *dy, float *partial, std::byte *memory) const;
  void cut_pieces(int64_t first, int64_t end, Scratch &scratch) const;
  void pack_gradient(const Block &block, const void *dy, int64_t first, int64_t end, float *packed) const;
  void find_runs(const Block &block, const void *x, Scratch &scratch) const;
  // Where the strip is; it is made if it is not there.
  int64_t strip_at(const Block &block, const void *x, const Strip &wanted, Scratch &scratch) const;
  void fill_strip(const Block &block, const void *x, const Strip &strip, float *to) const;
  // The chunk from output pixel `first` on.
  Fetches fetches(const Block &block, const void *x, const void *dy, int64_t first) const;
  void multiply(const Block &block, const float *x, const Scratch &scratch, bool accumulate, Fetches next,
                float *partial) const;
  void add_slices(int64_t group, const Panel &panel, int64_t first, int64_t rows, float *partial, float *dw) const;

  const void *at(const void *images, int64_t element) const {
    return static_cast<const std::byte *>(images) + element * element_bytes_;
  }

  ConvShape shape_;  // without axes that need not be told apart
  const PixelSumsIsa *isa_ = nullptr;
  PixelKind kind_ = PixelKind::f32;
  int64_t element_bytes_ = 4, unit_images_ = 1, units_ = 0;
  std::vector<Panel> panels_;
  EvenSplit chunks_{1, 1}, channel_blocks_{1, 1}, panel_blocks_{1, 1};  // chunks_: of slices
  int64_t pixels_ = 1, pieces_ = 1;                                     // of a chunk
  int64_t block_channels_ = 1, block_panels_ = 1;
  // How x is read: in place, or from strips; these hold all columns that a piece needs, with zeros for those outside of
  // the image where few channels make rows of taps, or its own pixels alone where a kernel is one column wide.
  bool strips_ = false, single_ = false, tap_rows_ = false;
  int64_t pitch_ = 0;                               // between neighbouring columns of x, as read
  std::vector<int64_t> first_column_, end_column_;  // by kernel column: output columns whose element is inside
  decltype(TileIsa::transpose) transpose_ = nullptr;
};

}  // namespace dlc
