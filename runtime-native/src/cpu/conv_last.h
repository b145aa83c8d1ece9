// Convolutions over images whose channels lie side by side, [N, ..., C]: forward, and the gradient of the input. A
// tile's rows are neighbouring pixels read in place by broadcasts, its columns output channels, so results go where
// they belong without being turned. Where an image has borders, a block of it is copied with zeros around. The gradient
// is cut into phases, one for each residue of the strides: within one, neighbouring pixels of dx see the same taps of
// neighbouring pixels of dy. Weights are packed to [phase][panel][tap, channel][width].
#pragma once

#include <vector>

#include "conv_panels.h"
#include "conv_shape.h"
#include "gemm_tile_bf16.h"

namespace dlc {

class ConvLast {
 public:
  // What becomes of a sum before it is stored.
  struct Epilogue {
    const float *bias = nullptr;     // one for each output channel
    const void *residual = nullptr;  // like the output, added behind the bias
    bool clamps = false;
    float low = 0, high = 0;
  };

  ConvLast() = default;
  // `dtype`, f32 or bf16, is that of images and packed weights.
  static ConvLast forward(const ConvShape &shape, dlc_dtype dtype);
  static ConvLast grad_input(const ConvShape &shape, dlc_dtype dtype);

  // Elements of packed weights at most: a formula of the shape, known to
  // compiler/ops/families/convolution-workspace.ts.
  static int64_t packed_elements(int64_t groups, int64_t outputs, int64_t inputs, int64_t taps) {
    return groups * round_up(outputs, kPanelAlign) * round_up(inputs, 2) * taps;
  }
  int64_t packed_elements() const { return packed_elements(groups_, outputs_, inputs_, taps_); }
  // `w` is [K, C/groups, taps] of the convolution itself in either case.
  void pack(ThreadPool &pool, const float *w, void *packed) const;
  void run(ThreadPool &pool, const void *from, const void *packed, const Epilogue &epilogue, void *to) const;

 private:
  using Axes = ConvShape::Axes;
  struct Tap {
    int64_t index;   // in the kernel
    Axes at;         // from the pixel it is read for
    int64_t offset;  // the same, in elements of what the tile reads
  };
  struct Phase {
    Axes extents = {1, 1, 1};                // pixels written, along each axis
    Axes first = {0, 0, 0};                  // the first of them
    Axes low = {0, 0, 0}, high = {0, 0, 0};  // the nearest and farthest taps
    std::vector<Tap> taps;
    bool copies = false;
    bool by_tap = false;  // copies each tap's pixels apart: where taps are far from each other
    int64_t depth = 0;    // products of an element
    int64_t packed = 0;   // where its weights begin in those of a group
    int64_t block_rows = 1, block_columns = 1, row_blocks = 1, column_blocks = 1;
    int64_t images = 1;       // of a task, where weights are large and planes small
    int64_t panel_parts = 1;  // tasks among which the panels of a block are divided
    Axes copied = {1, 1, 1};  // extents of a block's copy
    Axes pitch = {0, 0, 0};   // elements from one plane, row, pixel to the next of what the tile reads
    std::vector<int32_t> offsets;
    int64_t copy_elements = 0;
    int64_t blocks() const { return extents[0] * row_blocks * column_blocks; }
  };
  struct Task {
    const Phase *phase;
    int64_t image, images, group, part;
    Axes at;  // the block's first pixel, in the phase
    int64_t rows, columns;
  };

  ConvLast(const ConvShape &shape, dlc_dtype dtype, bool backward);
  void make_phases(const ConvShape &shape);
  void choose_blocks(Phase &phase) const;
  void place(Phase &phase, int64_t rows, int64_t columns) const;
  void add_offsets(Phase &phase) const;
  int64_t tasks_of(const Phase &phase) const;
  void run_task(const Task &task, const std::byte *from, const std::byte *packed, const Epilogue &epilogue,
                std::byte *to, std::byte *scratch) const;
  void copy(const Task &task, const std::byte *image, std::byte *copy) const;
  void copy_taps(const Task &task, const std::byte *image, std::byte *copy) const;
  void run_rows(const Task &task, const std::byte *from, const std::byte *weights, const Panel &panel,
                const Epilogue &epilogue, std::byte *to) const;
  template <typename Isa, typename Call, typename Value>
  void run_tiles(const Isa &isa, Call &call, const Task &task, const Panel &panel, const Epilogue &epilogue,
                 const Value *from, Value *to) const;

  bool backward_ = false;
  dlc_dtype dtype_ = DLC_F32;
  int64_t size_ = 4;                                                  // bytes of an element
  int64_t n_ = 0, groups_ = 1, inputs_ = 0, outputs_ = 0, taps_ = 1;  // channels of a group
  int64_t read_ = 0;  // channels of a pixel that a tile reads of a group: even for bf16
  Axes source_ = {1, 1, 1}, target_ = {1, 1, 1};
  Axes source_step_ = {1, 1, 1}, target_step_ = {1, 1, 1};
  const TileIsa *isa_ = nullptr;
  const TileIsaBf16 *isa_bf16_ = nullptr;
  std::vector<Panel> panels_;
  std::vector<Phase> phases_;
};

}  // namespace dlc
