// The register tile of weight gradients of channels-last images: rows are input channels, columns output channels, the
// sum runs over pixels. Columns are packed in panels with zeros behind the last channel, rows are read where they lie:
//   sums[i * sums_row + j] (+)= sum over runs, n of x[run.x + n * x_step + i] * dy[(run.dy + n) * width + j].
// An element is a float, or a pair of bfloat16 of the same place in two images, whose products are both added. With it
// comes what packs images into such elements.
#pragma once

#include <cstddef>
#include <cstdint>

#include "../isa.h"

namespace dlc {

// Pixels at an equal distance, of both images.
struct PixelRun {
  int64_t x, dy, count;
};

struct PixelSums {
  const float *x = nullptr;
  ptrdiff_t x_step = 0;
  const float *dy = nullptr;
  const PixelRun *runs = nullptr;
  int64_t run_count = 0;
  float *sums = nullptr;
  ptrdiff_t sums_row = 0;
  bool accumulate = false;
  // What will be needed soon: one line is fetched for each pixel.
  const std::byte *next = nullptr;
  ptrdiff_t next_step = 0;
};

using PixelSumsFunction = void (*)(const PixelSums &call);

// How an image becomes elements.
enum class PixelKind { f32, bf16, bf16_pairs };

// For each pixel, `channels` elements to to[pixel * to_step] and on; after `width` of them, at a distance of
// `panel_step`, come the next `width`. The last panel is filled up with zeros, to whole vectors of sixteen.
struct PixelPack {
  const void *image = nullptr, *second = nullptr;  // second: the other of each pair, null for zeros
  ptrdiff_t image_step = 0;
  int64_t pixels = 0, channels = 0;
  float *to = nullptr;
  ptrdiff_t to_step = 0;
  int64_t width = 0;
  ptrdiff_t panel_step = 0;
};

struct PixelSumsIsa {
  int widest;  // width of the wider panel, a multiple of 16; the other is 16
  int (*most_rows)(int width);
  // Tiles of pairs are there where has_bf16_dots() says so.
  PixelSumsFunction (*tile)(int width, int rows, bool pairs);
  void (*pack)(PixelKind kind, const PixelPack &call);
};

DLC_PER_ISA(const PixelSumsIsa &pixel_sums();)

}  // namespace dlc
