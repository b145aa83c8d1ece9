// The weight gradient of channels-last images: cutting pixels into chunks, packing them, and what runs of pixels each
// tap reads.
#include "conv_last_grad_weight.h"

#include <algorithm>

namespace dlc {
namespace {

// A panel of this many pixels stays in a first-level cache, with one tile's channels of x in front of it.
constexpr int64_t kChunkPixels = 256;
// Partial results that a task adds to, and strips of x: both stay in a second-level cache.
constexpr int64_t kBlockFloats = 96 * 1024;
constexpr int64_t kStripFloats = 96 * 1024;
constexpr int64_t kLeastChannels = 32;
constexpr int64_t kTasks = 16;
// With fewer channels than this, the taps of a kernel row make a tile's rows with them.
constexpr int64_t kFewChannels = 8;
// A vector is written whole.
constexpr int64_t kSlack = 16;

std::vector<Panel> panels_for(int64_t channels, int64_t widest) {
  std::vector<Panel> panels;
  for (int64_t first = 0; first < channels;) {
    const int64_t width = channels - first > kPanelAlign ? widest : kPanelAlign;
    panels.push_back({first, std::min(width, channels - first), static_cast<int>(width)});
    first += width;
  }
  return panels;
}

bool is_pointwise(const ConvShape &s) {
  const ConvShape::Axes ones = {1, 1, 1}, zeros = {0, 0, 0};
  return s.kernel == ones && s.stride == ones && s.low == zeros && s.high == zeros;
}

int64_t ceil_half(int64_t value) {
  return (value + 1) / 2;
}

// Takes aligned parts of a stretch of memory, one after the other; without memory it counts them.
struct Parts {
  std::byte *memory;
  size_t used = 0;
  template <typename T>
  T *take(int64_t count) {
    T *part = memory == nullptr ? nullptr : reinterpret_cast<T *>(memory + used);
    used += static_cast<size_t>(round_up(count * static_cast<int64_t>(sizeof(T)), 64));
    return part;
  }
};

}  // namespace

int64_t ConvLastGradWeight::slice_floats(const ConvShape &shape) {
  return shape.groups * round_up(shape.kg, kPanelAlign) * shape.depth();
}

ConvLastGradWeight::ConvLastGradWeight(const ConvShape &shape, dlc_dtype images, int64_t most_slices)
    : shape_(shape), isa_(&DLC_DISPATCH(pixel_sums)()), transpose_(tile_isa().transpose) {
  ConvShape &s = shape_;
  if (images == DLC_BF16) {
    element_bytes_ = 2;
    kind_ = has_bf16_dots() ? PixelKind::bf16_pairs : PixelKind::bf16;
    unit_images_ = has_bf16_dots() ? 2 : 1;
  }
  // Where a pixel is does not matter: the images are one, or two halves.
  if (is_pointwise(s) && s.n * s.out_plane() % unit_images_ == 0) {
    s.in = s.out = {1, 1, s.n * s.out_plane() / unit_images_};
    s.n = s.n > 0 ? unit_images_ : 0;
  }
  units_ = ceil_div(s.n, unit_images_);
  panels_ = panels_for(s.kg, isa_->widest);
  for (int64_t t = 0; t < s.kernel[2]; ++t) {
    const int64_t shift = t * s.dilation[2] - s.low[2];  // of an input column from stride times its output column
    const int64_t first = std::clamp<int64_t>(ceil_div(std::max<int64_t>(-shift, 0), s.stride[2]), 0, s.out[2]);
    const int64_t room = s.in[2] - 1 - shift;
    first_column_.push_back(first);
    end_column_.push_back(std::clamp<int64_t>(room < 0 ? 0 : room / s.stride[2] + 1, first, s.out[2]));
  }
  if (s.n > 0) choose_blocks(most_slices);
}

void ConvLastGradWeight::choose_blocks(int64_t most_slices) {
  const ConvShape &s = shape_;
  const int64_t width = s.out[2], total = units_ * s.out_plane();
  tap_rows_ = s.cg < kFewChannels && s.kernel[2] > 1 && s.dilation[2] == 1;
  single_ = s.kernel[2] == 1;
  block_channels_ = s.cg;
  block_panels_ = static_cast<int64_t>(panels_.size());
  pixels_ = std::min(total, width <= kChunkPixels ? kChunkPixels / width * width : kChunkPixels);
  const auto update = [&] {
    strips_ = kind_ != PixelKind::f32 || tap_rows_ || 2 * block_channels_ < s.cg;
    pitch_ = !strips_ ? s.c : tap_rows_ ? s.cg : round_up(block_channels_, kPanelAlign);
    pieces_ = ceil_div(pixels_, width) + 1;
  };
  const auto halve_channels = [&] { block_channels_ = ceil_half(block_channels_); };
  const auto halve_pixels = [&] {
    pixels_ = ceil_half(pixels_);
    if (pixels_ > width) pixels_ = pixels_ / width * width;
  };
  const int64_t least = tap_rows_ ? s.cg : kLeastChannels;
  for (update(); block_channels_ * s.taps() * panel_channels(block_panels_) > kBlockFloats; update()) {
    if (block_channels_ > least && (block_channels_ >= panel_channels(block_panels_) || block_panels_ == 1)) {
      halve_channels();
    } else if (block_panels_ > 1) {
      block_panels_ = ceil_half(block_panels_);
    } else {
      break;
    }
  }
  for (; strip_floats() > kStripFloats && block_channels_ > least; update()) halve_channels();
  for (; scratch(nullptr).bytes > ThreadPool::kLaneScratchBytes && pixels_ > 1; update()) halve_pixels();
  for (; scratch(nullptr).bytes > ThreadPool::kLaneScratchBytes && block_panels_ > 1; update())
    block_panels_ = ceil_half(block_panels_);
  for (; scratch(nullptr).bytes > ThreadPool::kLaneScratchBytes && block_channels_ > 1 && !tap_rows_; update())
    halve_channels();
  if (scratch(nullptr).bytes > ThreadPool::kLaneScratchBytes)
    throw Failure(DLC_UNSUPPORTED, "conv: the kernel's reach is too large");

  channel_blocks_ = EvenSplit(s.cg, block_channels_);
  panel_blocks_ = EvenSplit(static_cast<int64_t>(panels_.size()), block_panels_);
  const int64_t blocks = s.groups * channel_blocks_.count * panel_blocks_.count;
  const int64_t slices = std::clamp<int64_t>(ceil_div(kTasks, blocks), 1, most_slices);
  // Chunks as even as whole rows allow: a last one of few pixels would cost as much memory traffic as a full one.
  const int64_t even = ceil_div(total, ceil_div(total, pixels_));
  if (pixels_ % width == 0) {
    pixels_ = std::min(pixels_, round_up(even, width));
  } else if (pixels_ > width) {
    pixels_ = even;
  }
  const int64_t chunks = ceil_div(total, pixels_);
  chunks_ = EvenSplit(chunks, ceil_div(chunks, slices));
}

// As many as the strips of a chunk can take.
int64_t ConvLastGradWeight::strip_floats() const {
  if (!strips_) return 0;
  const ConvShape &s = shape_;
  const int64_t reach = (s.kernel[2] - 1) * s.dilation[2];
  const int64_t columns = single_ ? pixels_ : pixels_ * s.stride[2] + pieces_ * (reach + 1);
  return s.kernel[0] * s.kernel[1] * columns * pitch_ + kSlack;
}

ConvLastGradWeight::Scratch ConvLastGradWeight::scratch(std::byte *memory) const {
  const int64_t rows = shape_.kernel[0] * shape_.kernel[1];
  Scratch parts{};
  Parts from{memory};
  parts.dy = from.take<float>(pixels_ * panel_channels(block_panels_));
  parts.x = from.take<float>(strip_floats());
  parts.pieces = from.take<Piece>(pieces_);
  parts.strips = from.take<Strip>(pieces_ * rows);
  parts.runs = from.take<PixelRun>(pieces_ * calls());
  parts.run_counts = from.take<int64_t>(calls());
  parts.bytes = from.used;
  return parts;
}

void ConvLastGradWeight::run(ThreadPool &pool, const void *x, const void *dy, float *partial, float *dw) const {
  const ConvShape &s = shape_;
  if (units_ == 0) {
    std::fill_n(dw, s.k * s.depth(), 0.0f);
    return;
  }
  pool.parallel(chunks_.count * s.groups * channel_blocks_.count * panel_blocks_.count, [&](int64_t task, int lane) {
    const int64_t channels = task % channel_blocks_.count, panels = task / channel_blocks_.count % panel_blocks_.count;
    const int64_t rest = task / channel_blocks_.count / panel_blocks_.count;
    const Block block = {rest / s.groups,
                         rest % s.groups,
                         channel_blocks_.begin(channels),
                         channel_blocks_.end(channels) - channel_blocks_.begin(channels),
                         panel_blocks_.begin(panels),
                         panel_blocks_.end(panels)};
    sum_block(block, x, dy, partial, pool.scratch(lane));
  });
  constexpr int64_t kRows = 128;
  const int64_t steps = ceil_div(s.depth(), kRows), panels = static_cast<int64_t>(panels_.size());
  pool.parallel(s.groups * panels * steps, [&](int64_t task, int) {
    const int64_t first = task % steps * kRows;
    const Panel &panel = panels_[static_cast<size_t>(task / steps % panels)];
    add_slices(task / steps / panels, panel, first, std::min(kRows, s.depth() - first), partial, dw);
  });
}

void ConvLastGradWeight::sum_block(const Block &block, const void *x, const void *dy, float *partial,
                                   std::byte *memory) const {
  Scratch parts = scratch(memory);
  const int64_t total = units_ * shape_.out_plane();
  const int64_t begin = chunks_.begin(block.slice), end = chunks_.end(block.slice);
  for (int64_t chunk = begin; chunk < end; ++chunk) {
    const int64_t first = chunk * pixels_, last = std::min(total, first + pixels_);
    cut_pieces(first, last, parts);
    pack_gradient(block, dy, first, last, parts.dy);
    find_runs(block, x, parts);
    const Fetches next = chunk + 1 < end ? fetches(block, x, dy, last) : Fetches();
    multiply(block, strips_ ? parts.x : static_cast<const float *>(x), parts, chunk > begin, next, partial);
  }
}

void ConvLastGradWeight::cut_pieces(int64_t first, int64_t end, Scratch &parts) const {
  const ConvShape &s = shape_;
  parts.piece_count = 0;
  for (int64_t pixel = first; pixel < end;) {
    const int64_t column = pixel % s.out[2], row = pixel / s.out[2];
    const int64_t count = std::min(s.out[2] - column, end - pixel);
    parts.pieces[parts.piece_count++] = {
        row / s.out[1] / s.out[0], row / s.out[1] % s.out[0], row % s.out[1], column, count, pixel - first};
    pixel += count;
  }
}

void ConvLastGradWeight::pack_gradient(const Block &block, const void *dy, int64_t first, int64_t end,
                                       float *packed) const {
  const ConvShape &s = shape_;
  const int64_t plane = s.out_plane();
  const Panel &front = panels_[static_cast<size_t>(block.panel)];
  const Panel &back = panels_[static_cast<size_t>(block.end_panel - 1)];
  PixelPack call;
  call.image_step = s.k;
  for (int64_t pixel = first; pixel < end;) {
    const int64_t unit = pixel / plane, image = unit * unit_images_;
    call.pixels = std::min(plane - pixel % plane, end - pixel);
    // Panels of one width in one call: all of them, or all but a narrow last one.
    const int64_t split = back.width == front.width ? back.first + back.columns : back.first;
    for (const int64_t channel : {front.first, split}) {
      const int64_t last = channel == front.first ? split : back.first + back.columns;
      if (channel == last) continue;
      const int64_t element = (image * plane + pixel % plane) * s.k + block.group * s.kg + channel;
      call.channels = last - channel;
      call.image = at(dy, element);
      call.second = image + 1 < s.n && unit_images_ == 2 ? at(dy, element + plane * s.k) : nullptr;
      call.width = call.to_step = channel == front.first ? front.width : back.width;
      call.panel_step = pixels_ * call.width;
      call.to = packed + (channel - front.first) * pixels_ + (pixel - first) * call.width;
      isa_->pack(kind_, call);
      if (last == back.first + back.columns) break;
    }
    pixel += call.pixels;
  }
}

void ConvLastGradWeight::find_runs(const Block &block, const void *x, Scratch &parts) const {
  const ConvShape &s = shape_;
  parts.strip_count = parts.x_floats = 0;
  std::fill_n(parts.run_counts, calls(), 0);
  const auto add = [&](int64_t call, const PixelRun &run) {
    parts.runs[call * pieces_ + parts.run_counts[call]++] = run;
  };
  for (int64_t p = 0; p < parts.piece_count; ++p) {
    const Piece &piece = parts.pieces[p];
    for (int64_t i = 0; i < s.kernel[0] * s.kernel[1]; ++i) {
      const int64_t depth = piece.depth * s.stride[0] - s.low[0] + i / s.kernel[1] * s.dilation[0];
      const int64_t height = piece.row * s.stride[1] - s.low[1] + i % s.kernel[1] * s.dilation[1];
      if (depth < 0 || depth >= s.in[0] || height < 0 || height >= s.in[1]) continue;
      const int64_t row = depth * s.in[1] + height;
      if (tap_rows_) {
        const int64_t first = piece.column * s.stride[2] - s.low[2];
        const int64_t columns = (piece.count - 1) * s.stride[2] + s.kernel[2];
        add(i, {strip_at(block, x, {piece.unit, row, first, columns, 0}, parts), piece.at, piece.count});
        continue;
      }
      for (int64_t t = 0; t < s.kernel[2]; ++t) {
        const int64_t first = std::max(piece.column, first_column_[static_cast<size_t>(t)]);
        const int64_t count = std::min(piece.column + piece.count, end_column_[static_cast<size_t>(t)]) - first;
        if (count <= 0) continue;
        const int64_t column = first * s.stride[2] - s.low[2] + t * s.dilation[2];
        int64_t from;
        if (!strips_) {
          from = ((piece.unit * s.in[0] * s.in[1] + row) * s.in[2] + column) * s.c + block.group * s.cg + block.channel;
        } else if (single_) {
          from = strip_at(block, x, {piece.unit, row, column, count, 0}, parts);
        } else {
          const int64_t left = std::max<int64_t>(0, piece.column * s.stride[2] - s.low[2]);
          const int64_t right =
              (piece.column + piece.count - 1) * s.stride[2] - s.low[2] + (s.kernel[2] - 1) * s.dilation[2] + 1;
          from = strip_at(block, x, {piece.unit, row, left, std::min(right, s.in[2]) - left, 0}, parts) +
                 (column - left) * pitch_;
        }
        add(i * s.kernel[2] + t, {from, piece.at + first - piece.column, count});
      }
    }
  }
}

// Rows above each other share rows of x: the strip may be there already.
int64_t ConvLastGradWeight::strip_at(const Block &block, const void *x, const Strip &wanted, Scratch &parts) const {
  const int64_t oldest = std::max<int64_t>(0, parts.strip_count - 2 * shape_.kernel[0] * shape_.kernel[1]);
  for (int64_t i = parts.strip_count; i-- > oldest;) {
    const Strip &strip = parts.strips[i];
    if (strip.unit == wanted.unit && strip.row == wanted.row && strip.first == wanted.first &&
        strip.count == wanted.count) {
      return strip.at;
    }
  }
  Strip &strip = parts.strips[parts.strip_count++] = wanted;
  strip.at = parts.x_floats;
  parts.x_floats += strip.count * pitch_;
  fill_strip(block, x, strip, parts.x + strip.at);
  return strip.at;
}

void ConvLastGradWeight::fill_strip(const Block &block, const void *x, const Strip &strip, float *to) const {
  const ConvShape &s = shape_;
  const int64_t step = single_ ? s.stride[2] : 1;
  const int64_t first = std::clamp<int64_t>(-strip.first, 0, strip.count);
  const int64_t end = single_ ? strip.count : std::clamp<int64_t>(s.in[2] - strip.first, first, strip.count);
  const int64_t image = strip.unit * unit_images_;
  const int64_t element = ((image * s.in[0] * s.in[1] + strip.row) * s.in[2] + strip.first + first) * s.c +
                          block.group * s.cg + block.channel;
  PixelPack call;
  call.image = at(x, element);
  call.second = image + 1 < s.n && unit_images_ == 2 ? at(x, element + s.in_plane() * s.c) : nullptr;
  call.image_step = step * s.c;
  call.pixels = end - first;
  call.channels = block.channels;
  if (pitch_ == s.c && block.channels == s.c && step == 1 && end > first) {
    // Neighbouring pixels are neighbours in the strip too.
    call.channels *= call.pixels;
    call.pixels = 1;
  }
  call.width = round_up(call.channels, kPanelAlign);
  call.to = to + first * pitch_;
  call.to_step = pitch_;
  std::fill(to, to + first * pitch_, 0.0f);
  isa_->pack(kind_, call);
  std::fill(to + end * pitch_, to + strip.count * pitch_, 0.0f);
}

void ConvLastGradWeight::Fetches::take(PixelSums &call) {
  call.next = reinterpret_cast<const std::byte *>(call.dy);
  call.next_step = 0;
  if (count == 0) return;
  Fetch &part = parts[count - 1];
  call.next = part.from;
  call.next_step = part.step;
  part.from += part.advance;
  if (--part.calls == 0) --count;
}

ConvLastGradWeight::Fetches ConvLastGradWeight::fetches(const Block &block, const void *x, const void *dy,
                                                        int64_t first) const {
  const ConvShape &s = shape_;
  Fetches all;
  const Panel &front = panels_[static_cast<size_t>(block.panel)];
  const Panel &back = panels_[static_cast<size_t>(block.end_panel - 1)];
  const int64_t plane = s.out_plane(), image = first / plane * unit_images_;
  const int64_t columns = back.first + back.columns - front.first;
  // Beside a strided kernel's pixels lie others that only some taps read, or none.
  const bool same = s.stride == ConvShape::Axes{1, 1, 1};
  const int64_t ahead = ((s.kernel[1] - 1) * s.dilation[1] - s.low[1]) * s.in[2];
  for (int64_t i = image; i < std::min(image + unit_images_, s.n); ++i) {
    const int64_t pixel = first % plane;
    all.add(at(dy, (i * plane + pixel) * s.k + block.group * s.kg + front.first), s.k * element_bytes_,
            ceil_div(columns * element_bytes_, 64), 64);
    if (!same) continue;
    all.add(at(x, (i * s.in_plane() + pixel + ahead) * s.c + block.group * s.cg + block.channel), s.c * element_bytes_,
            ceil_div(block.channels * element_bytes_, 64), 64);
  }
  return all;
}

void ConvLastGradWeight::multiply(const Block &block, const float *x, const Scratch &parts, bool accumulate,
                                  Fetches next, float *partial) const {
  const ConvShape &s = shape_;
  const int64_t rows = tap_rows_ ? s.kernel[2] * s.cg : block.channels;
  PixelSums call;
  call.x_step = (strips_ && single_ ? 1 : s.stride[2]) * pitch_;
  call.accumulate = accumulate;
  float *slice = partial + block.slice * slice_floats(s) + block.group * round_up(s.kg, kPanelAlign) * s.depth();
  const int64_t first = panels_[static_cast<size_t>(block.panel)].first;
  for (int64_t p = block.panel; p < block.end_panel; ++p) {
    const Panel &panel = panels_[static_cast<size_t>(p)];
    const EvenSplit tiles(rows, isa_->most_rows(panel.width));
    float *sums = slice + panel.first * s.depth();
    call.dy = parts.dy + (panel.first - first) * pixels_;
    call.sums_row = (tap_rows_ ? 1 : s.taps()) * panel.width;
    for (int64_t t = 0; t < tiles.count; ++t) {
      const int64_t row = tiles.begin(t);
      const PixelSumsFunction tile =
          isa_->tile(panel.width, static_cast<int>(tiles.end(t) - row), kind_ == PixelKind::bf16_pairs);
      call.x = x + row;
      for (int64_t i = 0; i < calls(); ++i) {
        call.runs = parts.runs + i * pieces_;
        call.run_count = parts.run_counts[i];
        if (accumulate && call.run_count == 0) continue;
        call.sums = sums + (tap_rows_ ? i * rows + row : (block.channel + row) * s.taps() + i) * panel.width;
        next.take(call);
        tile(call);
      }
    }
  }
}

void ConvLastGradWeight::add_slices(int64_t group, const Panel &panel, int64_t first, int64_t rows, float *partial,
                                    float *dw) const {
  const ConvShape &s = shape_;
  float *sum = partial + (group * round_up(s.kg, kPanelAlign) + panel.first) * s.depth() + first * panel.width;
  for (int64_t slice = 1; slice < chunks_.count; ++slice) {
    const float *part = sum + slice * slice_floats(s);
    for (int64_t i = 0; i < rows * panel.width; ++i) sum[i] += part[i];
  }
  float *to = dw + (group * s.kg + panel.first) * s.depth();
  if (!tap_rows_) {
    transpose_(sum, panel.width, rows, panel.columns, to + first, s.depth());
    return;
  }
  // Rows are (tap, channel) here.
  for (int64_t i = 0; i < rows; ++i) {
    const int64_t tap = (first + i) / s.cg, channel = (first + i) % s.cg;
    for (int64_t j = 0; j < panel.columns; ++j) to[j * s.depth() + channel * s.taps() + tap] = sum[i * panel.width + j];
  }
}

}  // namespace dlc
