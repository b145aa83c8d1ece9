// scatter_add(indices, updates) and scatter_elements_add(indices, updates): the transposes of the gathers. Tasks own
// parts of the output, never of the updates: each walks the indices in order, so that every sum is in one order. Where
// tensors are bf16 a part is summed in float beside them and narrowed at the end.
#include <algorithm>

#include "float_runs.h"
#include "gather_view.h"
#include "indices.h"
#include "nothing.h"

namespace dlc {
namespace {

constexpr int64_t kColumns = 256;
// Elements of output that are worth a task: each task reads all the indices of its batch.
constexpr int64_t kTaskElements = 65536;

class ScatterAdd final : public Kernel {
 public:
  ScatterAdd(const KernelArgs &args, const GatherView &view)
      : pool_(args.pool),
        view_(view),
        indices_(args.inputs[0]),
        updates_(args.inputs[1]),
        y_(args.outputs[0]),
        narrow_(args.outputs[0].dtype == DLC_BF16),
        tiles_((view.inner + kColumns - 1) / kColumns),
        rows_(std::max<int64_t>(
            {1, kTaskElements / std::max<int64_t>(1, std::min(view.inner, kColumns)), narrow_ ? 0 : view.count / 64})),
        pieces_((view.extent + rows_ - 1) / rows_) {}

  dlc_status run(RunContext &context) override {
    StrayIndex stray;
    pool_.parallel(view_.batch * view_.outer * tiles_ * pieces_, [&](int64_t task, int lane) {
      const int64_t first = task % pieces_ * rows_, from = task / pieces_ % tiles_ * kColumns;
      add(task / pieces_ / tiles_, first, std::min(view_.extent, first + rows_), from,
          std::min(kColumns, view_.inner - from), reinterpret_cast<float *>(pool_.scratch(lane)), stray);
    });
    return stray.report(indices_, "index", view_.extent, context);
  }

 private:
  // Columns [from, from + width) of rows [first, end) of one [extent, inner] part of the output.
  void add(int64_t line, int64_t first, int64_t end, int64_t from, int64_t width, float *scratch,
           StrayIndex &stray) const {
    const int64_t start = line * view_.extent * view_.inner + from;
    const int64_t updates = line * view_.count * view_.inner + from;
    const int64_t indices = line / view_.outer * view_.count;
    float *const widened = scratch, *const sums = scratch + kColumns;
    const auto row_of = [&](int64_t row) { return y_.place(start + row * view_.inner, sums + (row - first) * width); };
    for (int64_t row = first; row < end; ++row) std::fill_n(row_of(row), width, 0.0f);
    for (int64_t k = 0; k < view_.count; ++k) {
      const int64_t index = indices_.at(indices + k);
      if (index < 0 || index >= view_.extent) stray.note(indices + k);
      if (index < first || index >= end) continue;
      float *const to = row_of(index);
      const float *const values = updates_.read(updates + k * view_.inner, width, widened);
#pragma GCC ivdep
      for (int64_t i = 0; i < width; ++i) to[i] += values[i];
    }
    for (int64_t row = first; narrow_ && row < end; ++row) y_.written(start + row * view_.inner, width, row_of(row));
  }

  ThreadPool &pool_;
  GatherView view_;
  Indices indices_;
  FloatSource updates_;
  FloatSink y_;
  bool narrow_;
  int64_t tiles_;   // of columns
  int64_t rows_;    // in a piece
  int64_t pieces_;  // of rows
};

// y is [outer, extent, inner], indices and updates are [outer, count, inner].
class ScatterElementsAdd final : public Kernel {
 public:
  ScatterElementsAdd(const KernelArgs &args, const LineView &view)
      : pool_(args.pool),
        view_(view),
        indices_(args.inputs[0]),
        updates_(args.inputs[1].as<float>()),
        y_(args.outputs[0].as<float>()) {}

  dlc_status run(RunContext &context) override {
    StrayIndex stray;
    const int64_t tiles = (view_.inner + kColumns - 1) / kColumns;
    const int64_t parts = view_.outer * tiles;
    const int64_t work = std::max<int64_t>(1, (view_.extent + view_.count) * std::min(view_.inner, kColumns));
    const int64_t per_task = std::max<int64_t>(1, kTaskElements / work);
    pool_.parallel((parts + per_task - 1) / per_task, [&](int64_t task, int) {
      const int64_t end = std::min(parts, (task + 1) * per_task);
      for (int64_t part = task * per_task; part < end; ++part) {
        const int64_t from = part % tiles * kColumns;
        add(part / tiles, from, std::min(kColumns, view_.inner - from), stray);
      }
    });
    return stray.report(indices_, "index", view_.extent, context);
  }

 private:
  void add(int64_t outer, int64_t from, int64_t width, StrayIndex &stray) const {
    float *const y = y_ + outer * view_.extent * view_.inner + from;
    for (int64_t row = 0; row < view_.extent; ++row) std::fill_n(y + row * view_.inner, width, 0.0f);
    for (int64_t k = 0; k < view_.count; ++k) {
      const int64_t start = (outer * view_.count + k) * view_.inner + from;
      for (int64_t i = 0; i < width; ++i) {
        const int64_t index = indices_.at(start + i);
        if (index < 0 || index >= view_.extent)
          stray.note(start + i);
        else
          y[index * view_.inner + i] += updates_[start + i];
      }
    }
  }

  ThreadPool &pool_;
  LineView view_;
  Indices indices_;
  const float *updates_;
  float *y_;
};

}  // namespace

std::unique_ptr<Kernel> make_scatter_add(const KernelArgs &args) {
  require(args.inputs.size() == 2 && args.outputs.size() == 1, "scatter_add takes two inputs and gives one output");
  const Tensor &updates = args.inputs[1], &y = args.outputs[0];
  if (!y.data) return std::make_unique<Nothing>();
  const GatherView view = gather_view(y, args.inputs[0], updates, args.attrs);
  require(is_f32_or_bf16(updates) && y.dtype == updates.dtype, "scatter_add is for f32 and bf16");
  require(args.attrs.integer("size") == view.extent, "scatter_add: the output is of another size");
  return std::make_unique<ScatterAdd>(args, view);
}

std::unique_ptr<Kernel> make_scatter_elements_add(const KernelArgs &args) {
  require(args.inputs.size() == 2 && args.outputs.size() == 1,
          "scatter_elements_add takes two inputs, gives one output");
  const Tensor &indices = args.inputs[0], &updates = args.inputs[1], &y = args.outputs[0];
  if (!y.data) return std::make_unique<Nothing>();
  const LineView view = line_view(y, updates, args.attrs);
  require(indices.shape == updates.shape, "scatter_elements_add: indices and updates differ");
  require(updates.dtype == DLC_F32 && y.dtype == DLC_F32, "scatter_elements_add is for f32");
  require(args.attrs.integer("size") == view.extent, "scatter_elements_add: the output is of another size");
  return std::make_unique<ScatterElementsAdd>(args, view);
}

}  // namespace dlc
