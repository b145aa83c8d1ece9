// Walks of tensors by rows: what transpose, slice, pad and concat have in common. Elements are copied by their size,
// whatever their dtype.
#pragma once

#include <cstdint>
#include <vector>

#include "../kernel.h"
#include "../plan.h"

namespace dlc {

// Row-major strides in elements.
std::vector<int64_t> strides_of(const std::vector<int64_t> &shape);

// Copies a box of elements: for every coordinate, dst[sum c*dst_stride] = src[sum c*src_stride]. Axes are merged where
// both sides allow it, rows that are dense on both sides are moved whole, and transposed pairs of axes go in tiles.
// Built once; runs on the pool in tasks that depend on the shape alone.
class StridedCopy {
 public:
  StridedCopy() = default;
  StridedCopy(size_t element_bytes, const std::vector<int64_t> &extent, const std::vector<int64_t> &src_stride,
              const std::vector<int64_t> &dst_stride);

  void run(ThreadPool &pool, const std::byte *src, std::byte *dst) const;

 private:
  struct Axis {
    int64_t extent, src, dst;  // strides in elements
  };

  template <typename T>
  void run_as(ThreadPool &pool, const T *src, T *dst) const;
  template <typename T>
  void copy_plane(const T *src, T *dst, int64_t rows, int64_t columns) const;

  size_t element_bytes_ = 1;
  bool empty_ = false;
  // The two innermost axes by destination, and the rest, outermost first.
  Axis row_ = {1, 1, 1};
  Axis column_ = {1, 1, 1};
  std::vector<Axis> outer_;
  int64_t planes_ = 1;
  int64_t planes_per_task_ = 1;
  // A plane that is more than a task is cut along its longer side.
  bool by_rows_ = true;
  int64_t part_ = 1, parts_ = 1;
};

// The kernel of ops that are one strided copy of their one input, from its element `offset` on.
class StridedKernel final : public Kernel {
 public:
  StridedKernel(const KernelArgs &args, StridedCopy copy, int64_t offset = 0);
  dlc_status run(RunContext &context) override;
  bool move(std::span<const Tensor> inputs, std::span<const Tensor> outputs) override;

 private:
  ThreadPool &pool_;
  StridedCopy copy_;
  int64_t offset_;  // bytes
  const std::byte *src_;
  std::byte *dst_;  // null: nobody reads the output
};

}  // namespace dlc
