// Channels-last convolution by register tiles over pixels.
#include "conv_last.h"

#include <algorithm>
#include <cstring>
#include <type_traits>

namespace dlc {
namespace {

// What a block reads stays below this, to lie in L2 beside a panel of weights.
constexpr int64_t kBlockBytes = int64_t{320} << 10;
constexpr int64_t kScratchBytes = static_cast<int64_t>(ThreadPool::kLaneScratchBytes);
// Blocks are cut for the cache, but not below this.
constexpr int64_t kFewPixels = 48;
constexpr int64_t kTasks = 16;
// A task has no more than this, so that a network's last, small planes give work to all.
constexpr int64_t kTaskFlops = int64_t{32} << 20;
// Packed weights of a group that are larger than this serve several images of few pixels in one go.
constexpr int64_t kLargeWeights = int64_t{512} << 10;
constexpr int64_t kManyPixels = 512;
// Channels that are packed at a time.
constexpr int64_t kPackChunk = 16;
// Wider tiles read more weights for each product, and L2 is what binds then.
constexpr int kWidest = 32;

int64_t floor_div(int64_t a, int64_t b) {
  return a >= 0 ? a / b : -ceil_div(-a, b);
}

}  // namespace

ConvLast ConvLast::forward(const ConvShape &shape, dlc_dtype dtype) {
  return {shape, dtype, false};
}

ConvLast ConvLast::grad_input(const ConvShape &shape, dlc_dtype dtype) {
  return {shape, dtype, true};
}

ConvLast::ConvLast(const ConvShape &shape, dlc_dtype dtype, bool backward)
    : backward_(backward),
      dtype_(dtype),
      size_(static_cast<int64_t>(size_of(dtype))),
      n_(shape.n),
      groups_(shape.groups),
      inputs_(backward ? shape.kg : shape.cg),
      outputs_(backward ? shape.cg : shape.kg),
      taps_(shape.taps()),
      read_(dtype == DLC_BF16 ? round_up(inputs_, 2) : inputs_),
      source_(backward ? shape.out : shape.in),
      target_(backward ? shape.in : shape.out),
      isa_(&tile_isa()),
      isa_bf16_(&tile_isa_bf16()) {
  for (int64_t first = 0; first < round_up(outputs_, kPanelAlign);) {
    const int width = std::min(kWidest, tile_width(*isa_, round_up(outputs_, kPanelAlign) - first));
    panels_.push_back({first, std::min<int64_t>(width, outputs_ - first), width});
    first += width;
  }
  make_phases(shape);
  // Where a pixel is does not matter to a kernel of 1: the images are one long row.
  if (phases_.size() == 1 && taps_ == 1 && !phases_[0].copies && source_ == target_) {
    source_ = target_ = phases_[0].extents = {1, 1, n_ * source_[0] * source_[1] * source_[2]};
    n_ = n_ == 0 ? 0 : 1;
  }
  if (n_ > 0) {
    for (Phase &phase : phases_) choose_blocks(phase);
  }
}

void ConvLast::make_phases(const ConvShape &s) {
  const Axes residues = backward_ ? s.stride : Axes{1, 1, 1};
  (backward_ ? target_step_ : source_step_) = s.stride;
  int64_t packed = 0;
  Axes at;
  for (at[0] = 0; at[0] < residues[0]; ++at[0]) {
    for (at[1] = 0; at[1] < residues[1]; ++at[1]) {
      for (at[2] = 0; at[2] < residues[2]; ++at[2]) {
        Phase phase;
        phase.first = at;
        bool empty = false;
        for (size_t i = 0; i < 3; ++i) {
          phase.extents[i] = at[i] < target_[i] ? (target_[i] - at[i] - 1) / target_step_[i] + 1 : 0;
          empty = empty || phase.extents[i] == 0;
        }
        if (empty) continue;
        for (int64_t index = 0; index < taps_; ++index) {
          const Axes tap = {index / s.kernel[2] / s.kernel[1], index / s.kernel[2] % s.kernel[1], index % s.kernel[2]};
          Tap found{index, {}, 0};
          bool here = true;
          for (size_t i = 0; i < 3; ++i) {
            const int64_t reach = tap[i] * s.dilation[i] - s.low[i];
            // dx[first + o·stride] is made of dy[o + (first − reach) / stride].
            here = here && (!backward_ || (at[i] - reach) % s.stride[i] == 0);
            found.at[i] = backward_ ? floor_div(at[i] - reach, s.stride[i]) : reach;
          }
          if (here) phase.taps.push_back(found);
        }
        // In the order of memory: the reads of a tile walk forward.
        std::stable_sort(phase.taps.begin(), phase.taps.end(), [](const Tap &a, const Tap &b) { return a.at < b.at; });
        if (!phase.taps.empty()) phase.low = phase.high = phase.taps[0].at;
        for (const Tap &tap : phase.taps) {
          for (size_t i = 0; i < 3; ++i) {
            phase.low[i] = std::min(phase.low[i], tap.at[i]);
            phase.high[i] = std::max(phase.high[i], tap.at[i]);
          }
        }
        phase.copies = read_ != inputs_ && !phase.taps.empty();
        for (size_t i = 0; i < 3 && !phase.taps.empty(); ++i) {
          const int64_t last = (phase.extents[i] - 1) * source_step_[i] + phase.high[i];
          phase.copies = phase.copies || phase.low[i] < 0 || last >= source_[i];
        }
        phase.depth = static_cast<int64_t>(phase.taps.size()) * read_;
        phase.packed = packed;
        packed += phase.depth * round_up(outputs_, kPanelAlign);
        phases_.push_back(std::move(phase));
      }
    }
  }
}

// Extents of what a block of so many pixels reads.
void ConvLast::place(Phase &phase, int64_t rows, int64_t columns) const {
  phase.block_rows = rows;
  phase.block_columns = columns;
  const Axes pixels = {1, rows, columns};
  for (size_t i = 0; i < 3; ++i) {
    phase.copied[i] = (pixels[i] - 1) * source_step_[i] + phase.high[i] - phase.low[i] + 1;
  }
  phase.row_blocks = ceil_div(phase.extents[1], rows);
  phase.column_blocks = ceil_div(phase.extents[2], columns);
}

int64_t ConvLast::tasks_of(const Phase &phase) const {
  return ceil_div(n_, phase.images) * groups_ * phase.blocks() * phase.panel_parts;
}

// By shapes alone; which instruction set runs does not matter either.
void ConvLast::choose_blocks(Phase &phase) const {
  place(phase, phase.extents[1], phase.extents[2]);
  const auto pixels = [&] { return phase.block_rows * phase.block_columns; };
  const auto window = [&] { return phase.copied[0] * phase.copied[1] * phase.copied[2]; };
  const auto by_tap = [&] { return static_cast<int64_t>(phase.taps.size()) * pixels(); };
  const auto bytes = [&] { return (phase.copies ? std::min(window(), by_tap()) : window()) * read_ * size_; };
  const auto halve = [](int64_t value) { return (value + 1) / 2; };
  const auto shrink = [&] {
    // Square blocks have the least around them, but a row should fill its tiles.
    const bool columns = phase.block_rows == 1 || (phase.block_columns > phase.block_rows && phase.block_columns > 48);
    if (columns) {
      place(phase, phase.block_rows, halve(phase.block_columns));
    } else {
      place(phase, halve(phase.block_rows), phase.block_columns);
    }
  };
  while (bytes() > kBlockBytes && pixels() > kFewPixels) shrink();
  while (phase.copies && bytes() > kScratchBytes && pixels() > 1) shrink();
  if (phase.copies && bytes() > kScratchBytes) throw Failure(DLC_UNSUPPORTED, "conv: the kernel's reach is too large");
  while (2 * pixels() * phase.depth * outputs_ > kTaskFlops && tasks_of(phase) < 4 * kTasks &&
         pixels() >= 2 * kFewPixels) {
    shrink();
  }
  while (tasks_of(phase) < kTasks && pixels() >= 2 * kFewPixels) shrink();
  if (outputs_ * phase.depth * size_ > kLargeWeights) {
    while (2 * phase.images * pixels() <= kManyPixels &&
           (!phase.copies || bytes() * 2 * phase.images <= kScratchBytes) &&
           ceil_div(n_, 2 * phase.images) * groups_ * phase.blocks() * static_cast<int64_t>(panels_.size()) >= kTasks) {
      phase.images *= 2;
    }
  }
  const int64_t panels = static_cast<int64_t>(panels_.size());
  phase.panel_parts = std::min(panels, ceil_div(kTasks, tasks_of(phase)));

  phase.by_tap = phase.copies && by_tap() < window();
  phase.copy_elements = bytes() / size_;
  if (phase.by_tap) {
    phase.pitch = {0, phase.block_columns * read_, read_};
    for (size_t t = 0; t < phase.taps.size(); ++t) phase.taps[t].offset = static_cast<int64_t>(t) * pixels() * read_;
    add_offsets(phase);
    return;
  }
  phase.pitch[2] = phase.copies ? read_ : groups_ * inputs_;
  phase.pitch[1] = phase.pitch[2] * (phase.copies ? phase.copied[2] : source_[2]);
  phase.pitch[0] = phase.pitch[1] * (phase.copies ? phase.copied[1] : source_[1]);
  require(phase.pitch[0] * (phase.high[0] - phase.low[0] + 1) < (int64_t{1} << 31), "conv: an image is too large");
  for (Tap &tap : phase.taps) {
    for (size_t i = 0; i < 3; ++i) tap.offset += (tap.at[i] - phase.low[i]) * phase.pitch[i];
  }
  add_offsets(phase);
}

void ConvLast::add_offsets(Phase &phase) const {
  if (phase.taps.size() == 1) return;  // one run of channels
  const int64_t step = dtype_ == DLC_BF16 ? 2 : 1;
  for (const Tap &tap : phase.taps) {
    for (int64_t c = 0; c < read_; c += step) phase.offsets.push_back(static_cast<int32_t>(tap.offset + c));
  }
}

void ConvLast::pack(ThreadPool &pool, const float *w, void *packed) const {
  const int64_t panels = static_cast<int64_t>(panels_.size());
  // The chunk of all taps has to fit a lane's scratch.
  const int64_t room = kScratchBytes / 4 / kWidest / taps_;
  if (room < 2) throw Failure(DLC_UNSUPPORTED, "conv: the kernel is too large");
  const int64_t chunk = std::min(kPackChunk, room / 2 * 2), chunks = ceil_div(inputs_, chunk);
  const int64_t group_elements = packed_elements() / groups_;
  pool.parallel(groups_ * panels * chunks, [&](int64_t task, int lane) {
    const int64_t first = task % chunks * chunk, count = std::min(chunk, inputs_ - first);
    const Panel &panel = panels_[static_cast<size_t>(task / chunks % panels)];
    const int64_t group = task / chunks / panels;
    const int64_t tap_floats = chunk * panel.width;
    float *rows = reinterpret_cast<float *>(pool.scratch(lane));  // [tap][channel][width]
    std::memset(rows, 0, static_cast<size_t>(taps_ * tap_floats) * sizeof(float));
    if (backward_) {
      for (int64_t i = 0; i < count; ++i) {
        const float *from = w + ((group * inputs_ + first + i) * outputs_ + panel.first) * taps_;
        isa_->transpose(from, taps_, panel.columns, taps_, rows + i * panel.width, tap_floats);
      }
    } else if (taps_ == 1) {
      isa_->transpose(w + (group * outputs_ + panel.first) * inputs_ + first, inputs_, panel.columns, count, rows,
                      panel.width);
    } else {
      for (int64_t i = 0; i < count; ++i) {
        const float *from = w + ((group * outputs_ + panel.first) * inputs_ + first + i) * taps_;
        isa_->transpose(from, inputs_ * taps_, panel.columns, taps_, rows + i * panel.width, tap_floats);
      }
    }
    for (const Phase &phase : phases_) {
      for (size_t t = 0; t < phase.taps.size(); ++t) {
        const float *from = rows + phase.taps[t].index * tap_floats;
        const int64_t to = group * group_elements + phase.packed + panel.first * phase.depth +
                           (static_cast<int64_t>(t) * read_ + first) * panel.width;
        if (dtype_ == DLC_F32) {
          std::copy_n(from, count * panel.width, static_cast<float *>(packed) + to);
          continue;
        }
        isa_bf16_->zip(from, panel.width, count, panel.width, panel.width, static_cast<Bf16 *>(packed) + to);
      }
    }
  });
}

void ConvLast::run(ThreadPool &pool, const void *from, const void *packed, const Epilogue &epilogue, void *to) const {
  if (n_ == 0) return;
  for (const Phase &phase : phases_) {
    pool.parallel(tasks_of(phase), [&](int64_t index, int lane) {
      Task task{};
      task.phase = &phase;
      task.part = index % phase.panel_parts;
      int64_t rest = index / phase.panel_parts;
      task.at[2] = rest % phase.column_blocks * phase.block_columns;
      rest /= phase.column_blocks;
      task.at[1] = rest % phase.row_blocks * phase.block_rows;
      rest /= phase.row_blocks;
      task.at[0] = rest % phase.extents[0];
      rest /= phase.extents[0];
      task.rows = std::min(phase.block_rows, phase.extents[1] - task.at[1]);
      task.columns = std::min(phase.block_columns, phase.extents[2] - task.at[2]);
      task.group = rest % groups_;
      task.image = rest / groups_ * phase.images;
      task.images = std::min(phase.images, n_ - task.image);
      run_task(task, static_cast<const std::byte *>(from), static_cast<const std::byte *>(packed), epilogue,
               static_cast<std::byte *>(to), pool.scratch(lane));
    });
  }
}

void ConvLast::run_task(const Task &task, const std::byte *from, const std::byte *packed, const Epilogue &epilogue,
                        std::byte *to, std::byte *scratch) const {
  const Phase &phase = *task.phase;
  const int64_t channels = groups_ * inputs_;
  const int64_t source_image = source_[0] * source_[1] * source_[2] * channels;
  const int64_t target_image = target_[0] * target_[1] * target_[2] * groups_ * outputs_;
  const EvenSplit parts(static_cast<int64_t>(panels_.size()),
                        ceil_div(static_cast<int64_t>(panels_.size()), phase.panel_parts));
  if (task.part >= parts.count) return;
  if (phase.copies) {
    for (int64_t i = 0; i < task.images; ++i) {
      copy(task, from + ((task.image + i) * source_image + task.group * inputs_) * size_,
           scratch + i * phase.copy_elements * size_);
    }
  }
  const std::byte *weights = packed + (task.group * (packed_elements() / groups_) + phase.packed) * size_;
  int64_t corner = 0;  // of what the first pixel reads, in the image
  for (size_t i = 0; i < 3; ++i) corner += (task.at[i] * source_step_[i] + phase.low[i]) * phase.pitch[i];
  for (int64_t p = parts.begin(task.part); p < parts.end(task.part); ++p) {
    const Panel &panel = panels_[static_cast<size_t>(p)];
    for (int64_t i = 0; i < task.images; ++i) {
      const std::byte *image = phase.copies
                                   ? scratch + i * phase.copy_elements * size_
                                   : from + ((task.image + i) * source_image + task.group * inputs_ + corner) * size_;
      const int64_t target = (task.image + i) * target_image * size_;
      Epilogue own = epilogue;
      if (own.residual != nullptr) own.residual = static_cast<const std::byte *>(own.residual) + target;
      run_rows(task, image, weights + panel.first * phase.depth * size_, panel, own, to + target);
    }
  }
}

void ConvLast::copy(const Task &task, const std::byte *image, std::byte *copy) const {
  const Phase &phase = *task.phase;
  if (phase.by_tap) return copy_taps(task, image, copy);
  const int64_t channels = groups_ * inputs_ * size_, read = inputs_ * size_, pixel = read_ * size_;
  const int64_t row_bytes = phase.copied[2] * pixel;
  Axes first;
  for (size_t i = 0; i < 3; ++i) first[i] = task.at[i] * source_step_[i] + phase.low[i];
  const int64_t rows = (task.rows - 1) * source_step_[1] + phase.high[1] - phase.low[1] + 1;
  const int64_t columns = (task.columns - 1) * source_step_[2] + phase.high[2] - phase.low[2] + 1;
  // Columns [left, right) come from the image.
  const int64_t left = std::clamp<int64_t>(-first[2], 0, columns);
  const int64_t right = std::clamp<int64_t>(source_[2] - first[2], left, columns);
  for (int64_t d = 0; d < phase.copied[0]; ++d) {
    for (int64_t r = 0; r < rows; ++r) {
      std::byte *to = copy + (d * phase.copied[1] + r) * row_bytes;
      const int64_t depth = first[0] + d, row = first[1] + r;
      if (depth < 0 || depth >= source_[0] || row < 0 || row >= source_[1] || left == right) {
        std::memset(to, 0, static_cast<size_t>(columns * pixel));
        continue;
      }
      const std::byte *at = image + ((depth * source_[1] + row) * source_[2] + first[2] + left) * channels;
      std::memset(to, 0, static_cast<size_t>(left * pixel));
      std::memset(to + right * pixel, 0, static_cast<size_t>((columns - right) * pixel));
      if (pixel == channels) {
        std::memcpy(to + left * pixel, at, static_cast<size_t>((right - left) * pixel));
        continue;
      }
      for (int64_t c = left; c < right; ++c, at += channels) {
        std::memcpy(to + c * pixel, at, static_cast<size_t>(read));
        std::memset(to + c * pixel + read, 0, static_cast<size_t>(pixel - read));
      }
    }
  }
}

void ConvLast::copy_taps(const Task &task, const std::byte *image, std::byte *copy) const {
  const Phase &phase = *task.phase;
  const int64_t channels = groups_ * inputs_ * size_, read = inputs_ * size_, pixel = read_ * size_;
  for (const Tap &tap : phase.taps) {
    const int64_t depth = task.at[0] * source_step_[0] + tap.at[0];
    for (int64_t r = 0; r < task.rows; ++r) {
      const int64_t row = (task.at[1] + r) * source_step_[1] + tap.at[1];
      const bool inside = depth >= 0 && depth < source_[0] && row >= 0 && row < source_[1];
      std::byte *to = copy + (tap.offset + r * phase.pitch[1]) * size_;
      for (int64_t c = 0; c < task.columns; ++c, to += pixel) {
        const int64_t column = (task.at[2] + c) * source_step_[2] + tap.at[2];
        if (!inside || column < 0 || column >= source_[2]) {
          std::memset(to, 0, static_cast<size_t>(pixel));
          continue;
        }
        std::memcpy(to, image + ((depth * source_[1] + row) * source_[2] + column) * channels,
                    static_cast<size_t>(read));
        std::memset(to + read, 0, static_cast<size_t>(pixel - read));
      }
    }
  }
}

// Tiles of either type over the block's rows. The residual lies at the output's places.
template <typename Isa, typename Call, typename Value>
void ConvLast::run_tiles(const Isa &isa, Call &call, const Task &task, const Panel &panel, const Epilogue &epilogue,
                         const Value *from, Value *to) const {
  const Phase &phase = *task.phase;
  const EvenSplit tiles(task.columns, isa_->max_rows(panel.width));
  const int64_t pixel = groups_ * outputs_;
  Axes at;
  for (size_t i = 0; i < 3; ++i) at[i] = phase.first[i] + task.at[i] * target_step_[i];
  const int64_t first =
      ((at[0] * target_[1] + at[1]) * target_[2] + at[2]) * pixel + task.group * outputs_ + panel.first;
  const int64_t row = target_step_[1] * target_[2] * pixel;
  const Axes step = phase.by_tap ? Axes{1, 1, 1} : source_step_;
  call.a_row = step[2] * phase.pitch[2];
  call.offsets = phase.offsets.empty() ? nullptr : phase.offsets.data();
  call.ldc = target_step_[2] * pixel;
  call.columns = static_cast<int>(panel.columns);
  call.bias = epilogue.bias == nullptr ? nullptr : epilogue.bias + task.group * outputs_ + panel.first;
  call.clamp = epilogue.clamps;
  call.low = epilogue.low;
  call.high = epilogue.high;
  const auto *residual = static_cast<const Value *>(epilogue.residual);
  for (int64_t r = 0; r < task.rows; ++r) {
    for (int64_t t = 0; t < tiles.count; ++t) {
      const int64_t column = tiles.begin(t), place = first + r * row + column * call.ldc;
      call.a = from + r * step[1] * phase.pitch[1] + column * call.a_row;
      if constexpr (std::is_same_v<Value, float>) {
        call.c = to + place;
      } else {
        call.rounded = to + place;
      }
      call.residual = residual == nullptr ? nullptr : residual + place;
      run_tile(isa, panel.width, static_cast<int>(tiles.end(t) - column), call);
    }
  }
}

void ConvLast::run_rows(const Task &task, const std::byte *from, const std::byte *weights, const Panel &panel,
                        const Epilogue &epilogue, std::byte *to) const {
  const int64_t depth = task.phase->depth;
  if (dtype_ == DLC_BF16) {
    TileCallBf16 call;
    call.a_step = 2;
    call.pairs = depth / 2;
    call.b = reinterpret_cast<const Bf16 *>(weights);
    call.ldb = 2 * panel.width;
    run_tiles(*isa_bf16_, call, task, panel, epilogue, reinterpret_cast<const Bf16 *>(from),
              reinterpret_cast<Bf16 *>(to));
    return;
  }
  TileCall call;
  call.a_step = 1;
  call.k = depth;
  call.b = reinterpret_cast<const float *>(weights);
  call.ldb = panel.width;
  run_tiles(*isa_, call, task, panel, epilogue, reinterpret_cast<const float *>(from), reinterpret_cast<float *>(to));
}

}  // namespace dlc
