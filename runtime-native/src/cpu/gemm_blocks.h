// How a product is cut into independent tasks, each a block of C: by the shapes alone, so any number of threads gives
// the same bits.
#pragma once

#include <algorithm>
#include <cstdint>

#include "gemm_tile.h"

namespace dlc {

struct GemmBlock {
  int64_t row, rows, column, columns;
};

class GemmBlocks {
 public:
  static constexpr int64_t kMostRows = 192;
  static constexpr int64_t kMostColumns = 256;
  // Blocks start at multiples of this, so that packed panels, which are no wider, never lie across two.
  static constexpr int64_t kLeastColumns = 64;

  GemmBlocks() = default;
  // Blocks get smaller until there are enough for a few lanes to share or one has at most `least` multiplies to do, and
  // on while each has more than `most`: a small block packs as much for less.
  GemmBlocks(int64_t m, int64_t n, int64_t k, int64_t least, int64_t most) : m_(m), n_(n) {
    if (m == 0 || n == 0) return;
    height_ = ceil_div(m, ceil_div(m, kMostRows));
    width_ = std::min(kMostColumns, round_up(n, kLeastColumns));
    const auto blocks = [&] { return ceil_div(m, height_) * ceil_div(n, width_); };
    const auto worth_cutting = [&] {
      const int64_t work = height_ * width_ * std::max<int64_t>(k, 1);
      return blocks() < kTasks ? work > least : blocks() < kMostTasks && work > most;
    };
    while (worth_cutting()) {
      if (width_ > kLeastColumns && width_ >= height_) {
        width_ = round_up(width_ / 2, kLeastColumns);
      } else if (height_ > kLeastRows) {
        height_ = ceil_div(height_, 2);
      } else {
        break;
      }
    }
    rows_ = ceil_div(m, height_);
    columns_ = ceil_div(n, width_);
  }

  int64_t count() const { return rows_ * columns_; }
  GemmBlock at(int64_t task) const {
    const int64_t row = task / columns_ * height_, column = task % columns_ * width_;
    return {row, std::min(height_, m_ - row), column, std::min(width_, n_ - column)};
  }

 private:
  static constexpr int64_t kTasks = 16;
  static constexpr int64_t kMostTasks = 64;
  static constexpr int64_t kLeastRows = 64;
  int64_t m_ = 0, n_ = 0, height_ = 0, width_ = 0, rows_ = 0, columns_ = 0;
};

}  // namespace dlc
